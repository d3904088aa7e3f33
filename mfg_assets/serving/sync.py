"""Bringing PostgreSQL to the version in force: only rows that changed are written, all of it in one transaction.

Belongs here: which tables changed, and the version that readers are told. Doesn't belong here: rows of one table
(`table`), shapes (`shape`), roles (`access`), the connection.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mfg_assets import publish as publication
from mfg_assets.publish.fingerprint import describe, parquet
from mfg_assets.publish.history import TABLE as HISTORY
from mfg_assets.serving import access
from mfg_assets.serving.connection import ServingError, Transaction, transaction
from mfg_assets.serving.shape import PRIVATE, SCHEMA, shape_of
from mfg_assets.serving.table import HISTORY_OF, Table
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier

ATTEMPTS = 4


@dataclass(frozen=True)
class ServingResult:
    """What a sync did: the version that readers see now, tables and rows written, rows deleted without successor."""

    version: str
    tables_changed: tuple[str, ...] = ()
    rows_written: int = 0
    rows_removed: int = 0


def sync(
    settings: Settings, url: str, *, now: datetime, full: bool = False, wait: Callable[[float], None] = time.sleep
) -> ServingResult:
    """Serve the version in force. Doing it again writes nothing.

    Args:
        settings: where the versions are.
        url: the database, as libpq takes it.
        now: when this happens.
        full: write every row anew, whatever is believed to be there.
        wait: how to wait between attempts; a server that restarts is back within seconds.

    Raises:
        PublicationError: nothing is published.
        ServingError: the database can't be reached or refuses; readers keep the version that they have.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _sync(settings, url, now=now, full=full)
        except ServingError:
            if attempt == ATTEMPTS:
                raise
            wait(2.0 ** (attempt - 1))
    raise AssertionError


def _sync(settings: Settings, url: str, *, now: datetime, full: bool) -> ServingResult:
    folder = publication.current_version_dir(settings)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    entries = {**manifest["tables"], HISTORY.name: _history(settings, folder, manifest)}
    changed: list[str] = []
    written = removed = 0
    with connect(settings) as snapshot, transaction(url) as connection:
        access.set_up(connection)
        served = dict(connection.execute(f"select table_name, hash from {PRIVATE}.served"))
        for name, entry in sorted(entries.items()):
            if served.get(name) == entry["hash"] and not full:
                continue
            one = Table(settings, snapshot, connection, folder, shape_of(name, entry), entry)
            new, gone = one.write(None if full else served.get(name), is_new=name not in served)
            changed.append(name)
            written, removed = written + new, removed + gone
        for name in sorted(set(served) - set(entries)):
            _retire(connection, name)
            changed.append(name)
        if changed:
            connection.script(f"delete from {SCHEMA}.serving")
            connection.execute(
                f"insert into {SCHEMA}.serving values ($1, $2, $3::timestamptz, $4::timestamptz, $5::timestamptz)",
                [
                    manifest["version"],
                    manifest["content_hash"],
                    manifest["as_of"],
                    manifest["published_at"],
                    now.isoformat(),
                ],
            )
    return ServingResult(manifest["version"], tuple(changed), written, removed)


def _history(settings: Settings, folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """The table `publication` has no entry in the manifest, since each version carries its own."""
    file = folder / f"{HISTORY.name}.parquet"
    with connect(settings) as connection:
        columns = describe(connection, parquet(file))
    return {
        "file": file.name,
        "bytes": file.stat().st_size,
        "rows": int(manifest["version"].partition("-")[0]),
        "hash": f"{HISTORY_OF}{manifest['version']}",
        "key": list(HISTORY.key),
        "description": HISTORY.description,
        "columns": [{"name": c.name, "type": c.type, "description": HISTORY.columns.get(c.name, "")} for c in columns],
    }


def _retire(connection: Transaction, name: str) -> None:
    """A table that is no longer published goes, unless a reader's view needs it: then it stays, empty."""
    table = f"{identifier(SCHEMA)}.{identifier(name)}"
    used = connection.execute(
        "select 1 from pg_depend d join pg_rewrite r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass "
        "where d.refobjid = to_regclass($1) limit 1",
        [table],
    )
    if used:
        connection.script(f"delete from {table}", f"comment on table {table} is 'No longer published.'")
    else:
        connection.script(f"drop table if exists {table}")
    connection.execute(f"delete from {PRIVATE}.served where table_name = $1", [name])
