"""Native relations as tables of a PostgreSQL database.

Belongs here: making and filling the tables. Doesn't belong here: which tables (`erp_asia`), SQLite (`writers`).

Tables that something else made are never touched: those of a simulation say so in their comment.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import duckdb
import psycopg
from psycopg import sql

from mfg_assets.errors import Problem, UsageError
from mfg_assets.simulate.export.staging import Relation
from mfg_assets.simulate.export.writers import write_delimited

_COMMENT = "written by mfg simulate; replaced at its next delivery"
_CHUNK = 1 << 20


def write_postgres(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Relation], url: str, indexes: Mapping[str, str]
) -> None:
    """Write a table for each relation, all in one transaction; its columns are texts.

    Args:
        connection: has the relations.
        tables: table → relation.
        url: libpq URL of the database; the tables go to its default schema.
        indexes: table → column to be indexed.

    Raises:
        UsageError: the database can't be reached, or has a table of that name that no simulation wrote.
        ValueError: a fault wants raw lines, which a table can't hold.
    """
    lines = [name for name, relation in tables.items() if relation.lines]
    if lines:
        raise ValueError(f"{lines[0]}: a table holds no raw lines")
    try:
        with psycopg.connect(url, connect_timeout=10) as database, database.cursor() as cursor:
            _refuse_foreign(cursor, list(tables))
            for name, relation in tables.items():
                _fill(connection, cursor, name, relation)
                if name in indexes:
                    place = (sql.Identifier(name), sql.Identifier(indexes[name]))
                    cursor.execute(sql.SQL("create index on {} ({})").format(*place))
    except psycopg.OperationalError as error:
        # Without the URL, which holds the password.
        message = str(error).strip().splitlines()[0]
        fix = "start the database, or unset the variable to write a file"
        raise UsageError(Problem(f"the database can't be written: {message}", fix=fix)) from None


def _refuse_foreign(cursor: psycopg.Cursor, names: list[str]) -> None:
    cursor.execute(
        "select c.relname from pg_class as c where c.relname = any(%s) and pg_table_is_visible(c.oid) "
        "and obj_description(c.oid, 'pg_class') is distinct from %s order by 1",
        (names, _COMMENT),
    )
    foreign = [row[0] for row in cursor.fetchall()]
    if foreign:
        message = f"the database has a table {foreign[0]} that no simulation wrote"
        raise UsageError(Problem(message, fix="name an empty database"))


def _fill(connection: duckdb.DuckDBPyConnection, cursor: psycopg.Cursor, name: str, relation: Relation) -> None:
    table = sql.Identifier(name)
    # Bytewise order, so that the greatest time by text is the latest.
    columns = sql.SQL(", ").join(
        sql.SQL('{} text collate "C"').format(sql.Identifier(column)) for column in relation.columns
    )
    cursor.execute(sql.SQL("drop table if exists {}").format(table))
    cursor.execute(sql.SQL("create table {} ({})").format(table, columns))
    cursor.execute(sql.SQL("comment on table {} is {}").format(table, sql.Literal(_COMMENT)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write_delimited(connection, relation, path)
        with (
            path.open("rb") as rows,
            cursor.copy(sql.SQL("copy {} from stdin (format csv, header)").format(table)) as to,
        ):
            while chunk := rows.read(_CHUNK):
                to.write(chunk)
