"""Orders whose goods came too early, too late, as something else or in a unit that nothing converts.

Belongs here: entries that came after those of `production`, `procurement` and `receipts`, so that these choose what
they have always chosen. Doesn't belong here: stock that differs (`inventory`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.deliveries import entered
from mfg_assets.simulate.defects.model import Consequence, Defect, replace_values
from mfg_assets.simulate.defects.procurement import OF_ITEM, OF_LINE, order_lines
from mfg_assets.simulate.defects.production import OF_ORDER, closed_orders
from mfg_assets.simulate.defects.receipts import OF_NOTICES


def _came(reference: str) -> str:
    """When the first and the last of an order's systems say that its goods came, by order, line and item."""
    return f"""
    select
        to_plant_id as plant_id, reference_number, reference_line, item_number,
        min(event_at) as first_at, max(event_at) as last_at
    from held.inventory_movement
    where reference_type = '{reference}' and movement_class = 'receipt' and visible_from <= $first
    group by all
    """


# Closed orders for pieces, with another item of which the plant makes pieces, and a revision of it.
_MADE_INSTEAD = f"""
select orders.*, made.items[1 + chance_int('made instead', orders.claim, len(made.items))] as stranger
from ({closed_orders("mes", "unit = 'EA'")}) as orders
inner join (
    select plant_id, list_sort(list(distinct {{'item_number': item_number, 'revision': revision}})) as items
    from held.production_order
    where left(source_system, 3) = 'mes' and unit = 'EA' and visible_from <= $first
    group by plant_id
) as made on orders.plant_id = made.plant_id
where struct_extract(stranger, 'item_number') <> orders.item_number
"""


def _received(kind: str) -> str:
    """Closed orders as systems of that kind hold them; what came is known when the last system has it."""
    return f"""
    select
        orders.* replace (greatest(orders.known_at, came.last_at + interval 6 hour) as known_at), came.last_at
    from ({closed_orders(kind, "actual_end_at is not null")}) as orders
    inner join ({_came("production_order")}) as came on orders.plant_id = came.plant_id
        and orders.object_key = came.reference_number and orders.item_number = came.item_number
    """


_ENDED_LATE = (
    replace_values(
        "production_order",
        {"actual_end_at": "held_row.last_at + interval 6 hour"},
        "select system as source_system, row_id, planted_at, mended_at, last_at from chosen",
    ),
)

# Orders of one line of which all has come, and when they left.
_SHIPPED = f"""
select
    line.* replace (
        greatest(line.known_at, came.last_at + interval 3 day) as known_at, cast(null as decimal(18, 6)) as quantity
    ),
    came.first_at, came.last_at
from ({
    order_lines(
        "line.status = 'complete' and orders.shipped_at is not null",
        more=", line.purchase_order_number, line.line_number, line.due_at, orders.row_id as order_row",
    )
}) as line
inner join ({_came("purchase_order")}) as came on line.plant_id = came.plant_id
    and line.purchase_order_number = came.reference_number and line.line_number = came.reference_line
    and line.item_number = came.item_number
where not exists (
    select 1 from held.purchase_order_line as other
    where line.purchase_order_number = other.purchase_order_number and line.line_number <> other.line_number
) and came.first_at <= line.due_at
"""


def _left(at: str) -> tuple:
    return (
        replace_values(
            "purchase_order",
            {"shipped_at": at},
            "select system as source_system, order_row as row_id, planted_at, mended_at, first_at, last_at from chosen",
        ),
    )


# Lines that have come, of items with a box and without one. Of an item at a plant it is said once.
_OF_STOCK = """
    json_object(
        'location', null, 'item_number', item_number, 'lot_number', null, 'stock_status', null, 'ownership', null
    )
"""
_BOXED = f"""
select
    line.* replace ([{_OF_STOCK}::varchar] as keys, cast(null as decimal(18, 6)) as quantity),
    'unknown unit|' || line.plant_id || '|' || line.item_number as document
from ({{lines}}) as line
where {{exists}} (
    select 1 from held.item_unit_conversion as own
    where own.item_number = line.item_number and own.alternative_unit = 'XBX'{{where}}
)
"""
_COUNTED = ("quantity", "received_quantity", "stocked_quantity", "rejected_quantity", "cancelled_quantity")
_MORE = ", line.purchase_order_number, line.line_number"

