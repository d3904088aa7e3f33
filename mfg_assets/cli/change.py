"""`mfg change`: where plants are with engineering changes, what one touches, and what a new one would.

Belongs here: options and helpful answers to mistyped words. Doesn't belong here: reading (change), layout
(change_view).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mfg_assets.cli import change_view, context, examples, instants, query
from mfg_assets.cli.output import Format, FormatOption, say
from mfg_assets.errors import Problem, UsageError

if TYPE_CHECKING:
    import duckdb

app = typer.Typer(name="change", help="Engineering changes: where each plant is with each.", no_args_is_help=True)

STATUSES = ("not_applicable", "pending", "in_progress", "synchronised", "blocked", "overdue", "deviated")
_LIMIT = 100

Plant = Annotated[str | None, typer.Option(help="Only this plant.")]


@app.callback()
def _group() -> None:
    """Engineering changes at plants, by what their systems are seen to hold."""


@app.command(
    name="list",
    epilog=examples.of(
        "mfg change list",
        "mfg change list --plant P300 --status blocked --status overdue",
        "mfg change list --reason partial_update --format csv --limit 0 > partial.csv",
    ),
)
def list_(
    plant: Plant = None,
    status: Annotated[list[str] | None, typer.Option(help=f"Only these: {', '.join(STATUSES)}.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only what this reason blocks, such as partial_update.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most this many; 0 for all.")] = _LIMIT,
    output: FormatOption = Format.table,
) -> None:
    """List changes at plants with status, reasons, first day and hours from release to both systems."""
    from mfg_assets.change import at_plants

    if unknown := set(status or ()) - set(STATUSES):
        raise UsageError(
            Problem(f"--status: there is no status {sorted(unknown)[0]!r}", fix=f"one of: {', '.join(STATUSES)}")
        )
    with query.published() as connection:
        _check_plant(connection, plant)
        found = at_plants(connection, plant=plant, statuses=status or (), reason=reason)
    change_view.show_list(found, output, limit=limit or None)


@app.command(
    epilog=examples.of(
        "mfg change show EC010023", "mfg change show EC010023 --plant P300", "mfg change show EC010023 --format json"
    )
)
def show(
    number: Annotated[str, typer.Argument(help="Number of the change.")],
    plant: Plant = None,
    output: FormatOption = Format.table,
) -> None:
    """Show one change: a timeline per plant with what shows each milestone, what is in the way, and what it touches."""
    from mfg_assets.change import at_plants, numbers_like, orders_on_old, run_outs, touched

    with query.published() as connection:
        _check_plant(connection, plant)
        found = at_plants(connection, change_number=number, plant=plant)
        if not found:
            if plant is not None and at_plants(connection, change_number=number):
                raise UsageError(Problem(f"{number} says nothing of {plant}", fix=f"mfg change show {number}"))
            near = numbers_like(connection, number)
            fix = f"did you mean {', '.join(near)}?" if near else "`mfg change list` lists them"
            raise UsageError(Problem(f"there is no change {number!r} in the published state", fix=fix))
        details = [
            change_view.Detail(
                one,
                touched(connection, number, one.text("plant_id")),
                run_outs(connection, number, one.text("plant_id")),
                orders_on_old(connection, number, one.text("plant_id")),
            )
            for one in found
        ]
    change_view.show_change(details, output)


@app.command(
    epilog=examples.of(
        "mfg change impact --item 100063 --replace-by 100064 --plant P100 --on 2026-03-01",
        "mfg change impact --item 100063 --replace-by 100064 --plant P100 --on 2026-03-01 --format csv > impact.csv",
    )
)
def impact(
    item: Annotated[str, typer.Option(help="Component that would go out.")],
    replace_by: Annotated[str, typer.Option(help="Component that would take its place.")],
    plant: Annotated[str, typer.Option(help="Plant.")],
    on: Annotated[str, typer.Option(help="First day (the plant's midnight), or an instant.")],
    output: FormatOption = Format.table,
) -> None:
    """Say what a change that doesn't exist yet would touch: what takes the component, what is open and there of it."""
    from mfg_assets.bom import Question
    from mfg_assets.change import replace

    estate = context.estate_if_chosen()
    zones = {p.id: p.timezone for p in estate.file.plants} if estate else {}
    with query.published() as connection:
        _check_plant(connection, plant)
        for option, value in (("--item", item), ("--replace-by", replace_by)):
            _check_item(connection, option, value)
        if item == replace_by:
            raise UsageError(Problem(f"{item} can't take its own place", fix="name another item with --replace-by"))
        zone = zones.get(plant, "UTC")
        row = connection.execute("select as_of from publication order by version desc limit 1").fetchone()
        starts = instants.parse(on, [zone], "--on")
        question = Question(
            item=item,
            plant_id=plant,
            as_of=starts,
            line_rules={s.system: (s.line_identity, s.overlap_winner) for s in estate.systems.values()}
            if estate
            else {},
        )
        answer = replace(connection, question, replace_by, row[0] if row else starts, zone)
    if not answer.assemblies:
        say(f"{item} is in no bill at {plant} on that day.")
    change_view.show_what_if(answer, zone, output)


def _check_plant(connection: duckdb.DuckDBPyConnection, plant: str | None) -> None:
    if plant is None:
        return
    from mfg_assets.bom import lookup

    rows = connection.execute("select distinct plant_id from engineering_change_plant_status").fetchall()
    known = sorted({row[0] for row in rows} | set(lookup.plants_of(connection)))
    if plant not in known:
        raise UsageError(Problem(f"nothing is published for plant {plant!r}", fix=f"one of: {', '.join(known)}"))


def _check_item(connection: duckdb.DuckDBPyConnection, option: str, item: str) -> None:
    from mfg_assets.bom import lookup

    if not lookup.is_known(connection, item):
        near = lookup.items_like(connection, item)
        fix = f"did you mean {', '.join(near)}?" if near else "`mfg query 'select item_number from item'` lists them"
        raise UsageError(Problem(f"{option}: there is no item {item!r} in the published state", fix=fix))
