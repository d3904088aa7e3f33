"""What a small simulated manufacturer's systems hold, as a database in which defects are planted.

Belongs here: making it, once for all tests of a session. Doesn't belong here: what is planted (the tests of defects).
"""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import duckdb
import pytest

from mfg_assets.simulate import chance, held, truth
from mfg_assets.simulate.held import flows as held_flows
from mfg_assets.simulate.held import foundation as held_foundation
from mfg_assets.simulate.options import Options
from mfg_assets.simulate.world import flows, foundation

OPTIONS = Options.of("small")
LATER = OPTIONS.later(4)
# In so small a world nothing of these may be there: no order lies beyond a change or is in progress at the first cut,
# hardly anything is on its way, no line is received in parts.
RARE = {
    "change.open_orders_on_old_revision",
    "change.open_orders_on_old_revision.ahead_of_orders",
    "change.effectivity_conflict.superseded_now",
    "change.overdue.unit_too_late",
    "production.overdue.unfinished",
    "production.stale_schedule.revision",
    "procurement.asn_not_received",
    "procurement.asn_overdue.called_off",
    "procurement.asn_quantity.within_tolerance",
    "procurement.receipt_without_approval",
}


def held_world(path: Path, options: Options) -> Path:
    """What the systems of a world hold, with the truth of it that planting needs, in a database at `path`."""
    with duckdb.connect(path, config={"memory_limit": "1GB", "threads": 1}) as con:
        con.execute("set TimeZone = 'UTC'")
        con.begin()
        foundation.create(con, options)
        flows.build(con, options)
        held.create(con)
        held_foundation.fill(con, options)
        held_flows.fill(con, options)
        con.commit()
        kept = ["plant", "item", "item_unit", "item_revision", "engineering_change", "bom_line", "movement"]
        for (table,) in con.execute(
            "select table_name from duckdb_tables() where schema_name = 'world' and not list_contains(?, table_name)",
            [kept],
        ).fetchall():
            con.execute(f'drop table world."{table}"')
        con.execute("drop schema if exists flow cascade")
    return path


def shared_world(base: pytest.TempPathFactory, options: Options) -> Path:
    """The same for all workers of a session: whoever comes first makes it. Nobody may write into it."""
    folder = base.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        folder = folder.parent
    path = folder / f"held-{options.advanced_days}.duckdb"
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            held_world(path.with_suffix(".making"), options).rename(path)
    return path


def open_copy(path: Path, copy: Path) -> duckdb.DuckDBPyConnection:
    """A copy to plant in, with the macros of chance and an empty truth."""
    shutil.copy(path, copy)
    con = duckdb.connect(copy, config={"memory_limit": "1GB", "threads": 1})
    con.execute("set TimeZone = 'UTC'")
    chance.create_macros(con, OPTIONS.seed)
    truth.create(con)
    return con


def rows(con: duckdb.DuckDBPyConnection, sql: str, *parameters: object) -> list[tuple]:
    """All rows of a query."""
    return con.execute(sql, list(parameters)).fetchall()


def fingerprint(con: duckdb.DuckDBPyConnection, sql: str, *parameters: object) -> tuple:
    """How many rows a query gives and the sum of their hashes: the same for the same rows, in whatever order."""
    [told] = rows(con, f"select count(*), sum(cast(hash(one) as hugeint)) from ({sql}) as one", *parameters)
    return told
