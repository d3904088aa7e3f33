"""Quoting for the few places where a name or a path has to stand in SQL text.

Belongs here: quoting. Doesn't belong here: values from extracts, which are bound as parameters, never quoted.
"""

from __future__ import annotations

import re
from pathlib import Path

_GLOB = re.compile(r"([\[\]*?])")


def identifier(name: str) -> str:
    """A quoted identifier. Raises ValueError on a name that can't be one."""
    if not name or "\x00" in name:
        raise ValueError(f"not an identifier: {name!r}")
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A quoted string literal for text that the platform itself made or an estate declares."""
    if "\x00" in value:
        raise ValueError("a text with a NUL character can't stand in SQL")
    return "'" + value.replace("'", "''") + "'"


def path_literal(path: Path) -> str:
    """A literal naming exactly this file: glob characters in its name are escaped, or other files would be read."""
    return literal(_GLOB.sub(r"[\1]", path.as_posix()))
