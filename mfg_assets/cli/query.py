"""`mfg query`: read-only SQL on the published snapshot.

Belongs here: running one statement that can't write and can't reach anything else. Doesn't belong here: other readers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mfg_assets.cli import context, examples
from mfg_assets.cli.output import Format, FormatOption, emit, show
from mfg_assets.errors import Problem, PublicationError, UsageError

if TYPE_CHECKING:
    import duckdb

    from mfg_assets.settings import Settings

_SCREENFUL = 100
_CHUNK = 2000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        short_help="Read-only SQL on the published snapshot.",
        epilog=examples.of(
            "mfg query                                  # which tables there are",
            "mfg query 'describe item'",
            "mfg query 'select finding_class, count(*) from inventory_finding group by all'",
            "mfg query 'from bom_line' --format csv > bom_line.csv",
        ),
    )(query)


def query(
    sql: Annotated[str | None, typer.Argument(help="One SELECT statement; - reads it from standard input.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=0, help=f"At most this many rows; 0 for all. Default {_SCREENFUL} in a table, all otherwise."),
    ] = None,
    output: FormatOption = Format.table,
) -> None:
    """Ask the published snapshot. Nothing can be written, and no other file or network address can be reached."""
    if limit is None:
        limit = _SCREENFUL if output is Format.table else 0
    text = sys.stdin.read() if sql == "-" else sql
    settings = context.settings()
    # Resolved once: a publication while this runs must not mix two versions.
    database = published_database(settings)
    if text is None:
        _list_tables(settings, database, output)
        return
    import duckdb

    try:
        with sealed(settings, database) as connection:
            result = connection.execute(_only_statement(connection, text))
            columns = [column[0] for column in result.description or ()]
            emit(columns, _rows(result), output, limit=limit or None)
    except duckdb.Error as error:
        raise UsageError(Problem(f"DuckDB refuses the statement: {error}", fix=_hint(str(error)))) from None


def published_database(settings: Settings) -> Path:
    """The DuckDB file of the version in force. Raises PublicationError when nothing is published."""
    from mfg_assets.publish import current_version_dir

    return current_version_dir(settings) / "marts.duckdb"


@contextmanager
def published() -> Iterator[duckdb.DuckDBPyConnection]:
    """The version in force, readable only.

    Raises PublicationError when nothing is published, or by a release that knew fewer tables than this one.
    """
    import duckdb

    settings = context.settings()
    with sealed(settings, published_database(settings)) as connection:
        try:
            yield connection
        except duckdb.CatalogException as error:
            what = str(error).splitlines()[0]
            fix = "`mfg run` publishes it anew, with the tables that this release has"
            raise PublicationError(
                Problem(f"the version in force lacks what is asked: {what}", published_database(settings), fix=fix)
            ) from None


def sealed(settings: Settings, database: Path) -> Any:
    """A read-only connection from which neither files nor the network can be reached."""
    from mfg_assets.warehouse.session import connect

    return connect(settings, database, read_only=True, allowed_directories=())


def _only_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    import duckdb

    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise UsageError(
            Problem(f"one statement is expected, not {len(statements)}", fix="run `mfg query` once per statement")
        )
    if statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        kind = str(statements[0].type).rpartition(".")[2].lower()
        raise UsageError(
            Problem(
                f"`mfg query` only reads, and this is a {kind} statement",
                fix="use SELECT, FROM, WITH, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN; "
                "`--format csv` writes a result to standard output",
            )
        )
    return statements[0]


def _rows(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := result.fetchmany(_CHUNK):
        yield from rows


def _list_tables(settings: Settings, database: Path, output: Format) -> None:
    with sealed(settings, database) as connection:
        rows = connection.execute(
            "select table_name, estimated_size, comment from duckdb_tables() where not internal order by table_name"
        ).fetchall()
    if output is Format.table:
        show(f"Version {database.parent.name}")
        show()
    emit(("table", "rows", "description"), rows, output)


def _hint(message: str) -> str:
    if "Permission Error" in message:
        return "only the published tables can be read here; `mfg query` without SQL lists them"
    if "does not exist" in message or "not found" in message:
        return "`mfg query` without SQL lists the tables, `mfg query 'describe TABLE'` their columns"
    return "correct the SQL"
