"""Files as systems write them: delimited, fixed width, JSON Lines, XML, Parquet, SQLite, and what stands beside them.

Belongs here: bytes, their order and their encoding. Doesn't belong here: what is in them (`staging`, the systems'
modules).

The same relation gives the same bytes. DuckDB writes in bulk, in the order of the relation; a file takes its name when
it is whole.
"""

from __future__ import annotations

import codecs
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from mfg_assets.simulate.export.staging import Relation
from mfg_assets.warehouse.sql import identifier, literal

_CHUNK = 1 << 20
_SQLITE_ROWS = 20_000
# SQLite notes in bytes 96 to 99 which version of the library wrote last; a fixed one keeps the file the same anywhere.
_SQLITE_VERSION_AT, _SQLITE_VERSION = 96, (3_040_000).to_bytes(4, "big")
# No text of a plant holds it, so that a line of one column is written as it is.
_NEVER = "\x01"


@dataclass(frozen=True)
class Field:
    """A field of a fixed-width file: `name`, 1-based `start`, `width` in characters, numbers to the right."""

    name: str
    start: int
    width: int
    is_right: bool = False


def write_delimited(
    connection: duckdb.DuckDBPyConnection,
    relation: Relation,
    path: Path,
    *,
    delimiter: str = ",",
    encoding: str = "utf-8",
    trailer: str | None = None,
    page: tuple[int, int] | None = None,
) -> None:
    """Write a header and a line for each row; nulls are empty, texts are quoted where they have to be.

    Args:
        connection: has the relation.
        relation: what to write.
        path: the file.
        delimiter: one character.
        encoding: a Python codec.
        trailer: last line; `{rows}` in it becomes the number of rows claimed.
        page: write only that many rows after leaving out the first so many: (offset, rows). Raw lines of a fault stand
            at the end of the first page.

    Raises:
        UnicodeEncodeError: a text has a character that the encoding lacks.
    """
    limit = f" limit {page[1]} offset {page[0]}" if page is not None else ""
    with _aside(path) as aside:
        connection.execute(
            f"copy ({relation.sql}{limit}) to {literal(str(aside))} "
            f"(format csv, header true, delimiter {literal(delimiter)}, nullstr '')"
        )
        lines = relation.lines if page is None or page[0] == 0 else ()
        _append(aside, _ending(relation, lines, trailer))
        _encode(aside, encoding)


def write_fixed_width(
    connection: duckdb.DuckDBPyConnection,
    relation: Relation,
    path: Path,
    fields: Sequence[Field],
    *,
    encoding: str = "utf-8",
    trailer: str | None = None,
) -> None:
    """Write a line for each row, its values at fixed places.

    Raises:
        ValueError: a value is wider than its field, or holds a line break.
    """
    checks = " or ".join(
        f"length({identifier(f.name)}) > {f.width} or contains({identifier(f.name)}, chr(10))" for f in fields
    )
    worst = connection.execute(f"{relation.sql} where {checks} limit 1").fetchone()
    if worst is not None:
        raise ValueError(f"{path.name}: a value does not fit its field: {worst}")
    parts = [f"{'lpad' if f.is_right else 'rpad'}(coalesce({identifier(f.name)}, ''), {f.width}, ' ')" for f in fields]
    gaps = [b.start - a.start - a.width for a, b in zip(fields, [*fields[1:], None], strict=True) if b is not None]
    line = parts[0] + "".join(f" || {literal(' ' * gap)} || {part}" for gap, part in zip(gaps, parts[1:], strict=True))
    write_lines(
        connection,
        f"select {line} as line from {relation.name}",
        path,
        encoding=encoding,
        tail=_ending(relation, relation.lines, trailer),
    )


def write_json_lines(connection: duckdb.DuckDBPyConnection, relation: Relation, path: Path) -> None:
    """Write a JSON object for each row; a column of JSON becomes an object within."""
    with _aside(path) as aside:
        connection.execute(f"copy ({relation.sql}) to {literal(str(aside))} (format json)")
        _append(aside, relation.lines)


def write_lines(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    path: Path,
    *,
    encoding: str = "utf-8",
    head: Sequence[str] = (),
    tail: Sequence[str] = (),
) -> None:
    """Write the lines that a query of one text column gives, as they are, between those of head and tail."""
    with _aside(path) as aside:
        connection.execute(
            f"copy ({query}) to {literal(str(aside))} "
            f"(format csv, header false, quote '', escape '', delimiter {literal(_NEVER)})"
        )
        if head:
            _prepend(aside, head)
        _append(aside, tail)
        _encode(aside, encoding)


