"""`mfg trace`: a published value back to the bytes that it came from.

Belongs here: arguments and layout. Doesn't belong here: finding the way (lineage).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from mfg_assets.cli import context, examples
from mfg_assets.cli.output import TextFormat, show
from mfg_assets.safe import json_text, plain

if TYPE_CHECKING:
    from mfg_assets.lineage import Origin, Trace


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        short_help="Walk a published value back to system, file, line and native value.",
        epilog=examples.of(
            "mfg trace item BK-M82S-38 --column description",
            "mfg trace inventory_comparison P100 A1 WHEEL --column erp_quantity",
            "mfg trace item BK-M82S-38 --format json",
        ),
    )(trace)


def trace(
    table: Annotated[str, typer.Argument(help="A published table.")],
    key: Annotated[
        list[str] | None,
        typer.Argument(help="Values of its key columns in their order; '' for none; fewer if they name one row."),
    ] = None,
    column: Annotated[str | None, typer.Option(help="Only this column; all of the row without it.")] = None,
    output: Annotated[TextFormat, typer.Option("--format", "-f", help="How it is printed.")] = TextFormat.text,
) -> None:
    """Show where a published value comes from: relations, landed rows, files, lines, native values, and the rule."""
    from mfg_assets.lineage import trace as walk

    found = walk(context.settings(), context.estate(), table, key or [], column)
    if output is TextFormat.json:
        show(json_text([{**asdict(one), "is_carried": one.is_carried} for one in found]))
        return
    for number, one in enumerate(found):
        if number:
            show()
        _render(one)


def _render(one: Trace) -> None:
    key = ", ".join(f"{name} {plain(value)}" for name, value in one.key.items() if value is not None)
    show(f"{one.table}.{one.column} = {plain(one.value) or 'no value'}   ({key})")
    if one.chosen_system:
        show(f"  chosen from {one.chosen_system}")
    for step in one.steps:
        if not step.matching:
            continue
        columns = f"({', '.join(step.columns)})" if step.columns else "(rows)"
        values = "; ".join(
            ", ".join(f"{c} {plain(row[c])}" for c in step.columns if c in row) for row in step.rows if step.columns
        )
        rows = f"{step.matching:,} row{'' if step.matching == 1 else 's'}"
        show(f"  {step.relation} {columns}: {rows}{f': {values}' if values else ''}")
    if one.origins:
        show("  carried from a record as it landed" if one.is_carried else "  computed from what these records hold")
    for origin in one.origins:
        _render_origin(origin)
    if one.made_by:
        show(f"  from no system's record: {one.made_by}")


def _render_origin(origin: Origin) -> None:
    name = f"{origin.entity}.{origin.column}" if origin.column else origin.entity
    value = f" = {plain(origin.value) or 'no value'}" if origin.column else ""
    place = f"{origin.source_system}.{origin.extract_name}, {origin.source_file} record {origin.source_row}"
    show(f"  <- {place}: {name}{value}")
    show(f"     batch {origin.batch_id}, correlation id {origin.correlation_id}")
    if origin.mapping:
        show(f"     by {origin.mapping}")
    if origin.native is not None:
        show(f"     from {json_text(origin.native)}")
    elif origin.is_from_database:
        show("     read from a database, which knows only its present: the landed row is the proof")
    else:
        show("     the file is no longer there, or not as it was")
    if origin.rule:
        show(f"     {origin.rule}")
