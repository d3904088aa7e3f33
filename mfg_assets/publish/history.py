"""The history of versions: the published table `publication`.

Belongs here: its columns, and adding a version to it. Each version carries the whole history up to itself, so that
the swap stays the only commit. Doesn't belong here: the versions' files (`store`).
"""

from __future__ import annotations

from datetime import datetime
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
    },
)

_COLUMNS = (
    "version varchar, published_at timestamptz, run_id varchar, as_of timestamptz, content_hash varchar, "
    "tables_changed varchar[], rows_added bigint, rows_removed bigint, rows_changed bigint"
)
_NAMES = tuple(column.split()[0] for column in _COLUMNS.split(", "))


def extend(connection: duckdb.DuckDBPyConnection, store: Store, previous: str | None, manifest: dict[str, Any]) -> None:
    """Make a temporary table `publication` of the previous version's history and the new version's row."""
    connection.execute(f"create or replace temp table {HISTORY} ({_COLUMNS})")
    earlier = store.versions_dir / previous / f"{HISTORY}.parquet" if previous else None
    if earlier is not None and earlier.is_file():
        connection.execute(f"insert into {HISTORY} select {', '.join(_NAMES)} from {parquet(earlier)}")
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
        rows = connection.execute(
            f"select {', '.join(_NAMES)} from {parquet(path)} order by published_at desc, version desc"
        ).fetchall()
    except duckdb.Error as error:
        raise PublicationError(
            f"the history of version {version} can't be read: {str(error).splitlines()[0]}"
        ) from error
    return [
        Publication(
            version=row[0],
            published_at=row[1],
            run_id=row[2],
            as_of=row[3],
            content_hash=row[4],
            tables_changed=tuple(row[5]),
            rows_added=row[6],
            rows_removed=row[7],
            rows_changed=row[8],
            folder=store.versions_dir / row[0] if row[0] in kept else None,
        )
        for row in rows
    ]


def _insert(connection: duckdb.DuckDBPyConnection, manifest: dict[str, Any]) -> None:
    values = [manifest[name] for name in _NAMES]
    for index in (1, 3):
        values[index] = datetime.fromisoformat(values[index])
    connection.execute(f"insert into {HISTORY} values ({', '.join('?' * len(values))})", values)
