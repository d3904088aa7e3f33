"""Defects of receipts for purchase orders, and what looks like them.

Belongs here: entries about lines and the goods that came for them, where the stock itself is right. Doesn't belong
here: receipts that one system lacks or has otherwise (`inventory`), what stands in a line alone (`deliveries`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.model import Consequence, Defect, add_rows, change_event, hide, replace_values
from mfg_assets.simulate.defects.procurement import OF_LINE, order_lines

# Pieces that came at once, all that one line of its order wanted, and no other line of it is for the same item. What
# came is told by the warehouse; the ERP has posted the same.
_AT_ONCE = """
select
    'line|' || line.purchase_order_number || '/' || line.line_number as claim, posting.document,
    posting.visible_from as known_at, posting.plant_id, posting.quantity, posting.item_number,
    line.purchase_order_number, line.line_number,
    line.purchase_order_number || '/' || line.line_number as object_key,
    [json_object(
        'object_key', line.purchase_order_number || '/' || line.line_number, 'item_number', line.item_number
    )::varchar] as keys
from posting
inner join (
    select distinct purchase_order_number, line_number, plant_id, item_number, quantity, unit
    from held.purchase_order_line
) as line on posting.plant_id = line.plant_id and posting.reference_number = line.purchase_order_number
    and posting.reference_line = line.line_number and posting.item_number = line.item_number
    and posting.quantity = line.quantity and posting.unit = line.unit
where posting.reference_type = 'purchase_order' and posting.movement_class = 'receipt'
    and left(posting.source_system, 3) = 'wms' and posting.lot_number is null and posting.serial_number is null
    and not exists (
        select 1 from held.purchase_order_line as other
        where line.purchase_order_number = other.purchase_order_number and line.item_number = other.item_number
            and line.line_number <> other.line_number
    )
"""

# Every system's posting of it.
_POSTINGS = (
    "select movement.source_system, movement.row_id from chosen "
    "inner join held.inventory_movement as movement on movement.reference_type = 'purchase_order' "
    "and movement.movement_class = 'receipt' and chosen.purchase_order_number = movement.reference_number "
    "and chosen.line_number = movement.reference_line and chosen.item_number = movement.item_number"
)
OF_NOTICES = (
    "unnest((select list(distinct json_object('object_key', notice.asn_number || '/' || notice.line_number)::varchar) "
    "from held.advance_ship_notice as notice where notice.purchase_order_number = chosen.purchase_order_number "
    "and notice.purchase_order_line_number = chosen.line_number))"
)

_ONE = "cast(1 as decimal(18, 6))"

RECEIPTS: tuple[Defect, ...] = (
    Defect(
        "procurement",
        "receipt_without_order",
        "The buyer deleted a line whose goods had come.",
        "erp purchase_order_line",
        f"""
        select
            line.*, came.document, came.purchase_order_number, came.line_number
        from ({order_lines("line.status = 'complete'")}) as line
        inner join ({_AT_ONCE}) as came on line.claim = came.claim
        """,
        (hide("purchase_order_line"),),
        # and the supplier's notices of them are for an order that there is not
        consequences=(*OF_LINE, Consequence("procurement", OF_NOTICES, "asn_without_order")),
    ),
    Defect(
        "procurement",
        "receipt_without_order",
        "The warehouse counts an order's lines otherwise than the ERP; the order and the item tell which one came.",
        "erp and wms inventory_movement",
        _AT_ONCE,
        (
            change_event(
                "inventory_movement",
                {"reference_line": "cast(cast(held_row.reference_line as integer) // 10 as varchar)"},
                _POSTINGS,
            ),
        ),
        kind="event",
        is_near_miss=True,
        name="other_line_number",
    ),
    Defect(
        "procurement",
        "receipt_quantity",
        "What came at once was posted in two parts, which make it up.",
        "erp and wms inventory_movement",
        f"select * from ({_AT_ONCE}) where quantity >= 3",
        (
            add_rows(
                "inventory_movement",
                f"""
                select held_row.* replace (
                    held_row.row_id || 'P' as row_id, held_row.event_id || 'P' as event_id,
                    {_ONE} as quantity
                )
                from ({_POSTINGS}) as target
                inner join held.inventory_movement as held_row
                    on target.source_system = held_row.source_system and target.row_id = held_row.row_id
                """,
            ),
            change_event(
                "inventory_movement",
                {"quantity": f"held_row.quantity - {_ONE}"},
                f"{_POSTINGS} where not ends_with(movement.row_id, 'P')",
            ),
        ),
        kind="event",
        is_near_miss=True,
        name="in_parts",
    ),
    Defect(
        "procurement",
        "asn_not_received",
        "Goods have arrived and were posted; only the line was not closed.",
        "erp purchase_order_line",
        # of an item that is withdrawn no line may be open
        f"""
        select *, 'item|*|' || item_number as document
        from ({order_lines("line.status = 'complete'")})
        """,
        (replace_values("purchase_order_line", {"status": "'open'"}),),
        is_near_miss=True,
        name="not_closed",
    ),
    Defect(
        "procurement",
        "rejected_receipt",
        "One piece more was ordered and cancelled again, so that it neither came nor was rejected.",
        "erp purchase_order_line",
        order_lines("line.status = 'complete'"),
        (
            replace_values(
                "purchase_order_line",
                {
                    "quantity": f"held_row.quantity + {_ONE}",
                    "cancelled_quantity": f"held_row.cancelled_quantity + {_ONE}",
                },
            ),
        ),
        is_near_miss=True,
        name="cancelled",
    ),
)
