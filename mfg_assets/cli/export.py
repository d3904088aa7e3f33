"""`mfg export`: a published table as a workbook or CSV file for people.

Belongs here: arguments, rows from the snapshot. Doesn't belong here: writing files (`files`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mfg_assets.cli import context, examples
from mfg_assets.cli.output import show
from mfg_assets.cli.query import published_database, sealed
from mfg_assets.errors import Problem, UsageError
from mfg_assets.warehouse.sql import identifier

if TYPE_CHECKING:
    import duckdb

_CHUNK = 5000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        short_help="A published table as an Excel workbook or CSV file.",
        epilog=examples.of(
            "mfg export bom_finding findings.xlsx",
            "mfg export bom_finding findings.xlsx --plant P100",
            "mfg export item item.csv",
        ),
    )(export)


def export(
    table: Annotated[str, typer.Argument(help="A published table; `mfg query` without SQL lists them.")],
    file: Annotated[Path, typer.Argument(help="The file to write, .xlsx or .csv.")],
    plant: Annotated[list[str] | None, typer.Option(help="Only rows of this plant; may be repeated.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """Write a published table to a file: typed, and no text of it can run as a formula."""
    from mfg_assets.export import check_target, write_file

    check_target(file, overwrite=overwrite)
    settings = context.settings()
    database = published_database(settings)
    with sealed(settings, database) as connection:
        known = {row[0]: row[1] for row in connection.execute(_TABLES).fetchall()}
        if table not in known:
            raise UsageError(
                Problem(f"there is no published table {table!r}", fix=f"one of: {', '.join(sorted(known))}")
            )
        columns = {row[0]: row[1] for row in connection.execute(_COLUMNS, [table]).fetchall()}
        where = ""
        if plant:
            if "plant_id" not in columns:
                raise UsageError(Problem(f"{table} has no column plant_id", fix="leave --plant out"))
            where = " where list_contains($1, plant_id)"
        cursor = connection.execute(f"select * from {identifier(table)}{where}", [list(plant)] if plant else None)
        written = write_file(file, table, columns, _rows(cursor), about=known[table] or "")
    show(f"{file}: {written:,} rows of {table}, version {database.parent.name}")


_TABLES = "select table_name, comment from duckdb_tables() where not internal"
_COLUMNS = (
    "select column_name, comment from duckdb_columns() where not internal and table_name = $1 order by column_index"
)


def _rows(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(_CHUNK):
        yield from rows
