"""Examples below a command's help, each on its own line.

Belongs here: their layout. Doesn't belong here: the examples themselves, which stand beside their commands.
"""

from __future__ import annotations


def of(*commands: str) -> str:
    """An epilog that keeps its line breaks: the leading backspace tells the help formatter so."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)