def write_parquet(connection: duckdb.DuckDBPyConnection, relation: Relation, path: Path) -> None:
    """Write a Parquet file of texts.

    Raises:
        ValueError: a fault wants raw lines, which such a file can't hold.
    """
    if relation.lines:
        raise ValueError(f"{path.name}: a Parquet file holds no raw lines")
    with _aside(path) as aside:
        connection.execute(f"copy ({relation.sql}) to {literal(str(aside))} (format parquet, compression zstd)")


def write_sqlite(
    connection: duckdb.DuckDBPyConnection,
    tables: dict[str, Relation],
    path: Path,
    indexes: dict[str, str] | None = None,
) -> None:
    """Write a database with a table for each relation; its columns are texts.

    Args:
        connection: has the relations.
        tables: table → relation.
        path: the file; one that is there is replaced.
        indexes: table → column to be indexed.

    Raises:
        ValueError: a fault wants raw lines, which a table can't hold.
    """
    with _aside(path) as aside:
        database = sqlite3.connect(aside, isolation_level=None)
        try:
            database.execute("pragma page_size = 4096")
            database.execute("pragma journal_mode = off")
            database.execute("pragma synchronous = off")
            database.execute("begin")
            for name, relation in tables.items():
                if relation.lines:
                    raise ValueError(f"{name}: a table holds no raw lines")
                _fill(connection, database, name, relation)
            for name, column in (indexes or {}).items():
                index = identifier(f"{name}_{column}")
                database.execute(f"create index {index} on {identifier(name)} ({identifier(column)})")
            database.execute("commit")
        finally:
            database.close()
        with aside.open("r+b") as file:
            file.seek(_SQLITE_VERSION_AT)
            file.write(_SQLITE_VERSION)


def write_text(path: Path, text: str, encoding: str = "utf-8") -> None:
    """Write a small file, such as one that says how many rows another has."""
    with _aside(path) as aside:
        aside.write_bytes(text.encode(encoding))


def xml_text(expression: str) -> str:
    """SQL of a text as it stands in XML, in an element or in an attribute's double quotes."""
    escaped = f"cast({expression} as varchar)"
    marks = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("\n", "&#10;"), ("\t", "&#9;"))
    for mark, entity in marks:
        escaped = f"replace({escaped}, {literal(mark)}, {literal(entity)})"
    return escaped


def _fill(connection: duckdb.DuckDBPyConnection, database: sqlite3.Connection, name: str, relation: Relation) -> None:
    columns = ", ".join(f"{identifier(column)} text" for column in relation.columns)
    database.execute(f"create table {identifier(name)} ({columns})")
    places = ", ".join("?" * len(relation.columns))
    rows = connection.execute(relation.sql)
    while batch := rows.fetchmany(_SQLITE_ROWS):
        database.executemany(f"insert into {identifier(name)} values ({places})", batch)


def _ending(relation: Relation, lines: Sequence[str], trailer: str | None) -> list[str]:
    last = [trailer.replace("{rows}", str(relation.claimed_rows))] if trailer is not None else []
    return [*lines, *last]


def _append(path: Path, lines: Sequence[str]) -> None:
    if lines:
        with path.open("ab") as file:
            file.write("".join(f"{line}\n" for line in lines).encode())


def _prepend(path: Path, lines: Sequence[str]) -> None:
    whole = _second(path)
    with whole.open("wb") as target, path.open("rb") as source:
        target.write("".join(f"{line}\n" for line in lines).encode())
        while chunk := source.read(_CHUNK):
            target.write(chunk)
    whole.replace(path)


def _encode(path: Path, encoding: str) -> None:
    if codecs.lookup(encoding).name == "utf-8":
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    encoded = _second(path)
    with path.open("rb") as source, encoded.open("wb") as target:
        while chunk := source.read(_CHUNK):
            target.write(decoder.decode(chunk).encode(encoding))
    encoded.replace(path)


def _second(aside: Path) -> Path:
    """Where a file is written anew, before it takes the place of the first attempt."""
    return aside.with_name(f"{aside.name}.again")


@contextmanager
def _aside(path: Path) -> Iterator[Path]:
    """A hidden name beside the file; it becomes the file when all went well."""
    aside = path.with_name(f".{path.name}.part")
    aside.unlink(missing_ok=True)
    try:
        yield aside
        aside.replace(path)
    finally:
        for leftover in (aside, _second(aside)):
            leftover.unlink(missing_ok=True)
