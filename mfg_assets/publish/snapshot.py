"""One publication: from the built warehouse to a version that readers see, or to nothing at all.

Belongs here: what a version contains and how it differs from the one before.
Doesn't belong here: how versions become current (`store`), how content is compared (`fingerprint`).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from mfg_assets.errors import Problem, PublicationError
from mfg_assets.publish import history
from mfg_assets.publish.fingerprint import (
    Column,
    Fingerprint,
    compare,
    describe,
    duplicate_keys,
    fingerprint,
    parquet,
    select_list,
)
from mfg_assets.publish.model import PublicationResult, PublishedTable, TableChange
from mfg_assets.publish.store import (
    DATABASE,
    FORMAT,
    HISTORY,
    MANIFEST,
    Store,
    link_or_copy,
    number,
    utc_now,
    version_name,
    write_json,
)
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier, literal


@dataclass(frozen=True)
class _Examined:
    """A table as it stands in the warehouse, beside its entry in the previous version."""

    table: PublishedTable
    relation: str
    columns: list[Column]
    content: Fingerprint
    before: dict[str, Any] | None
    file_before: Path | None  # None also where the previous version's file is missing or damaged

    @property
    def is_same(self) -> bool:
        """Whether the previous version holds the same content."""
        return self.before is not None and self.before["hash"] == self.content.hash


def publish(
    settings: Settings, tables: Sequence[PublishedTable], *, run_id: str, as_of: datetime, now: datetime | None = None
) -> PublicationResult:
    """Publish the tables' present state, unless it is the state already in force.

    Either a whole new version becomes current or nothing changes for readers, also when the process is killed.

    Args:
        settings: where the warehouse and the versions are.
        tables: what to publish, see `published_tables`.
        run_id: the run that built the state.
        as_of: the instant that the state is computed for; it is recorded and no part of the content.
        now: when this happens; the clock when None.

    Raises:
        PublicationError: a table or key column is missing, a key occurs twice, another publication is under way, or
            the version can't be written (disk full, read-only). The version in force stays.
    """
    store = Store(settings.published_dir)
    try:
        with store.locked():
            now = now or utc_now()
            result = _publish(settings, store, tables, run_id, as_of, now)
            store.retain(settings.keep_versions, now)
            return result
    except (OSError, duckdb.Error) as error:
        raise PublicationError(
            Problem(
                f"the publication could not be made: {str(error).splitlines()[0]}",
                store.folder,
                fix="free disk space or correct the folder's permissions, then run again; "
                "readers keep the version in force",
            )
        ) from error


def _publish(
    settings: Settings, store: Store, tables: Sequence[PublishedTable], run_id: str, as_of: datetime, now: datetime
) -> PublicationResult:
    if not settings.warehouse_path.is_file():
        raise PublicationError(
            Problem("there is no warehouse to publish", settings.warehouse_path, fix="build it with `mfg run`")
        )
    previous = store.recover()
    before = store.manifest(previous) if previous else None
    # Order matters here: the tables of marts.duckdb keep the order of the Parquet files.
    with connect(settings, keep_order=True) as connection:
        connection.execute(f"attach {literal(str(settings.warehouse_path))} as warehouse (read_only)")
        examined = _examine(connection, store, tables, previous, before)
        content_hash = _content_hash(examined)
        damaged = [e for e in examined if e.is_same and e.file_before is None]
        if previous and before and before["content_hash"] == content_hash and not damaged:
            return PublicationResult(previous, content_hash, "unchanged")

        changes = _changes(connection, examined, before)
        counter = number(previous) + 1 if previous else 1
        result = _result(version_name(counter, content_hash), content_hash, changes)
        aside = store.aside(result.version)
        try:
            _write(connection, store, aside, examined, result, previous, run_id, as_of, now)
            store.commit(aside, result.version)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return result


def _examine(
    connection: duckdb.DuckDBPyConnection,
    store: Store,
    tables: Sequence[PublishedTable],
    previous: str | None,
    before: dict[str, Any] | None,
) -> list[_Examined]:
    """Fingerprint every table. Raises PublicationError with every missing table, missing key column and doubled key."""
    problems: list[Problem] = []
    examined: list[_Examined] = []
    for table in sorted(tables, key=lambda table: table.name):
        relation = f"warehouse.{table.sql}"
        try:
            columns = describe(connection, relation)
        except duckdb.CatalogException:
            problems.append(Problem(f"{table.relation} is to be published but isn't in the warehouse"))
            continue
        missing = [column for column in table.key if column not in {c.name for c in columns}]
        if missing:
            problems.append(Problem(f"{table.name} has no column {', '.join(missing)}, which is in its key"))
            continue
        content = fingerprint(connection, relation, columns)
        entry = before["tables"].get(table.name) if before else None
        file = _intact(store, previous, entry)
        one = _Examined(table, relation, columns, content, entry, file)
        examined.append(one)
        if not (one.is_same and entry is not None and entry["key"] == list(table.key)):
            problems.extend(_doubled(connection, one))
    names = [table.name for table in tables]
    problems.extend(
        Problem(f"{name} is to be published twice") for name in sorted({n for n in names if names.count(n) > 1})
    )
    if problems:
        raise PublicationError(*problems)
    return examined


def _intact(store: Store, previous: str | None, entry: dict[str, Any] | None) -> Path | None:
    if previous is None or entry is None:
        return None
    file = store.versions_dir / previous / entry["file"]
    return file if file.is_file() and file.stat().st_size == entry["bytes"] else None


def _doubled(connection: duckdb.DuckDBPyConnection, one: _Examined) -> list[Problem]:
    doubled = duplicate_keys(connection, one.relation, one.table.key)
    if not doubled:
        return []
    examples = "; ".join(f"{dict(zip(one.table.key, row, strict=False))} {row[-1]} times" for row in doubled)
    key = ", ".join(one.table.key)
    return [Problem(f"{one.table.name} has rows with the same key ({key}): {examples}")]


def _content_hash(examined: list[_Examined]) -> str:
    lines = [f"{one.table.name} {one.content.hash}\n" for one in examined]
    return hashlib.sha256(f"format {FORMAT}\n{''.join(lines)}".encode()).hexdigest()


def _changes(
    connection: duckdb.DuckDBPyConnection, examined: list[_Examined], before: dict[str, Any] | None
) -> dict[str, TableChange]:
    """What changes in each table that differs from the previous version or is gone from it."""
    changes: dict[str, TableChange] = {}
    for one in examined:
        if one.is_same:
            continue
        if one.before is None or one.file_before is None:
            removed = one.before["rows"] if one.before else 0
            changes[one.table.name] = TableChange(rows_added=one.content.rows, rows_removed=removed)
            continue
        old = parquet(one.file_before)
        changes[one.table.name] = compare(
            connection, old, describe(connection, old), one.relation, one.columns, one.table.key
        )
    gone = set(before["tables"] if before else ()) - {one.table.name for one in examined}
    for name in gone:
        changes[name] = TableChange(rows_removed=before["tables"][name]["rows"] if before else 0)
    return dict(sorted(changes.items()))


def _result(version: str, content_hash: str, changes: dict[str, TableChange]) -> PublicationResult:
    return PublicationResult(
        version=version,
        content_hash=content_hash,
        state="published",
        tables_changed=tuple(changes),
        rows_added=sum(change.rows_added for change in changes.values()),
        rows_removed=sum(change.rows_removed for change in changes.values()),
        rows_changed=sum(change.rows_changed for change in changes.values()),
        changes=changes,
    )


def _write(
    connection: duckdb.DuckDBPyConnection,
    store: Store,
    aside: Path,
    examined: list[_Examined],
    result: PublicationResult,
    previous: str | None,
    run_id: str,
    as_of: datetime,
    now: datetime,
) -> None:
    """Fill the folder of a version: Parquet files, the history, one DuckDB file with all of them, the manifest."""
    entries: dict[str, Any] = {}
    for one in examined:
        name = f"{one.table.name}.parquet"
        if one.is_same and one.file_before is not None:
            link_or_copy(one.file_before, aside / name)
        else:
            _copy(connection, f"select {select_list(one.columns)} from {one.relation}", one.table.key, aside / name)
        entries[one.table.name] = {
            "file": name,
            "rows": one.content.rows,
            "bytes": (aside / name).stat().st_size,
            "hash": one.content.hash,
            "key": list(one.table.key),
            "description": one.table.description,
            "columns": [
                {"name": c.name, "type": c.type, "description": one.table.columns.get(c.name, "")} for c in one.columns
            ],
            "change": asdict(result.changes[one.table.name]) if one.table.name in result.changes else None,
        }
    manifest = {
        "format": FORMAT,
        "version": result.version,
        "published_at": now.isoformat(),
        "run_id": run_id,
        "as_of": as_of.isoformat(),
        "content_hash": result.content_hash,
        "tables_changed": list(result.tables_changed),
        "rows_added": result.rows_added,
        "rows_removed": result.rows_removed,
        "rows_changed": result.rows_changed,
        "tables": entries,
    }
    history.extend(connection, store, previous, manifest)
    _copy(connection, f"select * from {HISTORY}", ("version",), aside / f"{HISTORY}.parquet")
    _write_database(connection, aside, [one.table for one in examined])
    write_json(aside / MANIFEST, manifest)


def _copy(connection: duckdb.DuckDBPyConnection, select: str, key: tuple[str, ...], target: Path) -> None:
    # Sorted by key: readers skip row groups of other plants, files compress better and don't differ by chance.
    order = ", ".join(identifier(column) for column in key)
    connection.execute(f"copy ({select} order by {order}) to {literal(str(target))} (format parquet, compression zstd)")


def _write_database(connection: duckdb.DuckDBPyConnection, aside: Path, tables: list[PublishedTable]) -> None:
    """All tables in one file: a reader that opens it sees one version, whatever is swapped meanwhile."""
    connection.execute(f"attach {literal(str(aside / DATABASE))} as marts")
    # One transaction: every comment on its own would wait for the disk.
    connection.begin()
    for table in (*tables, history.TABLE):
        name = f"marts.main.{identifier(table.name)}"
        connection.execute(f"create table {name} as select * from {parquet(aside / f'{table.name}.parquet')}")
        if table.description:
            connection.execute(f"comment on table {name} is {literal(table.description)}")
        present = {row[0] for row in connection.execute(f"describe {name}").fetchall()}
        for column, text in table.columns.items():
            if text and column in present:
                connection.execute(f"comment on column {name}.{identifier(column)} is {literal(text)}")
    connection.commit()
    connection.execute("checkpoint marts")
    connection.execute("detach marts")
