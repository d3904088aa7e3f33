"""What differs between two versions: by table in numbers, and row by row with both values.

Belongs here: comparing published files. Doesn't belong here: choosing versions (`rollback.find_version`), showing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from mfg_assets.errors import Problem, PublicationError, UsageError
from mfg_assets.publish.contents import intact
from mfg_assets.publish.fingerprint import Column, compare, describe, parquet, row_hash
from mfg_assets.publish.store import Store
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier, literal


@dataclass(frozen=True)
class TableDifference:
    """How a table differs, rows by key. `columns` lists those that came (+), went (-) or changed their type (~)."""

    table: str
    state: Literal["added", "removed", "changed"]
    rows_added: int
    rows_removed: int
    rows_changed: int
    columns: tuple[str, ...]
    is_ledger: bool = False


@dataclass(frozen=True)
class RowDifference:
    """One value that differs; of a row that came or went there is one entry without a column."""

    change: Literal["added", "removed", "changed"]
    key: dict[str, Any]
    column: str | None = None
    old: Any = None
    new: Any = None


def differences(settings: Settings, old: str, new: str) -> list[TableDifference]:
    """Tables that differ between two versions on disk, by name; empty where the contents are the same.

    Raises:
        PublicationError: a file is missing or damaged.
    """
    store = Store(settings.published_dir)
    before, after = store.manifest(old)["tables"], store.manifest(new)["tables"]
    found = []
    with connect(settings) as connection:
        for name in sorted({*before, *after}):
            if name not in after:
                found.append(TableDifference(name, "removed", 0, before[name]["rows"], 0, ()))
            elif name not in before:
                found.append(TableDifference(name, "added", after[name]["rows"], 0, 0, ()))
            elif before[name]["hash"] != after[name]["hash"]:
                files = [parquet(_file(store, v, m[name])) for v, m in ((old, before), (new, after))]
                columns = [describe(connection, file) for file in files]
                change = compare(connection, files[0], columns[0], files[1], columns[1], tuple(after[name]["key"]))
                shapes = _columns(*columns)
                rows = (change.rows_added, change.rows_removed, change.rows_changed)
                by_people = any(m[name].get("is_ledger") for m in (before, after))
                found.append(TableDifference(name, "changed", *rows, shapes, by_people))
    return found


def row_differences(settings: Settings, old: str, new: str, table: str) -> Iterator[RowDifference]:
    """Every value of a table that differs between two versions, by key, then by column.

    Raises:
        UsageError: one of the versions hasn't got the table, or with another key.
        PublicationError: a file is missing or damaged.
    """
    store = Store(settings.published_dir)
    before, after = store.manifest(old)["tables"], store.manifest(new)["tables"]
    for version, tables in ((old, before), (new, after)):
        if table not in tables:
            raise UsageError(
                Problem(f"version {version} has no table {table!r}", fix=f"one of: {', '.join(sorted(tables))}")
            )
    key = list(after[table]["key"])
    if key != list(before[table]["key"]):
        raise UsageError(Problem(f"{table} has another key in {old} than in {new}: no row can be matched"))
    with connect(settings) as connection:
        yield from _rows(connection, _file(store, old, before[table]), _file(store, new, after[table]), key)


def _rows(connection: duckdb.DuckDBPyConnection, old: Path, new: Path, key: list[str]) -> Iterator[RowDifference]:
    both = [describe(connection, parquet(file)) for file in (old, new)]
    for name, file, columns in (("before", old, both[0]), ("after", new, both[1])):
        keys = [column for part in key for column in columns if column.name == part]
        connection.execute(
            f"create temp table {name} as "
            f"select {row_hash(keys)} as __key, {row_hash(columns)} as __row, * from {parquet(file)}"
        )
    shown = ", ".join(f"coalesce(new.{identifier(k)}, old.{identifier(k)}) as {identifier(k)}" for k in key)
    shared = [c.name for c in both[1] if c.name in {o.name for o in both[0]} and c.name not in key]
    connection.execute(
        f"""
        create temp table differing as
        select
            {shown}, old, new,
            case when old.__key is null then 'added' when new.__key is null then 'removed' else 'changed' end as change
        from before as old
        full outer join after as new on old.__key = new.__key
        where old.__row is distinct from new.__row
        """
    )
    values = [
        f"select * exclude (old, new), {literal(name)} as col, {place} as place, "
        f"old.{identifier(name)}::varchar as was, new.{identifier(name)}::varchar as became from differing "
        f"where change = 'changed' and old.{identifier(name)} is distinct from new.{identifier(name)}"
        for place, name in enumerate(shared, 1)
    ]
    whole = "select * exclude (old, new), null as col, 0 as place, null as was, null as became from differing "
    # Where only the columns themselves changed, a row differs without any value that could be shown.
    values.append(f"{whole} where change <> 'changed'")
    order = ", ".join(identifier(k) for k in key)
    cursor = connection.execute(f"select * from ({' union all '.join(values)}) order by {order}, change, place")
    while rows := cursor.fetchmany(1000):
        for *identity, change, column, _place, was, became in rows:
            yield RowDifference(change, dict(zip(key, identity, strict=True)), column, was, became)


def _columns(old: list[Column], new: list[Column]) -> tuple[str, ...]:
    before, after = {c.name: c.type for c in old}, {c.name: c.type for c in new}
    came = [f"+{name}" for name in after if name not in before]
    gone = [f"-{name}" for name in before if name not in after]
    return (*came, *gone, *(f"~{name}" for name in after if name in before and before[name] != after[name]))


def _file(store: Store, version: str, entry: dict[str, Any]) -> Path:
    file = intact(store, version, entry)
    if file is None:
        raise PublicationError(
            Problem(f"{entry['file']} of version {version} is missing or damaged", store.versions_dir / version)
        )
    return file
