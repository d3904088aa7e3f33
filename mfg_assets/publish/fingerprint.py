"""Content of a table as a number: equal content gives an equal hash, whatever the order, threads or DuckDB version.

Belongs here: how a row becomes text, and rows become a hash; comparing two tables by key.
Doesn't belong here: files and versions (`store`, `snapshot`).

A row's columns are written as text with lengths and separators, so that no two different rows read alike, and
hashed with MD5 (128 bits). A table's hash is the SHA-256 of its columns' names and types, its row count and the
two sums of the upper and lower halves of its rows' hashes: sums don't depend on order, and unlike XOR a row that
occurs twice doesn't vanish. This detects change; it is no defence against someone who forges a table.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import duckdb

from mfg_assets.publish.model import TableChange
from mfg_assets.warehouse.sql import identifier, path_literal

# Types that don't come back from Parquet as they went in: HUGEINT would become DOUBLE and lose digits.
_WRITTEN_AS: dict[str, str] = {
    "HUGEINT": "DECIMAL(38,0)",
    "UHUGEINT": "DECIMAL(38,0)",
    "BIGNUM": "VARCHAR",
    "JSON": "VARCHAR",
    "UUID": "VARCHAR",
    "TIME WITH TIME ZONE": "VARCHAR",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
    "INTERVAL": "VARCHAR",
    "BIT": "VARCHAR",
    '"NULL"': "VARCHAR",
}
# Their text never contains the separator and is never empty, so no length is needed: half the time of the rest.
_PLAIN = ("DECIMAL", "BOOLEAN", "DATE", "TIMESTAMP", "TIME", "DOUBLE", "FLOAT")
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_LOWER_HALF = "18446744073709551615::uhugeint"


@dataclass(frozen=True)
class Column:
    """A column as it is published: its name, the type that is written, and the SQL that yields it."""

    name: str
    type: str
    expression: str

    @property
    def text(self) -> str:
        """SQL for this column's part of a row's text; null and the empty text differ."""
        name = identifier(self.name)
        if self.type == "TIMESTAMP WITH TIME ZONE":
            # The instant itself: its text would depend on the session's time zone.
            return f"coalesce(case when isfinite({name}) then epoch_us({name})::varchar else {name}::varchar end, '')"
        if self.type in _INTEGERS or (self.type.startswith(_PLAIN) and not self.type.endswith("]")):
            return f"coalesce({name}::varchar, '')"
        value = f"{name}::varchar"
        return f"coalesce(strlen({value}) || ':' || {value}, '')"


@dataclass(frozen=True)
class Fingerprint:
    """Hash and size of a table's content."""

    hash: str
    rows: int


def describe(connection: duckdb.DuckDBPyConnection, relation: str) -> list[Column]:
    """The columns of a relation (SQL text that may follow `from`) as they are published."""
    columns: list[Column] = []
    for row in connection.execute(f"describe select * from {relation}").fetchall():
        name, native = str(row[0]), str(row[1])
        written = "VARCHAR" if native.startswith("ENUM(") else _WRITTEN_AS.get(native, native)
        quoted = identifier(name)
        expression = quoted if written == native else f"cast({quoted} as {written}) as {quoted}"
        columns.append(Column(name, written, expression))
    return columns


def parquet(file: Path) -> str:
    """SQL that may follow `from` and reads exactly this file."""
    # Without the flag a folder named like `site=1` above MFG_HOME would become a column.
    return f"read_parquet({path_literal(file)}, hive_partitioning = false)"


def select_list(columns: list[Column]) -> str:
    """The select list that turns a warehouse relation into its published form."""
    return ", ".join(column.expression for column in columns)


def row_hash(columns: list[Column]) -> str:
    """SQL for the 128-bit hash of a row's given columns, as UHUGEINT."""
    return f"md5_number(concat_ws(chr(31), {', '.join(column.text for column in columns)}))"


def fingerprint(connection: duckdb.DuckDBPyConnection, relation: str, columns: list[Column]) -> Fingerprint:
    """The fingerprint of a relation in its published form; one scan, nothing is sorted or kept."""
    row = connection.execute(
        f"""
        with published as (select {select_list(columns)} from {relation}),
        hashed as (select {row_hash(columns)} as row_hash from published)
        select
            count(*),
            coalesce(sum((row_hash >> 64)::ubigint), 0)::varchar,
            coalesce(sum((row_hash & {_LOWER_HALF})::ubigint), 0)::varchar,
        from hashed
        """
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate without groups has exactly one row
    rows, upper, lower = row
    schema = [[column.name, column.type] for column in columns]
    content = json.dumps([schema, rows, upper, lower], separators=(",", ":"))
    return Fingerprint(hashlib.sha256(content.encode()).hexdigest(), int(rows))


def duplicate_keys(
    connection: duckdb.DuckDBPyConnection, relation: str, key: tuple[str, ...], limit: int = 3
) -> list[tuple[object, ...]]:
    """Up to `limit` keys that more than one row has, each followed by how many rows; nulls equal nulls."""
    columns = ", ".join(identifier(column) for column in key)
    return connection.execute(
        f"select {columns}, count(*) from {relation} group by all having count(*) > 1 order by all limit {int(limit)}"
    ).fetchall()


def compare(
    connection: duckdb.DuckDBPyConnection,
    old: str,
    old_columns: list[Column],
    new: str,
    new_columns: list[Column],
    key: tuple[str, ...],
) -> TableChange:
    """How many rows were added, removed and changed from `old` to `new`, matched by key.

    Keys are unique in both. A table whose columns changed counts every row that stayed as changed; one whose old
    form lacks a key column counts as replaced.
    """
    if not set(key) <= {column.name for column in old_columns}:
        counts = [connection.execute(f"select count(*) from {relation}").fetchone() for relation in (old, new)]
        removed, added = (int(row[0]) if row else 0 for row in counts)
        return TableChange(rows_added=added, rows_removed=removed)

    def hashed(relation: str, columns: list[Column]) -> str:
        keys = [column for name in key for column in columns if column.name == name]
        return (
            f"select {row_hash(keys)} as key_hash, {row_hash(columns)} as row_hash "
            f"from (select {select_list(columns)} from {relation})"
        )

    same_columns = [(c.name, c.type) for c in old_columns] == [(c.name, c.type) for c in new_columns]
    differs = "old.row_hash <> new.row_hash" if same_columns else "old.key_hash = new.key_hash"

    row = connection.execute(
        f"""
        with old as ({hashed(old, old_columns)}),
        new as ({hashed(new, new_columns)})
        select
            count(*) filter (where old.key_hash is null),
            count(*) filter (where new.key_hash is null),
            count(*) filter (where {differs}),
        from old
        full outer join new on old.key_hash = new.key_hash
        """
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate without groups has exactly one row
    added, removed, changed = row
    return TableChange(int(added), int(removed), int(changed))
