"""How what happens in the world becomes versions that a system holds.

A row has states; each arises at an instant of the world and reaches the system after that system's latency.

Belongs here: latencies and the making of versions. Doesn't belong here: which states an entity has.
"""

from __future__ import annotations

from datetime import datetime

from duckdb import DuckDBPyConnection

from mfg_assets.warehouse.sql import identifier

LATENCY: dict[str, tuple[int, int]] = {
    "erp": (60, 900),
    "mes": (5, 60),
    "wms": (5, 90),
    "qms": (30, 300),
    "pro": (60, 900),
    "aps": (120, 900),
    "tms": (60, 900),
}
"""First letters of a system's name → seconds: at least, and at most.

All of it fits into the plants' rest before a cut (see `world.calendar`): nothing that is right is on its way at one.
"""


def create_macros(con: DuckDBPyConnection) -> None:
    """Make `heard_at(moment, system, key)`: when the system knows what happened at that moment."""
    least = " ".join(f"when '{name}' then {low}" for name, (low, _) in LATENCY.items())
    spread = " ".join(f"when '{name}' then {high - low}" for name, (low, high) in LATENCY.items())
    con.execute(
        f"""
        create or replace macro heard_at(moment, system, key) as moment + to_seconds(
            case left(system, 3) {least} else 60 end
            + chance_int('latency', system || ' ' || key, case left(system, 3) {spread} else 60 end)
        )
        """
    )


def add_states(con: DuckDBPyConnection, entity: str, cut: datetime, states: str) -> None:
    """Add the versions of rows that change.

    Args:
        con: has held.<entity>.
        entity: the contract.
        cut: what reaches a system later is left out, and a version that ends later has no end yet.
        states: SELECT of the contract's columns (missing ones are null) with source_system, row_id, `happened_at`
            (TIMESTAMPTZ, when the state arose), `rank` (INTEGER, the order of a row's states) and `ends` (BOOLEAN, true
            where the row is gone).
    """
    con.execute(
        f"""
        insert into held.{identifier(entity)} by name
        with states as ({states}),
        heard as (
            select
                *,
                max(heard_at(happened_at, source_system, row_id || '/' || rank)) over (
                    partition by source_system, row_id order by rank rows unbounded preceding
                ) as visible_from
            from states
        ),
        versions as (
            select
                *,
                lead(visible_from) over (partition by source_system, row_id order by rank) as next_from
            from heard
        )
        select
            * exclude (happened_at, rank, ends, next_from),
            case when next_from <= $cut then next_from end as visible_to,
        from versions
        where not ends and visible_from <= $cut and coalesce(next_from > visible_from, true)
        """,
        {"cut": cut},
    )


def add_events(con: DuckDBPyConnection, entity: str, cut: datetime, events: str) -> None:
    """Add rows that never change: as `add_states`, without `rank` and `ends`."""
    con.execute(
        f"""
        insert into held.{identifier(entity)} by name
        select * exclude (happened_at), heard_at(happened_at, source_system, row_id) as visible_from
        from ({events})
        where heard_at(happened_at, source_system, row_id) <= $cut
        """,
        {"cut": cut},
    )
