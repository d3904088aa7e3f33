"""`mfg check`: every problem of the estate at once.

Belongs here: showing problems. Doesn't belong here: finding them (estate).
"""

from __future__ import annotations

from typing import Annotated

import typer

from mfg_assets.cli import context, examples
from mfg_assets.cli.failures import STOPPED, show_problems
from mfg_assets.cli.output import Format, FormatOption, emit, say, show


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        short_help="Validate the estate; every problem at once.",
        epilog=examples.of(
            "mfg check",
            "mfg check --no-sources              # without opening any source file",
            "mfg check --format json             # for an editor or a pipeline",
        ),
    )(check)


def check(
    sources: Annotated[
        bool, typer.Option("--sources/--no-sources", help="Also try patterns and expressions on the real files.")
    ] = True,
    output: FormatOption = Format.table,
) -> None:
    """Validate the estate: its YAML, its code maps, and its mappings against the files' real headers."""
    from mfg_assets.estate.check import collect_problems

    path = context.settings().estate_path
    problems = collect_problems(path, context.settings(), sources=sources)
    if output is not Format.table:
        columns = ("file", "line", "message", "fix")
        emit(columns, [(str(p.path) if p.path else None, p.line, p.message, p.fix) for p in problems], output)
    elif problems:
        show_problems(problems)
        say(f"\n{len(problems)} problem{'s' if len(problems) > 1 else ''} in {path}")
    else:
        estate = context.estate()
        extracts = sum(len(system.extracts) for system in estate.systems.values())
        counts = ", ".join(
            (_count(len(estate.plant_ids), "plant"), _count(len(estate.systems), "system"), _count(extracts, "extract"))
        )
        show(f"{estate.file.name}: {counts}. No problems{'' if sources else '; source files were not opened'}.")
    if problems:
        raise typer.Exit(STOPPED)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
