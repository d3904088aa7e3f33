"""Which lots went into a lot, and where a lot went, from the published genealogy.

Belongs here: the walk from lot to lot, across plants. Doesn't belong here: which document says so (dbt's
`lot_genealogy`), layout (`cli.lot`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import duckdb

MAX_LEVEL = 50
"""Deeper than any product; a walk that gets there is told so."""


@dataclass(frozen=True)
class Step:
    """One lot or serial on the way, and the document that brought it there.

    Attributes:
        level: 0 for the lot asked for.
        plant_id: Plant of the document; None at level 0.
        document_type: production_order or sales_order.
        document_number: The order; of a sales order with its line.
        item_number: What the lot is of; None where it left for a customer.
        lot_number: Lot or serial; None where what was made has none, or isn't received yet.
        description: The item's.
        quantity: How much of the used lot the document took.
        unit: Unit of quantity.
        used_at: When it was first taken.
        source_systems: Systems that say so.
        event_ids: Their events.
        is_cycle: Whether the lot stands on its own path already; the walk goes no further there.
    """

    level: int
    plant_id: str | None
    document_type: str | None
    document_number: str | None
    item_number: str | None
    lot_number: str | None
    description: str | None
    quantity: Decimal | None
    unit: str | None
    used_at: datetime | None
    source_systems: str | None
    event_ids: str | None
    is_cycle: bool


def items_of(connection: duckdb.DuckDBPyConnection, lot: str) -> list[str]:
    """Items that have a lot or serial of this number, in the genealogy or in stock."""
    rows = connection.execute(
        """
        select used_item_number as item_number from lot_genealogy where used_lot_number = $1
        union
        select made_item_number from lot_genealogy where made_lot_number = $1
        union
        select item_number from inventory_state where lot_number = $1
        order by item_number
        """,
        [lot],
    ).fetchall()
    return [item for (item,) in rows]


def lots_like(connection: duckdb.DuckDBPyConnection, lot: str, most: int = 3) -> list[str]:
    """The nearest numbers that there are."""
    rows = connection.execute(
        """
        select lot from (
            select used_lot_number as lot from lot_genealogy
            union select made_lot_number from lot_genealogy where made_lot_number is not null
        )
        order by jaro_winkler_similarity(lower(lot), lower($1)) desc, lot limit $2
        """,
        [lot, most],
    ).fetchall()
    return [found for (found,) in rows]


def trace(
    connection: duckdb.DuckDBPyConnection, item: str, lot: str, *, is_down: bool, max_level: int | None = None
) -> list[Step]:
    """Every lot below (what went in) or above (where it went), depth first.

    Args:
        connection: has the published tables.
        item: what the lot is of; a number alone may stand for several items' lots.
        lot: lot or serial.
        is_down: what went into it; else what it went into, and to whom.
        max_level: nothing below this level.
    """
    here, there = ("made", "used") if is_down else ("used", "made")
    rows = connection.execute(
        f"""
        with recursive edge as (
            select
                plant_id, document_type, document_number,
                {here}_item_number as here_item, {here}_lot_number as here_lot,
                {there}_item_number as item_number, {there}_lot_number as lot_number,
                sum(used_quantity) as quantity, any_value(used_unit) as unit, min(used_at) as used_at,
                max(source_systems) as source_systems, string_agg(event_ids, ', ' order by event_ids) as event_ids
            from lot_genealogy
            where {here}_lot_number is not null
            group by all
        ),
        walk as (
            select
                0 as level, null::varchar as plant_id, null::varchar as document_type,
                null::varchar as document_number, $item::varchar as item_number, $lot::varchar as lot_number,
                null::decimal(38, 6) as quantity, null::varchar as unit, null::timestamptz as used_at,
                null::varchar as source_systems, null::varchar as event_ids,
                ['{{}}'] as place, [$item || '|' || $lot] as path, false as is_cycle
            union all
            select
                walk.level + 1, edge.plant_id, edge.document_type, edge.document_number, edge.item_number,
                edge.lot_number, edge.quantity::decimal(38, 6), edge.unit, edge.used_at, edge.source_systems,
                edge.event_ids,
                list_append(walk.place, concat_ws(
                    '|', strftime(edge.used_at, '%Y%m%d%H%M%S'), edge.plant_id, edge.document_number,
                    edge.item_number, edge.lot_number
                )),
                list_append(walk.path, edge.item_number || '|' || edge.lot_number),
                coalesce(list_contains(walk.path, edge.item_number || '|' || edge.lot_number), false)
            from walk
            inner join edge on walk.item_number = edge.here_item and walk.lot_number = edge.here_lot
            where not walk.is_cycle and walk.level < $levels
        )
        select
            walk.level, walk.plant_id, walk.document_type, walk.document_number, walk.item_number, walk.lot_number,
            item.description, walk.quantity, walk.unit, walk.used_at, walk.source_systems, walk.event_ids, walk.is_cycle
        from walk
        left join item on walk.item_number = item.item_number
        order by walk.place
        """,
        {"item": item, "lot": lot, "levels": MAX_LEVEL if max_level is None else max_level},
    ).fetchall()
    return [Step(*row) for row in rows]
