"""Defects of shipments by themselves: without an order, told otherwise by the carrier, of lots that quality held.

Belongs here: entries of the catalogue about shipments. Doesn't belong here: whether an order is fulfilled
(`fulfilment`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.fulfilment import DELIVERED, OF_LINE, of_shipment
from mfg_assets.simulate.defects.model import Defect, add_rows, copy_row, replace_values

# Of the key: a shipment's own number; the order line stays what it was.
_SHIPMENTS = f"""
select
    * replace (
        [json_object('object_key', shipment_key, 'item_number', item_number)::varchar] as keys,
        shipment_key as object_key
    )
from ({DELIVERED})
"""

_AT_CARRIER = (
    "select shipment.source_system, shipment.row_id, planted_at, mended_at from chosen "
    "inner join (select distinct source_system, row_id from held.shipment where source_system = 'tms') as shipment "
    "on chosen.shipment_row = shipment.row_id"
)

# Lots of which a part left, with what the warehouse had left of them then. No other part of the lot leaves while the
# hold is in force, and quality holds nothing else of it.
_FROM_LOTS = """
with shipped as (
    select *, count(*) over near as near_by
    from held.shipment
    where left(source_system, 3) = 'wms' and status = 'shipped' and lot_number is not null
    window near as (
        partition by plant_id, item_number, lot_number order by shipped_at
        range between interval 25 hour preceding and interval 25 hour following
    )
),
legs as (
    select to_plant_id as plant_id, item_number, to_lot as lot_number, event_at, quantity
    from held.inventory_movement
    where left(source_system, 3) = 'wms' and to_plant_id is not null and to_lot is not null
    union all
    select from_plant_id, item_number, from_lot, event_at, -quantity
    from held.inventory_movement
    where left(source_system, 3) = 'wms' and from_plant_id is not null and from_lot is not null
)
select
    'lot|' || shipped.plant_id || '|' || shipped.item_number || '|' || shipped.lot_number as claim,
    shipped.visible_from as known_at, shipped.visible_to as until_at, shipped.plant_id, shipped.quantity,
    shipped.row_id, shipped.item_number, shipped.lot_number, shipped.unit, shipped.shipped_at, shipped.shipment_number,
    shipped.shipment_number || '/' || shipped.line_number as object_key,
    cast(sum(legs.quantity) as decimal(18, 6)) as left_quantity,
    [json_object(
        'object_key', shipped.shipment_number || '/' || shipped.line_number, 'item_number', shipped.item_number
    )::varchar] as keys
from shipped
inner join legs on shipped.plant_id = legs.plant_id and shipped.item_number = legs.item_number
    and shipped.lot_number = legs.lot_number and legs.event_at <= shipped.shipped_at
where shipped.near_by = 1 and shipped.visible_from <= $first and shipped.shipped_at < $first - interval 26 hour
    and not exists (
        select 1 from held.quality_hold as other
        where other.plant_id = shipped.plant_id and other.item_number = shipped.item_number
            and other.lot_number = shipped.lot_number and other.visible_from <= $first
    )
group by all
having sum(legs.quantity) >= 0
"""


def _hold(quantity: str, placed_at: str, released_at: str) -> str:
    """Rows of holds of the chosen shipments' lots."""
    return f"""
    select
        'qms' as source_system, 'QH' || shipment_number || '-' || lot_number as row_id,
        'QH' || shipment_number || '-' || lot_number as hold_id,
        plant_id, item_number, lot_number, cast({quantity} as decimal(18, 6)) as quantity, unit,
        'released' as status, 'INSP' as reason, {placed_at} as placed_at, {released_at} as released_at,
        planted_at as visible_from, mended_at as visible_to
    from chosen
    """


_BEFORE, _AFTER = "shipped_at - interval 1 day", "shipped_at + interval 2 hour"

