"""What the published state knows of an item, so that a mistyped number gets a helpful answer.

Belongs here: existence, neighbours in spelling, plants, periods. Doesn't belong here: bills themselves (`read`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_KNOWN = """
    select item_number from item
    union
    select parent_item_number from bom_line
    union
    select component_item_number from bom_line
"""

# Below this two numbers have too little in common to be a slip of the finger.
_LEAST_ALIKE = 0.8


@dataclass(frozen=True)
class Bill:
    """One bill of an item as some system keeps it, and the period in which any of its lines holds."""

    source_system: str
    plant_id: str
    usage: str | None
    alternative: str | None
    revision: str | None
    effective_from: datetime | None
    effective_to: datetime | None


def is_known(connection: duckdb.DuckDBPyConnection, item: str) -> bool:
    """Whether any published item or line has this number."""
    row = connection.execute(
        f"select count(*) from ({_KNOWN}) as known(item_number) where item_number = $item", {"item": item}
    ).fetchone()
    return row is not None and row[0] > 0


def items_like(connection: duckdb.DuckDBPyConnection, item: str, *, most: int = 5) -> list[str]:
    """Item numbers spelt nearly so, nearest first."""
    rows = connection.execute(
        f"""
        with known as ({_KNOWN}),
        alike as (
            select
                item_number,
                jaro_winkler_similarity(upper(item_number), upper($item)) as likeness,
                damerau_levenshtein(upper(item_number), upper($item)) as slips,
                contains(upper(item_number), upper($item)) as holds_it,
            from known
        )
        select item_number
        from alike
        where likeness >= $least or holds_it
        order by slips asc, likeness desc, item_number asc
        limit $most
        """,
        {"item": item, "least": _LEAST_ALIKE, "most": most},
    ).fetchall()
    return [row[0] for row in rows]


def plants_of(connection: duckdb.DuckDBPyConnection, item: str | None = None, *, is_parent: bool = False) -> list[str]:
    """Plants at which an item has a bill, or else is used in one; all plants that have bills when None."""
    column = "parent_item_number" if is_parent else "component_item_number"
    rows = connection.execute(
        f"select distinct plant_id from bom_line where $item::varchar is null or {column} = $item order by 1",
        {"item": item},
    ).fetchall()
    return [row[0] for row in rows]


def systems(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Systems that have delivered bills."""
    return [row[0] for row in connection.execute("select distinct source_system from bom_line order by 1").fetchall()]


def bills(connection: duckdb.DuckDBPyConnection, item: str) -> list[Bill]:
    """Every bill of an item, in force or not."""
    rows = connection.execute(
        """
        select
            source_system,
            plant_id,
            usage,
            alternative,
            revision,
            case when bool_or(effective_from is null) then null else min(effective_from) end,
            case when bool_or(effective_to is null) then null else max(effective_to) end
        from bom_line
        where parent_item_number = $item
        group by source_system, plant_id, usage, alternative, revision
        order by all
        """,
        {"item": item},
    ).fetchall()
    return [Bill(*row) for row in rows]