POSTED: tuple[Defect, ...] = (
    Defect(
        "production",
        "item",
        "The shop floor made another item than the ERP ordered.",
        "mes production_order",
        _MADE_INSTEAD,
        (
            replace_values(
                "production_order",
                {
                    "item_number": "struct_extract(held_row.stranger, 'item_number')",
                    "revision": "struct_extract(held_row.stranger, 'revision')",
                },
                "select system as source_system, row_id, planted_at, mended_at, stranger from chosen",
            ),
        ),
        share=0.5,
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "receipt_before_completion",
        "The shop floor ended an order hours after its goods were received.",
        "mes production_order",
        _received("mes"),
        _ENDED_LATE,
        share=0.5,
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "receipt_before_completion",
        "The ERP heard of an order's end hours late; the shop floor, whose word counts, ended it before its receipt.",
        "erp production_order",
        _received("erp"),
        _ENDED_LATE,
        share=0.5,
        is_near_miss=True,
        name="heard_late",
    ),
    entered(
        "late_shipment",
        "Goods left two days after they were due.",
        "line.status = 'complete' and orders.shipped_at - interval 3 day > orders.ordered_at",
        {"due_at": "held_row.shipped_at - interval 2 day"},
        more=", orders.shipped_at",
    ),
    entered(
        "late_shipment",
        "Goods left the day before they were due.",
        "line.status = 'complete' and orders.shipped_at is not null",
        {"due_at": "held_row.shipped_at + interval 1 day"},
        look_alike="in_time",
        more=", orders.shipped_at",
        # the supplier had promised them for later
        consequences=OF_LINE,
    ),
    Defect(
        "procurement",
        "receipt_before_shipment",
        "Goods were received days before the ERP says that they left.",
        "erp purchase_order",
        _SHIPPED,
        _left("held_row.last_at + interval 3 day"),
        consequences=OF_LINE,
    ),
    Defect(
        "procurement",
        "receipt_before_shipment",
        "Goods from next door were received an hour after they had left.",
        "erp purchase_order",
        _SHIPPED,
        _left("held_row.first_at - interval 1 hour"),
        is_near_miss=True,
        name="next_door",
    ),
    Defect(
        "inventory",
        "unit_not_convertible",
        "What came had been ordered in boxes, and nobody says what a box of it is.",
        "erp purchase_order_line",
        _BOXED.format(
            lines=order_lines("line.status = 'complete' and line.unit = 'EA'", more=_MORE),
            exists="not exists",
            where="",
        ),
        (replace_values("purchase_order_line", {"unit": "'XBX'"}),),
        consequences=(*OF_LINE, OF_ITEM, Consequence("procurement", OF_NOTICES)),
    ),
    Defect(
        "inventory",
        "unit_not_convertible",
        "What came in boxes had been ordered by the piece, as many as are in them.",
        "erp purchase_order_line",
        _BOXED.format(
            lines=order_lines("line.status = 'complete' and line.unit = 'XBX'", more=_MORE),
            exists="exists",
            where=" and own.numerator = 100 and own.denominator = 1",
        ),
        (
            replace_values(
                "purchase_order_line",
                {
                    "unit": "'EA'",
                    "unit_price": "cast(held_row.unit_price / 100 as decimal(18, 6))",
                    **{name: f"cast(held_row.{name} * 100 as decimal(18, 6))" for name in _COUNTED},
                },
            ),
        ),
        is_near_miss=True,
        name="boxes_of_a_hundred",
        # the supplier still speaks of boxes
        consequences=(*OF_LINE, Consequence("procurement", OF_NOTICES)),
    ),
)
