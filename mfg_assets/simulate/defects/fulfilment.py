"""Defects of customers' orders: where the ERP and those who ship tell different stories.

Belongs here: entries of the catalogue about order lines and what left for them. Doesn't belong here: shipments by
themselves (`shipping`), the stock that leaves (`inventory`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.model import Consequence, Defect, Edit, copy_row, replace_values

OF_LINE = (Consequence("fulfilment", "json_object('object_key', object_key)::varchar"),)


def _lines(status: str, where: str = "true") -> str:
    """An ERP's order lines in a status at the first cut."""
    return f"""
    select
        'sale|' || plant_id || '|' || sales_order_number || '|' || line_number as claim, visible_from as known_at,
        visible_to as until_at, plant_id, quantity, source_system as system, row_id,
        sales_order_number || '/' || line_number as object_key, sales_order_number, line_number, item_number, unit,
        [json_object('object_key', sales_order_number || '/' || line_number, 'item_number', item_number)::varchar]
            as keys
    from held.sales_order_line
    where status = '{status}' and visible_from <= $first and (visible_to is null or $first < visible_to) and ({where})
    """


# What left last, and when: promises are moved before it.
_LEFT = f"""
select line.*, shipped.shipped_at
from ({_lines("closed")}) as line
inner join (
    select plant_id, sales_order_number, sales_order_line_number, max(shipped_at) as shipped_at
    from held.shipment
    where status = 'delivered' and visible_from <= $first
    group by all
) as shipped on line.plant_id = shipped.plant_id and line.sales_order_number = shipped.sales_order_number
    and line.line_number = shipped.sales_order_line_number
"""
_PROMISED = "select system as source_system, row_id, planted_at, mended_at, shipped_at from chosen"

DELIVERED = f"""
select
    line.* replace (greatest(line.known_at, shipped.known_at) as known_at),
    shipped.shipment_row, shipped.shipment_key, shipped.shipment_number, shipped.shipped_at,
    shipped.has_identity
from ({_lines("closed")}) as line
inner join (
    select
        plant_id, sales_order_number, sales_order_line_number, any_value(row_id) as shipment_row,
        any_value(shipment_number) as shipment_number,
        any_value(shipment_number || '/' || line_number) as shipment_key,
        any_value(shipped_at) as shipped_at,
        bool_or(lot_number is not null or serial_number is not null) as has_identity,
        any_value(quantity) as quantity, max(visible_from) as known_at
    from held.shipment
    where status = 'delivered' and visible_from <= $first
    group by plant_id, sales_order_number, sales_order_line_number
    having count(*) = 1
) as shipped on line.plant_id = shipped.plant_id and line.sales_order_number = shipped.sales_order_number
    and line.line_number = shipped.sales_order_line_number and line.quantity = shipped.quantity
"""
"""Lines that left in one shipment and have arrived: nobody says more of them."""

_WHOLE = f"select * from ({DELIVERED}) where not has_identity"

# Another thing that the plant sells by the same unit, of which nobody keeps lots or serial numbers.
_OTHER = f"""
select
    whole.*, others.items[1 + chance_int('other item', whole.claim, len(others.items))] as other_item
from ({_WHOLE}) as whole
inner join (
    select plant_id, unit, list(distinct item_number order by item_number) as items
    from ({_WHOLE})
    group by plant_id, unit
) as others on whole.plant_id = others.plant_id and whole.unit = others.unit
"""


def of_shipment(more: str = "") -> str:
    """Targets of an edit: the chosen shipment, in the warehouse and at the carrier."""
    return (
        f"select shipment.source_system, shipment.row_id, planted_at, mended_at{more} from chosen "
        "inner join (select distinct source_system, row_id from held.shipment) as shipment "
        "on chosen.shipment_row = shipment.row_id"
    )


_ORDERED = "select system as source_system, row_id, planted_at, mended_at{more} from chosen"


def _ordered(values: dict[str, str], more: str = "") -> Edit:
    return replace_values("sales_order_line", values, _ORDERED.format(more=more))


def _shipped(values: dict[str, str], more: str = "") -> Edit:
    return replace_values("shipment", values, of_shipment(more))


_ONE = "cast(1 as decimal(18, 6))"
_ONE_MORE = {"quantity": f"held_row.quantity + {_ONE}"}

