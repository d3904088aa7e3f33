"""The native relation of a delivery as a temp table: the last place where a feed can go wrong before it is written.

Belongs here: staging, and the seam for faults of feeds. Doesn't belong here: which rows are due (`feeds`), dialects
(the systems' modules), files (`writers`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from mfg_assets.simulate.export.feeds import Window
from mfg_assets.warehouse.sql import identifier


@dataclass(frozen=True)
class Tampering:
    """What a fault adds to a native relation that it has changed.

    `lines` are raw lines for the end of the file. `claimed_rows` is what the control file says, if it isn't the truth.
    """

    lines: tuple[str, ...] = ()
    claimed_rows: int | None = None


# (connection, system, entity, native relation as SQL names it) → what else is wrong. The relation is a temp table in
# the order of delivery; it may be updated, deleted from and inserted into, and keeps its columns.
Faults = Callable[[duckdb.DuckDBPyConnection, str, str, str], Tampering]


def no_faults(connection: duckdb.DuckDBPyConnection, system: str, entity: str, relation: str) -> Tampering:
    """Every feed arrives as its system wrote it."""
    return Tampering()


@dataclass(frozen=True)
class Drop:
    """One delivery of all systems: where the world is, where the estate goes, and the instants of the delivery."""

    connection: duckdb.DuckDBPyConnection
    out: Path
    window: Window
    faults: Faults = no_faults

    def folder(self, system: str) -> Path:
        """Where a system delivers; made if it is not there."""
        folder = self.out / "extracts" / system
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@dataclass(frozen=True)
class Relation:
    """A native relation that stands in a temp table in the order of delivery.

    `name` is the table as SQL names it; `rows` are what is in it, `claimed_rows` what its control file says; `lines`
    follow its records in the file as they are.
    """

    name: str
    columns: tuple[str, ...]
    rows: int
    claimed_rows: int
    lines: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        """SELECT of its rows, in order."""
        return f"select * from {self.name}"


def stage(drop: Drop, system: str, entity: str, sql: str, *, name: str | None = None) -> Relation:
    """Put the rows of a query into a temp table, and let faults have their way with them.

    Args:
        drop: the delivery.
        system: who delivers.
        entity: what is delivered.
        sql: its native rows in order (`feeds.native_rows`).
        name: tells relations of one entity apart.
    """
    connection = drop.connection
    table = identifier(f"native_{system}_{name or entity}")
    connection.execute(f"create or replace temp table {table} as {sql}")
    tampering = drop.faults(connection, system, entity, table)
    cursor = connection.execute(f"select * from {table} limit 0")
    columns = tuple(column[0] for column in cursor.description or ())
    counted = connection.execute(f"select count(*) from {table}").fetchone()
    rows = int(counted[0]) if counted else 0
    claimed = rows + len(tampering.lines) if tampering.claimed_rows is None else tampering.claimed_rows
    return Relation(table, columns, rows, claimed, tampering.lines)


def unstage(drop: Drop, *relations: Relation) -> None:
    """Free what relations take, once they are written."""
    for relation in relations:
        drop.connection.execute(f"drop table {relation.name}")
