"""One table on its way from a version's file to PostgreSQL: what changed, and the cheapest way to write it.

Belongs here: a table's rows. Doesn't belong here: which tables (`sync`), shapes (`shape`), the connection.

Rows are updated, deleted and inserted in place, nothing is truncated or swapped: every reader, also one in a long
transaction, sees exactly one version, waits for nobody, and keeps grants, views and policies. Which rows changed is
computed from the published files; where the file of what is served is gone, the whole table is written.

What costs is upkeep of indexes. So a new table is filled before it has any, and a row that changes is updated, which
leaves indexes alone as long as its page has room for the new row beside the old one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from mfg_assets.publish.fingerprint import describe, parquet
from mfg_assets.publish.history import TABLE as HISTORY
from mfg_assets.serving import access
from mfg_assets.serving.connection import Transaction
from mfg_assets.serving.shape import PRIVATE, SCHEMA, Shape, add_indexes, bring_to, fill_of, set_fill
from mfg_assets.settings import Settings
from mfg_assets.warehouse.sql import identifier

HISTORY_OF = "history of "
_BATCH = 50_000
# Where nearly all rows changed, finding the others takes longer than writing them too.
_MOST = 0.8
# How full pages are kept, in percent, where all rows change: a bit less than half, so that every row fits twice, and
# the next such change needs no new index entries.
_HALF = 45
_STAGE = "mfg_stage"


class Table:
    """A table of the version that is to be served."""

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
        has_null_keys = self._has_null_keys(self.rows)
        state = bring_to(self.connection, self.shape, has_null_keys=has_null_keys)
        if is_new:
            access.grant(self.connection, self.shape)
        before = None if state != "kept" or served is None else self._file_of(served)
        if state == "made":
            written, removed = self._copy(self.rows), 0
            add_indexes(self.connection, self.shape, has_null_keys=has_null_keys)
            self.connection.script(f"analyze {self.shape.sql}")
        elif before is None:
            written, removed = self._rewrite()
        elif (nearly_all := self._nearly_all_changed(before)) and fill_of(self.connection, self.shape) > _HALF:
            set_fill(self.connection, self.shape, _HALF)
            written, removed = self._rewrite()
        elif nearly_all and not self._counted(before, "rows_added", "rows_removed"):
            written, removed = self._update(self.rows), 0
        else:
            written, removed = self._merge(before, every=nearly_all)
        self.connection.execute(
            f"insert into {PRIVATE}.served values ($1, $2) on conflict (table_name) do update set hash = excluded.hash",
            [self.shape.name, self.entry["hash"]],
        )
        return written, removed

    def _nearly_all_changed(self, before: Path) -> bool:
        return self._counted(before, "rows_changed") > _MOST * max(self.entry["rows"], 1)

    def _counted(self, before: Path, *counts: str) -> int:
        """What the publication counted, if it did: where what is served is the version just before this one."""
        counters = [int(folder.name.partition("-")[0]) for folder in (before.parent, self.folder)]
        change = self.entry.get("change") if counters[1] - counters[0] == 1 else None
        return sum(change[count] for count in counts) if change is not None else 0

    def _rewrite(self) -> tuple[int, int]:
        """Every row anew. Readers go on seeing the old ones until the end of the transaction."""
        there = int(self.connection.execute(f"select count(*) from {self.shape.sql}")[0][0])
        self.connection.script(f"delete from {self.shape.sql}")
        written = self._copy(self.rows)
        # Without figures the server would plan the next change as if the table were empty.
        self.connection.script(f"analyze {self.shape.sql}")
        return written, max(there - written, 0)

    def _merge(self, before: Path, *, every: bool) -> tuple[int, int]:
        """Delete rows that went, update those that changed (`every`: all that stayed), insert those that came."""
        old = parquet(before)
        differs = " or ".join(f"new.{identifier(n)} is distinct from old.{identifier(n)}" for n in self._values)
        self.snapshot.execute(
            f"""
            create or replace temp table fresh as
            select new.*, old."is there" is not null as "is there"
            from {self.rows} as new
            left join (select *, true as "is there" from {old}) as old on {self._same_key("new", "old")}
            where old."is there" is null or {"true" if every else differs or "false"}
            """
        )
        there, came, rows_before = self._one(
            f'select count(*) filter ("is there"), count(*) filter (not "is there"), (select count(*) from {old}) '
            "from fresh"
        )
        removed = rows_before - (self.entry["rows"] - came)
        if removed:
            went = f"(from {old} as old anti join {self.rows} as new on {self._same_key('new', 'old')})"
            matched = self._stage(went, self.shape.key)
            self.connection.script(f"delete from {self.shape.sql} as t using {_STAGE} as g where {matched}")
        if there:
            self._update('(from fresh where "is there")')
        if came:
            self._copy('(from fresh where not "is there")')
        self.snapshot.execute("drop table fresh")
        return there + came, removed

    @property
    def _values(self) -> list[str]:
        """Columns besides the key."""
        return [name for name in self.shape.types if name not in self.shape.key]

    def _update(self, relation: str) -> int:
        """Change rows that are there; how many."""
        matched = self._stage(relation, [*self.shape.key, *self._values])
        values = ", ".join(f"{identifier(name)} = g.{identifier(name)}" for name in self._values)
        if values:
            self.connection.script(f"update {self.shape.sql} as t set {values} from {_STAGE} as g where {matched}")
        return self._one(f"select count(*) from {relation}")[0]

    def _same_key(self, left: str, right: str) -> str:
        return " and ".join(
            f"{left}.{identifier(column)} is not distinct from {right}.{identifier(column)}"
            for column in self.shape.key
        )

    def _stage(self, relation: str, columns: Sequence[str]) -> str:
        """Bring columns of rows to a temporary table; the condition on which its rows are rows of the served one."""
        empty = f"select {_names(columns)} from {self.shape.sql} where false"
        self.connection.script(
            f"drop table if exists pg_temp.{_STAGE}",
            f"create temporary table {_STAGE} on commit drop as {empty}",
        )
        chosen = ", ".join(f"{self.shape.expressions[name]} as {identifier(name)}" for name in columns)
        self.connection.load_temporary(_STAGE, self._stream(f"select {chosen} from {relation}"))
        self.connection.script(f"analyze {_STAGE}")
        quoted = [identifier(column) for column in self.shape.key]
        if not self._has_null_keys(relation):
            return " and ".join(f"t.{column} = g.{column}" for column in quoted)
        # An empty key column counts as a value, which an equality alone would not find.
        return " and ".join(
            f"coalesce(t.{column}::text, '') = coalesce(g.{column}::text, '') "
            f"and (t.{column} is null) = (g.{column} is null)"
            for column in quoted
        )

    def _copy(self, relation: str) -> int:
        """Insert rows, in the order of their keys: what is read together then lies together."""
        chosen = ", ".join(f"{e} as {identifier(n)}" for n, e in self.shape.expressions.items())
        rows = self._stream(f"select {chosen} from {relation} order by {_names(self.shape.key)}")
        return self.connection.load(SCHEMA, self.shape.name, rows)

    def _stream(self, sql: str) -> Any:
        return self.snapshot.execute(sql).to_arrow_reader(_BATCH)

    def _one(self, sql: str) -> tuple[Any, ...]:
        row = self.snapshot.execute(sql).fetchone()
        assert row is not None  # noqa: S101 - an aggregate without groups has exactly one row
        return row

    def _has_null_keys(self, relation: str) -> bool:
        nulls = " or ".join(f"{identifier(column)} is null" for column in self.shape.key)
        return self._one(f"select count(*) > 0 from {relation} where {nulls}")[0]

    def _file_of(self, content: str) -> Path | None:
        """A published file that holds just what is served, if one is kept; with the same columns only."""
        if self.shape.name == HISTORY.name:
            file = self.folder.parent / content.removeprefix(HISTORY_OF) / self.entry["file"]
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


def _names(columns: Sequence[str]) -> str:
    return ", ".join(identifier(column) for column in columns)
