"""The history of versions: the published table `publication`.

Belongs here: its columns, and adding a version to it. Each version carries the whole history up to itself, so that
the swap stays the only commit. Doesn't belong here: the versions' files (`store`).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from mfg_assets.errors import PublicationError
from mfg_assets.publish.fingerprint import parquet
from mfg_assets.publish.model import Publication, PublishedTable
from mfg_assets.publish.store import HISTORY, Store

TABLE = PublishedTable(
    name=HISTORY,
    relation=f"main.{HISTORY}",
    key=("version",),
    description="One row per published version: when, by which run, and what changed since the version before.",
    columns={
        "version": "Counter and the start of the content hash; the newest is in force.",
        "published_at": "When readers first saw it, UTC.",
        "run_id": "The run that built the state.",
        "as_of": "The instant the state is computed for.",
        "content_hash": "Hash of all published content but this table; equal content, equal hash.",
        "tables_changed": "Tables whose content differs from the version before, also those added or gone.",
        "rows_added": "Rows whose key is new.",
        "rows_removed": "Rows whose key is gone.",
        "rows_changed": "Rows whose key stayed and whose content differs.",
        "rollback_of": "The earlier version whose content this one put back; null where a run built it.",
        "published_by": "Who rolled back; null where a run built it.",
        "reason": "Why it was rolled back.",
    },
)

_COLUMNS = (
    "version varchar, published_at timestamptz, run_id varchar, as_of timestamptz, content_hash varchar, "
    "tables_changed varchar[], rows_added bigint, rows_removed bigint, rows_changed bigint, "
    "rollback_of varchar, published_by varchar, reason varchar"
)
_NAMES = tuple(column.split()[0] for column in _COLUMNS.split(", "))


def extend(connection: duckdb.DuckDBPyConnection, store: Store, previous: str | None, manifest: dict[str, Any]) -> None:
    """Make a temporary table `publication` of the previous version's history and the new version's row."""
    connection.execute(f"create or replace temp table {HISTORY} ({_COLUMNS})")
    earlier = store.versions_dir / previous / f"{HISTORY}.parquet" if previous else None
    if earlier is not None and earlier.is_file():
        connection.execute(
            f"insert into {HISTORY} by name select {_present(connection, earlier)} from {parquet(earlier)}"
        )
    else:
        # The file was lost with a damaged version: what the remaining versions say of themselves is kept.
        for version in store.versions():
            _insert(connection, store.manifest(version))
    _insert(connection, manifest)


def read(connection: duckdb.DuckDBPyConnection, store: Store, version: str) -> list[Publication]:
    """The history that a version carries, newest first.

    Raises:
        PublicationError: the version's files are damaged.
    """
    path = store.versions_dir / version / f"{HISTORY}.parquet"
    kept = set(store.versions())
    try:
        # By the counter, not by time: clocks may be set back between two publications.
        counter = "split_part(version, '-', 1)::bigint"
        cursor = connection.execute(f"select {_present(connection, path)} from {parquet(path)} order by {counter} desc")
        names = [column[0] for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    except duckdb.Error as error:
        raise PublicationError(
            f"the history of version {version} can't be read: {str(error).splitlines()[0]}"
        ) from error
    return [
        Publication(
            **{**row, "tables_changed": tuple(row["tables_changed"])},
            folder=store.versions_dir / row["version"] if row["version"] in kept else None,
        )
        for row in rows
    ]


def _present(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    """The columns that a history has: one written by an older program has fewer."""
    described = connection.execute(f"describe select * from {parquet(path)}").fetchall()
    return ", ".join(row[0] for row in described if row[0] in _NAMES)


def _insert(connection: duckdb.DuckDBPyConnection, manifest: dict[str, Any]) -> None:
    values = [manifest.get(name) for name in _NAMES]
    for index in (1, 3):
        values[index] = datetime.fromisoformat(str(values[index]))
    connection.execute(f"insert into {HISTORY} values ({', '.join('?' * len(values))})", values)
