"""`mfg exceptions`: each role's queue.

Belongs here: listing and showing. Doesn't belong here: acts (`exception_acts`), what they mean (exceptions).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mfg_assets.cli import context, examples, exception_acts
from mfg_assets.cli.exception_rows import (
    Assignee,
    Class,
    Overdue,
    Plant,
    Role,
    SeverityOption,
    StateOption,
    all_columns,
    filter_of,
    headings,
    instant,
    short,
    value_of,
)
from mfg_assets.cli.output import Format, FormatOption, emit, show
from mfg_assets.safe import plain

app = typer.Typer(name="exceptions", help="What disagrees, is refused or is late, by role.", no_args_is_help=True)

_LIMIT = 50


@app.callback()
def _group() -> None:
    """What disagrees, is refused or is late: once each, with an owner, a clock and a history."""


@app.command(
    name="list",
    epilog=examples.of(
        "mfg exceptions list",
        "mfg exceptions list --role planner --plant P100",
        "mfg exceptions list --class bom.quantity --overdue --format csv --limit 0 > queue.csv",
    ),
)
def list_(
    role: Role = None,
    plant: Plant = None,
    class_: Class = None,
    state: StateOption = None,
    severity: SeverityOption = None,
    assignee: Assignee = None,
    overdue: Overdue = False,
    limit: Annotated[int, typer.Option(min=0, help="At most this many; 0 for all.")] = _LIMIT,
    output: FormatOption = Format.table,
) -> None:
    """List exceptions: most severe first, then those due first, then the most valuable."""
    from mfg_assets.exceptions import find
    from mfg_assets.ledger import open_ledger

    wanted = filter_of(None, role, plant, class_, state, severity, assignee, overdue)
    with open_ledger(context.settings()) as ledger:
        # One more than is shown, to know whether there are more.
        found = find(ledger, wanted, limit=limit + 1 if limit else None)
    if output is Format.table:
        if not found:
            show("No exceptions" + ("." if wanted.is_empty else " match."))
            return
        emit(headings(), [short(row) for row in found], output, limit=limit or None)
        return
    columns = all_columns()
    emit(columns, [[value_of(row, name) for name in columns] for row in found], output, limit=limit or None)


@app.command(
    name="export",
    epilog=examples.of("mfg exceptions export queue.xlsx --role planner --plant P100"),
)
def export(
    file: Annotated[Path, typer.Argument(help="The file to write, .xlsx or .csv.")],
    role: Role = None,
    plant: Plant = None,
    class_: Class = None,
    state: StateOption = None,
    severity: SeverityOption = None,
    assignee: Assignee = None,
    overdue: Overdue = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """Write a queue as an Excel workbook or CSV file, most urgent first, as the ledger stands now."""
    from mfg_assets.exceptions import find
    from mfg_assets.exceptions.published import EXCEPTION
    from mfg_assets.export import check_target, write_file
    from mfg_assets.ledger import open_ledger

    check_target(file, overwrite=overwrite)
    wanted = filter_of(None, role, plant, class_, state, severity, assignee, overdue)
    with open_ledger(context.settings()) as ledger:
        found = find(ledger, wanted)
    columns = {name: EXCEPTION.columns[name] for name in all_columns()}
    rows = ([value_of(row, name) for name in columns] for row in found)
    written = write_file(file, "exceptions", columns, rows, about=EXCEPTION.description)
    show(f"{file}: {written:,} exceptions")


@app.command(name="show", epilog=examples.of("mfg exceptions show 3f2a9c1b7d5e8a604c11"))
def show_(
    exception_id: Annotated[str, typer.Argument(help="As `mfg exceptions list` prints it.")],
    output: FormatOption = Format.table,
) -> None:
    """Show one exception: what it is about, its evidence, the records behind it, and its whole history."""
    from mfg_assets.exceptions import show as look_up
    from mfg_assets.ledger import open_ledger

    with open_ledger(context.settings()) as ledger:
        row, events = look_up(ledger, exception_id)
    if output is not Format.table:
        columns = [*all_columns(), "history"]
        history = [
            {"version": e.version, "at": e.at, "act": e.act, "state": e.state, "actor": e.actor, "reason": e.reason}
            for e in events
        ]
        emit(columns, [[*(value_of(row, name) for name in columns[:-1]), history]], output)
        return
    for name in all_columns():
        value = value_of(row, name)
        if value not in (None, [], {}):
            show(f"{name:<18}{plain(value)}")
    show()
    show("History:")
    for event in events:
        words = f": {event.reason}" if event.reason else ""
        extra = "".join(f" [{key} {value}]" for key, value in event.details.items())
        show(f"  {event.version:>3}  {instant(event.at)}  {event.act} by {event.actor}{extra}{words}")


exception_acts.register(app)