FULFILMENT: tuple[Defect, ...] = (
    Defect(
        "fulfilment",
        "wrong_item",
        "Another item left than the customer ordered.",
        "wms and tms shipment",
        f"select * from ({_OTHER}) where other_item <> item_number",
        (_shipped({"item_number": "held_row.other_item"}, ", other_item"),),
        consequences=OF_LINE,
    ),
    Defect(
        "fulfilment",
        "wrong_item",
        "The customer asked for another item instead: the order says so, and it left.",
        "erp sales_order_line, wms and tms shipment",
        f"""
        select * replace ([json_object('object_key', object_key, 'item_number', other_item)::varchar] || keys as keys)
        from ({_OTHER})
        where other_item <> item_number
        """,
        (
            _shipped({"item_number": "held_row.other_item"}, ", other_item"),
            _ordered({"item_number": "held_row.other_item", "revision": "null"}, ", other_item"),
        ),
        is_near_miss=True,
        name="order_changed",
    ),
    Defect(
        "fulfilment",
        "over_shipment",
        "One more left than the customer ordered.",
        "erp sales_order_line, wms and tms shipment",
        _WHOLE.replace("select *", f"select * replace ({_ONE} as quantity)", 1),
        (_shipped(_ONE_MORE), _ordered({"shipped_quantity": f"held_row.shipped_quantity + {_ONE}"})),
        consequences=OF_LINE,
    ),
    Defect(
        "fulfilment",
        "over_shipment",
        "The customer took one more: the order was raised, and it left.",
        "erp sales_order_line, wms and tms shipment",
        _WHOLE,
        (
            _shipped(_ONE_MORE),
            _ordered({**_ONE_MORE, "shipped_quantity": f"held_row.shipped_quantity + {_ONE}"}),
        ),
        is_near_miss=True,
        name="order_raised",
    ),
    Defect(
        "fulfilment",
        "short_shipment",
        "An order line is closed, and one less left than was ordered.",
        "wms and tms shipment",
        f"select * replace ({_ONE} as quantity) from ({_WHOLE}) where quantity >= 2",
        (_shipped({"quantity": f"held_row.quantity - {_ONE}"}),),
        consequences=OF_LINE,
    ),
    Defect(
        "fulfilment",
        "short_shipment",
        "What was ordered left in two shipments that make it up.",
        "wms and tms shipment",
        f"select * from ({_WHOLE}) where quantity >= 2",
        (
            copy_row(
                "shipment",
                {
                    "shipment_number": "'6' || substr(held_row.shipment_number, 2)",
                    "row_id": "'6' || substr(held_row.row_id, 2)",
                    "quantity": f"held_row.quantity - {_ONE}",
                },
                of_shipment(),
            ),
            _shipped({"quantity": _ONE}),
        ),
        is_near_miss=True,
        name="in_two",
    ),
    Defect(
        "fulfilment",
        "overdue_shipment",
        "Goods were promised for a day that has passed, and nothing left.",
        "erp sales_order_line",
        _lines("open"),
        (_ordered({"promised_at": "held_row.planted_at - interval 1 day"}),),
        consequences=OF_LINE,
    ),
    Defect(
        "fulfilment",
        "overdue_shipment",
        "Goods were promised for a day that has passed, and the line is cancelled.",
        "erp sales_order_line",
        _lines("open"),
        (_ordered({"promised_at": "held_row.planted_at - interval 1 day", "status": "'cancelled'"}),),
        is_near_miss=True,
        name="cancelled",
    ),
    Defect(
        "fulfilment",
        "order_without_shipment",
        "The ERP says that an open line was shipped, and nothing left.",
        "erp sales_order_line",
        _lines("open"),
        (_ordered({"shipped_quantity": "held_row.quantity"}),),
        consequences=OF_LINE,
    ),
    Defect(
        "fulfilment",
        "shipment_not_in_order",
        "Goods left, and in the ERP their order line is open.",
        "erp sales_order_line",
        _lines("closed"),
        (_ordered({"shipped_quantity": "cast(0 as decimal(18, 6))", "status": "'open'"}),),
        consequences=OF_LINE,
    ),
    Defect(
        "fulfilment",
        "late_shipment",
        "Goods left ten days after the ERP had promised them.",
        "erp sales_order_line",
        _LEFT,
        (replace_values("sales_order_line", {"promised_at": "held_row.shipped_at - interval 10 day"}, _PROMISED),),
        consequences=OF_LINE,
    ),
    Defect(
        "fulfilment",
        "late_shipment",
        "Goods left two hours before the ERP had promised them.",
        "erp sales_order_line",
        _LEFT,
        (replace_values("sales_order_line", {"promised_at": "held_row.shipped_at + interval 2 hour"}, _PROMISED),),
        is_near_miss=True,
        name="just_in_time",
    ),
)
