"""Bringing PostgreSQL to the version in force: only rows that changed are written, all of it in one transaction.

Belongs here: what changed, and writing it. Doesn't belong here: shapes (`shape`), roles (`access`), the connection.

Rows are deleted and inserted, nothing is truncated or swapped: every reader, also one in a long transaction, sees
exactly one version, waits for nobody, and keeps grants, views and policies. Which rows changed is computed from the
published files; where the files of what is served are gone, the whole table is written.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from mfg_assets import publish as publication
from mfg_assets.publish.fingerprint import describe, parquet, row_hash
from mfg_assets.publish.history import TABLE as HISTORY
from mfg_assets.serving import access
from mfg_assets.serving.connection import ServingError, Transaction, transaction
from mfg_assets.serving.shape import PRIVATE, SCHEMA, Shape, bring_to, shape_of
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier

ATTEMPTS = 4
_BATCH = 50_000
# Where nearly all rows changed, looking up each by its key takes longer than writing the few others too.
_MOST = 0.8
_GONE = "mfg_gone"
_HISTORY_OF = "history of "


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
            one = _Table(settings, snapshot, connection, folder, shape_of(name, entry), entry)
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


class _Table:
    """One table on its way from a version's file to PostgreSQL."""

    def __init__(
        self,
        settings: Settings,
        snapshot: duckdb.DuckDBPyConnection,
        connection: Transaction,
        folder: Path,
        shape: Shape,
        entry: dict[str, Any],
    ) -> None:
        self.settings, self.snapshot, self.connection = settings, snapshot, connection
        self.folder, self.shape, self.entry = folder, shape, entry
        self.rows = parquet(folder / entry["file"])

    def write(self, served: str | None, *, is_new: bool) -> tuple[int, int]:
        """Write what differs from the content with the hash `served`; rows written, and rows that went for good."""
        nulls = " or ".join(f"{identifier(column)} is null" for column in self.shape.key)
        has_nulls = self.snapshot.execute(f"select count(*) > 0 from {self.rows} where {nulls}").fetchone()
        reshaped = bring_to(self.connection, self.shape, has_null_keys=bool(has_nulls and has_nulls[0]))
        if is_new:
            access.grant(self.connection, self.shape)
        before = None if reshaped or served is None else self._file_of(served)
        if before is None:
            gone = self._count() if not is_new else 0
            written = self._rewrite()
            removed = max(gone - written, 0)
        elif (known := self._known_change(before)) is not None and _nearly_all(known, self.entry["rows"]):
            written, removed = self._rewrite(), int(known["rows_removed"])
        else:
            written, removed = self._replace(before)
        self.connection.execute(
            f"insert into {PRIVATE}.served values ($1, $2) on conflict (table_name) do update set hash = excluded.hash",
            [self.shape.name, self.entry["hash"]],
        )
        return written, removed

    def _known_change(self, before: Path) -> dict[str, int] | None:
        """What the publication counted, where what is served is the version just before this one."""
        counters = [int(folder.name.partition("-")[0]) for folder in (before.parent, self.folder)]
        return self.entry.get("change") if counters[1] - counters[0] == 1 else None

    def _rewrite(self) -> int:
        """Every row anew. Readers go on seeing the old ones until the end of the transaction."""
        self.connection.script(f"delete from {self.shape.sql}")
        written = self._copy(self.rows)
        # Without figures the server would plan the next deletion as if the table were empty.
        self.connection.script(f"analyze {self.shape.sql}")
        return written

    def _replace(self, before: Path) -> tuple[int, int]:
        """Delete rows that changed or went, by key; insert those that changed or came."""
        old = parquet(before)
        shapes = [describe(self.snapshot, relation) for relation in (old, self.rows)]
        keys = [column for name in self.shape.key for column in shapes[1] if column.name == name]
        self.snapshot.execute(
            f"""
            create or replace temp table differing as
            select
                old.key_hash is not null as is_there, new.key_hash is not null as stays,
                coalesce(old.key_hash, new.key_hash) as key_hash
            from (select {row_hash(keys)} as key_hash, {row_hash(shapes[0])} as row_hash from {old}) as old
            full outer join
                (select {row_hash(keys)} as key_hash, {row_hash(shapes[1])} as row_hash from {self.rows}) as new
                on old.key_hash = new.key_hash
            where old.row_hash is distinct from new.row_hash
            """
        )
        counts = self.snapshot.execute(
            "select count(*) filter (is_there), count(*) filter (is_there and not stays) from differing"
        ).fetchone()
        there, removed = counts if counts else (0, 0)
        if there:
            self._delete(f"from {old} where {row_hash(keys)} in (select key_hash from differing where is_there)")
        written = self._copy(
            f"(from {self.rows} where {row_hash(keys)} in (select key_hash from differing where stays))"
        )
        return written, removed

    def _delete(self, selection: str) -> None:
        """Rows of these keys. An empty key column counts as a value, which an equality alone would not find."""
        names = [f"k{place}" for place in range(len(self.shape.key))]
        chosen = ", ".join(
            f"{self.shape.expressions[column]} as {name}" for column, name in zip(self.shape.key, names, strict=True)
        )
        self.connection.load_temporary(_GONE, self._stream(f"select {chosen} {selection}"))
        has_nulls = self.snapshot.execute(
            f"select count(*) > 0 {selection} and ({' or '.join(f'{identifier(c)} is null' for c in self.shape.key)})"
        ).fetchone()
        pairs = list(zip(self.shape.key, names, strict=True))
        if has_nulls and has_nulls[0]:
            alike = " and ".join(
                f"coalesce(t.{identifier(c)}::text, '') = coalesce(g.{n}::text, '') "
                f"and (t.{identifier(c)} is null) = (g.{n} is null)"
                for c, n in pairs
            )
        else:
            alike = " and ".join(f"t.{identifier(c)} = g.{n}" for c, n in pairs)
        self.connection.script(
            f"analyze {_GONE}",
            f"delete from {self.shape.sql} as t using {_GONE} as g where {alike}",
            f"drop table {_GONE}",
        )

    def _copy(self, relation: str) -> int:
        selected = ", ".join(f"{e} as {identifier(n)}" for n, e in self.shape.expressions.items())
        return self.connection.load(SCHEMA, self.shape.name, self._stream(f"select {selected} from {relation}"))

    def _stream(self, sql: str) -> Any:
        return self.snapshot.execute(sql).to_arrow_reader(_BATCH)

    def _count(self) -> int:
        return int(self.connection.execute(f"select count(*) from {self.shape.sql}")[0][0])

    def _file_of(self, content: str) -> Path | None:
        """A published file that holds just what is served, if one is kept; with the same columns only."""
        if self.shape.name == HISTORY.name:
            file = self.folder.parent / content.removeprefix(_HISTORY_OF) / self.entry["file"]
            same = file.is_file() and describe(self.snapshot, parquet(file)) == describe(self.snapshot, self.rows)
            return file if same else None
        for manifest in sorted(self.folder.parent.glob("*/manifest.json"), reverse=True):
            entry = json.loads(manifest.read_text(encoding="utf-8"))["tables"].get(self.shape.name)
            if entry is None or entry["hash"] != content or entry["columns"] != self.entry["columns"]:
                continue
            file = manifest.parent / entry["file"]
            if file.is_file() and file.stat().st_size == entry["bytes"] and entry["key"] == self.entry["key"]:
                return file
        return None


def _nearly_all(change: dict[str, int], rows: int) -> bool:
    return change["rows_changed"] + change["rows_removed"] > _MOST * max(rows, 1)


def _history(settings: Settings, folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """The table `publication` has no entry in the manifest, since each version carries its own."""
    file = folder / f"{HISTORY.name}.parquet"
    with connect(settings) as connection:
        columns = describe(connection, parquet(file))
    return {
        "file": file.name,
        "bytes": file.stat().st_size,
        "rows": int(manifest["version"].partition("-")[0]),
        "hash": f"{_HISTORY_OF}{manifest['version']}",
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
