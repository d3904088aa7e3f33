"""What each system of the simulated manufacturer holds, in neutral columns, as versions in time.

Belongs here: tables that are shaped like the contracts, and what fills them from the world. Doesn't belong here: the
truth
itself (`world`), what goes wrong (`defects`), how a system writes (`export`).
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from mfg_assets.contracts import Contract, contracts
from mfg_assets.simulate.held import flows, foundation
from mfg_assets.simulate.options import Options
from mfg_assets.warehouse.sql import identifier

VERSION_COLUMNS: dict[str, str] = {
    "source_system": "VARCHAR not null",
    "row_id": "VARCHAR not null",
    "visible_from": "TIMESTAMPTZ not null",
    "visible_to": "TIMESTAMPTZ",
}
"""After the contract's own columns: who holds the row, which row it is a version of, and from when until when
(half-open) the system holds this version."""


def build(con: DuckDBPyConnection, options: Options) -> None:
    """Make and fill all tables of `held` with what systems know of the world up to the options' cut."""
    create(con)
    foundation.fill(con, options)
    flows.fill(con, options)


def create(con: DuckDBPyConnection) -> None:
    """Make `held.<entity>` for every contract, empty; what was there before is dropped."""
    con.execute("create schema if not exists held")
    for contract in contracts().values():
        columns = ", ".join(f"{identifier(name)} {sql_type}" for name, sql_type in held_columns(contract).items())
        con.execute(f"create or replace table held.{identifier(contract.entity)} ({columns})")


def held_columns(contract: Contract) -> dict[str, str]:
    """Column → SQL type of a contract's held table: the contract's columns, then those of the version."""
    own = {column.name: column.sql_type for column in contract.columns if column.name not in VERSION_COLUMNS}
    return own | VERSION_COLUMNS
