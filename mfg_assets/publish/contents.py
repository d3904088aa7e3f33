"""What a version consists of: its tables, how they differ from the version before, and the files of its folder.

Belongs here: the content of a version, whatever it was made of. Doesn't belong here: where tables come from
(`snapshot`: the warehouse, `rollback`: an older version), how versions become current (`store`).
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from mfg_assets.errors import Problem, PublicationError
from mfg_assets.publish import history
from mfg_assets.publish.fingerprint import Column, Fingerprint, compare, describe, parquet, select_list
from mfg_assets.publish.model import PublicationResult, PublishedTable, TableChange
from mfg_assets.publish.store import DATABASE, FORMAT, HISTORY, MANIFEST, Store, link_or_copy, write_json
from mfg_assets.warehouse.sql import identifier, literal


@dataclass(frozen=True)
class Examined:
    """A table as it is to be published, beside its entry in the previous version.

    `relation` yields its rows; `ready` is a published file that holds them already, whatever the previous version has.
    """

    table: PublishedTable
    relation: str
    columns: list[Column]
    content: Fingerprint
    before: dict[str, Any] | None
    file_before: Path | None  # None also where the previous version's file is missing or damaged
    ready: Path | None = None

    @property
    def is_same(self) -> bool:
        """Whether the previous version holds the same content."""
        return self.before is not None and self.before["hash"] == self.content.hash

    @property
    def file(self) -> Path | None:
        """A file that need not be written again."""
        return self.ready or (self.file_before if self.is_same else None)


@dataclass(frozen=True)
class Occasion:
    """Why and when a version is made; the last four only for versions that no run built as they are.

    Attributes:
        withdrawn: contents that were rolled back: table → hash each. The warehouse may still hold one of them.
        rollback_of: the version whose content is put back.
    """

    run_id: str
    as_of: datetime
    now: datetime
    withdrawn: tuple[dict[str, str], ...] = ()
    rollback_of: str | None = None
    published_by: str | None = None
    reason: str | None = None


def intact(store: Store, version: str | None, entry: dict[str, Any] | None) -> Path | None:
    """The file of a table in a version, None where it is missing or not as it was written."""
    if version is None or entry is None:
        return None
    file = store.versions_dir / version / entry["file"]
    return file if file.is_file() and file.stat().st_size == entry["bytes"] else None


def kept(
    connection: duckdb.DuckDBPyConnection,
    store: Store,
    version: str,
    manifest: dict[str, Any],
    previous: str,
    before: dict[str, Any],
) -> list[Examined]:
    """The tables of a version on disk, to be published again after `previous`.

    Raises:
        PublicationError: one of its files is missing or damaged.
    """
    found, problems = [], []
    for name, entry in sorted(manifest["tables"].items()):
        file = intact(store, version, entry)
        if file is None:
            problems.append(Problem(f"{name} of version {version} is missing or damaged", store.versions_dir / version))
            continue
        columns = {column["name"]: column["description"] for column in entry["columns"]}
        table = PublishedTable(
            name, "", tuple(entry["key"]), entry["description"], columns, entry.get("is_ledger", False)
        )
        entry_before = before["tables"].get(name)
        found.append(
            Examined(
                table,
                parquet(file),
                describe(connection, parquet(file)),
                Fingerprint(entry["hash"], entry["rows"]),
                entry_before,
                intact(store, previous, entry_before),
                ready=file,
            )
        )
    if problems:
        raise PublicationError(*problems)
    return found


def built_hashes(manifest: dict[str, Any]) -> dict[str, str]:
    """Table → hash of what a run built, without what people change by their acts."""
    return {name: entry["hash"] for name, entry in manifest["tables"].items() if not entry.get("is_ledger")}


def content_hash_of(examined: list[Examined]) -> str:
    """One hash for the content of all tables, given in the order of their names."""
    lines = [f"{one.table.name} {one.content.hash}\n" for one in examined]
    return hashlib.sha256(f"format {FORMAT}\n{''.join(lines)}".encode()).hexdigest()


def changes_of(
    connection: duckdb.DuckDBPyConnection, examined: list[Examined], before: dict[str, Any] | None
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


def result_of(version: str, content_hash: str, changes: dict[str, TableChange]) -> PublicationResult:
    """A version that is to be made, and what it changes."""
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


def write_version(
    connection: duckdb.DuckDBPyConnection,
    store: Store,
    aside: Path,
    examined: list[Examined],
    result: PublicationResult,
    previous: str | None,
    occasion: Occasion,
) -> None:
    """Fill the folder of a version: Parquet files, the history, one DuckDB file with all of them, the manifest."""
    entries: dict[str, Any] = {}
    for one in examined:
        name = f"{one.table.name}.parquet"
        if one.file is not None:
            link_or_copy(one.file, aside / name)
        else:
            _copy(connection, f"select {select_list(one.columns)} from {one.relation}", one.table.key, aside / name)
        entries[one.table.name] = {
            "file": name,
            "rows": one.content.rows,
            "bytes": (aside / name).stat().st_size,
            "hash": one.content.hash,
            "key": list(one.table.key),
            "description": one.table.description,
            "is_ledger": one.table.is_ledger,
            "columns": [
                {"name": c.name, "type": c.type, "description": one.table.columns.get(c.name, "")} for c in one.columns
            ],
            "change": asdict(result.changes[one.table.name]) if one.table.name in result.changes else None,
        }
    manifest = {
        "format": FORMAT,
        "version": result.version,
        "published_at": occasion.now.isoformat(),
        "run_id": occasion.run_id,
        "as_of": occasion.as_of.isoformat(),
        "content_hash": result.content_hash,
        "tables_changed": list(result.tables_changed),
        "rows_added": result.rows_added,
        "rows_removed": result.rows_removed,
        "rows_changed": result.rows_changed,
        "rollback_of": occasion.rollback_of,
        "published_by": occasion.published_by,
        "reason": occasion.reason,
        "withdrawn": list(occasion.withdrawn),
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
