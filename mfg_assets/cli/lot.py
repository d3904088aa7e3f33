"""`mfg lot`: what went into a lot, and where it went, from the published state.

Belongs here: options, layout, helpful answers to a mistyped number. Doesn't belong here: the walk itself (lots).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mfg_assets.cli import bom_view, examples
from mfg_assets.cli.failures import STOPPED
from mfg_assets.cli.output import Format, FormatOption, cell, emit, print_table, say
from mfg_assets.errors import Problem, UsageError

if TYPE_CHECKING:
    from mfg_assets.lots import Step

app = typer.Typer(name="lot", help="Lots and serials: what went in, and where it went.", no_args_is_help=True)

_COLUMNS = (
    *("level", "plant_id", "document_type", "document_number", "item_number", "lot_number", "description"),
    *("quantity", "unit", "used_at", "source_systems", "event_ids", "is_cycle"),
)


@app.callback()
def _group() -> None:
    """Genealogy from the published state."""


@app.command(
    name="trace",
    epilog=examples.of(
        "mfg lot trace SN1100001-000001 --down",
        "mfg lot trace L1100057-0001A --up --format csv",
    ),
)
def trace(
    lot: Annotated[str, typer.Argument(help="Lot or serial number.")],
    down: Annotated[bool, typer.Option("--down", help="What went into it.")] = False,
    up: Annotated[bool, typer.Option("--up", help="What it went into, and to whom.")] = False,
    item: Annotated[str | None, typer.Option(help="Its item, where several have a lot of this number.")] = None,
    max_level: Annotated[int | None, typer.Option(min=1, help="Nothing below this level.")] = None,
    output: FormatOption = Format.table,
) -> None:
    """Follow a lot or serial through production, across plants, down to what it is made of or up to who got it."""
    from mfg_assets import lots
    from mfg_assets.cli.query import published

    if up == down:
        raise UsageError(Problem("choose a direction", fix="--down for what went into the lot, --up for where it went"))
    with published() as connection:
        items = lots.items_of(connection, lot)
        if not items or (item is not None and item not in items):
            near = items or lots.lots_like(connection, lot)
            what = f"no lot or serial {lot!r}" + (f" of item {item}" if items else "")
            fix = ("it is of " if items else "did you mean ") + ", ".join(near) + ("" if items else "?")
            raise UsageError(Problem(f"there is {what} in the published state", fix=fix if near else "mfg query"))
        if item is None and len(items) > 1:
            raise UsageError(Problem(f"several items have a lot {lot}", fix=f"choose with --item: {', '.join(items)}"))
        steps = lots.trace(connection, item or items[0], lot, is_down=down, max_level=max_level)
    if output is not Format.table:
        emit(_COLUMNS, ([getattr(step, column) for column in _COLUMNS] for step in steps), output)
    else:
        _show_tree(steps)
    if len(steps) == 1:
        say(f"Nothing is known to have gone into {lot}." if down else f"{lot} went nowhere yet, as far as is known.")
    if any(step.is_cycle for step in steps):
        say("A lot stands on its own path (cycle): the genealogy is wrong there.")
        raise typer.Exit(STOPPED)


def _show_tree(steps: Sequence[Step]) -> None:
    print_table(
        ("level", "lot or serial", "item", "description", "quantity", "unit", "plant", "by", "taken at"),
        [
            [
                cell(str(step.level)),
                cell("· " * step.level + _name(step), style="yellow" if step.is_cycle else ""),
                cell(step.item_number),
                cell(step.description),
                cell(bom_view.number(step.quantity)),
                cell(step.unit),
                cell(step.plant_id),
                cell(f"{step.document_type} {step.document_number}".replace("_", " ") if step.document_type else ""),
                cell(bom_view.instant(step.used_at) if step.used_at else ""),
            ]
            for step in steps
        ],
        (True, False, False, False, True, False, False, False, False),
    )


def _name(step: Step) -> str:
    return step.lot_number or ("(shipped)" if step.document_type == "sales_order" else "(no lot)")