SHIPPING: tuple[Defect, ...] = (
    Defect(
        "fulfilment",
        "held_lot_shipped",
        "A lot left while quality had all of it on hold.",
        "qms quality_hold",
        _FROM_LOTS,
        (add_rows("quality_hold", _hold("left_quantity + quantity", _BEFORE, _AFTER)),),
        share=2,
        consequences=OF_LINE,
    ),
    Defect(
        "fulfilment",
        "held_lot_shipped",
        "A lot left in part while quality had less of it on hold than stayed behind.",
        "qms quality_hold",
        f"select * from ({_FROM_LOTS}) where left_quantity > 0",
        (add_rows("quality_hold", _hold("trunc(left_quantity * 0.5, 3)", _BEFORE, _AFTER)),),
        share=2,
        is_near_miss=True,
        name="part",
    ),
    Defect(
        "fulfilment",
        "held_lot_shipped",
        "A lot left two hours after quality had released it.",
        "qms quality_hold",
        _FROM_LOTS,
        (add_rows("quality_hold", _hold("left_quantity + quantity", _BEFORE, "shipped_at - interval 2 hour")),),
        share=2,
        is_near_miss=True,
        name="released",
    ),
    Defect(
        "fulfilment",
        "shipment_without_order",
        "Goods left for an order that there is not.",
        "wms and tms shipment",
        f"""
        select
            * replace (
                [json_object('object_key', '5' || substr(object_key, 2), 'item_number', item_number)::varchar] as keys
            )
        from ({_SHIPMENTS})
        where not has_identity
        """,
        (
            copy_row(
                "shipment",
                {
                    "shipment_number": "'5' || substr(held_row.shipment_number, 2)",
                    "row_id": "'5' || substr(held_row.row_id, 2)",
                    "sales_order_number": "'5' || substr(held_row.sales_order_number, 2)",
                },
                of_shipment(),
            ),
        ),
    ),
    Defect(
        "fulfilment",
        "carrier_quantity",
        "The carrier says that it took one more than the warehouse gave.",
        "tms shipment",
        f"select * from ({_SHIPMENTS}) where not has_identity",
        (replace_values("shipment", {"quantity": "held_row.quantity + cast(1 as decimal(18, 6))"}, _AT_CARRIER),),
        consequences=OF_LINE,
    ),
    Defect(
        "fulfilment",
        "carrier_quantity",
        "The carrier weighed half a thousandth more, which is within tolerance.",
        "tms shipment",
        f"select * from ({_SHIPMENTS}) where not has_identity",
        (replace_values("shipment", {"quantity": "cast(held_row.quantity * 1.0005 as decimal(18, 6))"}, _AT_CARRIER),),
        is_near_miss=True,
        name="weighed",
    ),
    Defect(
        "fulfilment",
        "carrier_lot",
        "The carrier has another lot or serial number than the warehouse.",
        "tms shipment",
        f"select * from ({_SHIPMENTS}) where has_identity",
        (
            replace_values(
                "shipment",
                {"lot_number": "held_row.lot_number || 'X'", "serial_number": "held_row.serial_number || 'X'"},
                _AT_CARRIER,
            ),
        ),
        consequences=OF_LINE,
    ),
    Defect(
        "fulfilment",
        "carrier_lot",
        "The carrier names no lot or serial number at all.",
        "tms shipment",
        f"select * from ({_SHIPMENTS}) where has_identity",
        (replace_values("shipment", {"lot_number": "null", "serial_number": "null"}, _AT_CARRIER),),
        is_near_miss=True,
        name="unnamed",
    ),
    Defect(
        "fulfilment",
        "delivered_before_shipped",
        "Goods arrived a day before they left.",
        "tms shipment",
        _SHIPMENTS,
        (replace_values("shipment", {"delivered_at": "held_row.shipped_at - interval 1 day"}, _AT_CARRIER),),
        consequences=OF_LINE,
    ),
    Defect(
        "fulfilment",
        "delivered_before_shipped",
        "Goods arrived at the customer's next door a minute after they left.",
        "tms shipment",
        _SHIPMENTS,
        (replace_values("shipment", {"delivered_at": "held_row.shipped_at + interval 1 minute"}, _AT_CARRIER),),
        is_near_miss=True,
        name="next_door",
    ),
)

CALLED_OFF = Defect(
    "fulfilment",
    "shipment_without_order",
    "The warehouse planned a shipment for an order that there is not, and nothing left.",
    "wms and tms shipment",
    f"""
    select
        * replace (
            [json_object('object_key', '4' || substr(object_key, 2), 'item_number', item_number)::varchar] as keys
        )
    from ({_SHIPMENTS})
    where not has_identity
    """,
    (
        copy_row(
            "shipment",
            {
                "shipment_number": "'4' || substr(held_row.shipment_number, 2)",
                "row_id": "'4' || substr(held_row.row_id, 2)",
                "sales_order_number": "'4' || substr(held_row.sales_order_number, 2)",
                "status": "'planned'",
                "picked_at": "null",
                "shipped_at": "null",
                "delivered_at": "null",
            },
            of_shipment(),
        ),
    ),
    is_near_miss=True,
    name="never_left",
)
"""After the others, so that these choose what they have always chosen."""
