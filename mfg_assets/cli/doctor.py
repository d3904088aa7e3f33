"""`mfg doctor`: what is wrong around and inside the platform, and how to mend it.

Belongs here: running the looks and showing them. Doesn't belong here: the looks (`health_machine`, `health_state`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated

import typer

from mfg_assets.cli import context, examples
from mfg_assets.cli.failures import STOPPED
from mfg_assets.cli.health import Finding
from mfg_assets.cli.output import Format, FormatOption, cell, console, emit, show

_MARKS = {"ok": ("ok", "green"), "note": ("note", "yellow"), "wrong": ("WRONG", "bold red")}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        short_help="What is wrong, and how to mend it.",
        epilog=examples.of("mfg doctor", "mfg doctor --only-problems", "mfg doctor --format json"),
    )(doctor)


def doctor(
    only_problems: Annotated[bool, typer.Option("--only-problems", help="Leave out what is in order.")] = False,
    output: FormatOption = Format.table,
) -> None:
    """Look at versions, configuration, connections, disk, locks, estate, landing and the published snapshot."""
    from mfg_assets.cli import health_machine, health_state

    settings = context.settings()
    looks: list[Callable[[], Iterator[Finding]]] = [
        health_machine.versions,
        lambda: health_machine.configuration(settings),
        lambda: health_machine.disk(settings),
        lambda: health_machine.locks(settings),
        lambda: health_machine.connections(settings),
        lambda: health_state.estate(settings),
        lambda: health_state.landing(settings),
        lambda: health_state.published(settings),
    ]
    findings = [f for look in looks for f in look() if not only_problems or f.state != "ok"]
    wrong = sum(f.state == "wrong" for f in findings)
    if output is Format.table:
        _show(findings)
        show()
        show("Nothing is wrong." if not wrong else f"{wrong} thing{'s are' if wrong > 1 else ' is'} wrong.")
    else:
        columns = ("area", "name", "state", "detail", "fix")
        emit(columns, [(f.area, f.name, f.state, f.detail, f.fix) for f in findings], output)
    if wrong:
        raise typer.Exit(STOPPED)


def _show(findings: list[Finding]) -> None:
    out = console()
    area = ""
    for finding in findings:
        if finding.area != area:
            area = finding.area
            out.print(cell(area, style="bold"))
        mark, style = _MARKS[finding.state]
        line = cell(f"  {mark:<6}", style=style)
        line.append_text(cell(f"{finding.name}: {finding.detail}"))
        out.print(line, soft_wrap=True)
        if finding.fix:
            out.print(cell(f"         fix: {finding.fix}"), soft_wrap=True)
