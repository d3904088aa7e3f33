"""Defects of what suppliers answer, announce and deliver.

Belongs here: entries of the catalogue about acknowledgements, notices and receipts. Doesn't belong here: orders and
terms (`procurement`), receipts that were not posted (`inventory`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.model import Consequence, Defect, add_rows, change_event, replace_values
from mfg_assets.simulate.defects.procurement import CURRENT, OF_LINE, order_lines

_ANSWERS = """
with ended as (
    select purchase_order_number, line_number, min(visible_from) as ended_at
    from held.purchase_order_line
    where status = 'complete'
    group by all
)
select
    'line|' || answer.purchase_order_number || '/' || answer.line_number as claim, answer.visible_from as known_at,
    ended.ended_at as until_at, line.plant_id, answer.promised_quantity,
    answer.promised_quantity as quantity, answer.source_system as system,
    answer.row_id, line.item_number, answer.purchase_order_number || '/' || answer.line_number as object_key,
    [json_object(
        'object_key', answer.purchase_order_number || '/' || answer.line_number, 'item_number', line.item_number
    )::varchar] as keys
from held.purchase_order_acknowledgement as answer
inner join (
    select distinct purchase_order_number, line_number, plant_id, item_number from held.purchase_order_line
) as line on answer.purchase_order_number = line.purchase_order_number and answer.line_number = line.line_number
left join ended on answer.purchase_order_number = ended.purchase_order_number and answer.line_number = ended.line_number
where answer.acknowledgement_status = 'accepted' and (ended.ended_at is null or ended.ended_at > $first)
"""


def _answered(finding_class: str, does: str, values: dict[str, str], quantity: str = "promised_quantity") -> Defect:
    """An entry about what a supplier answered to a line that is open."""
    return Defect(
        "procurement",
        finding_class,
        does,
        "procurement purchase_order_acknowledgement",
        f"select * replace (cast({quantity} as decimal(18, 6)) as quantity) from ({_ANSWERS})",
        (
            change_event(
                "purchase_order_acknowledgement",
                {"acknowledgement_status": "'changed'", **values},
                "select system as source_system, row_id from chosen",
            ),
        ),
        kind="event",
        # a message that was sent is not unsent: it holds until its line is complete
        is_lasting=True,
        consequences=OF_LINE,
    )


_WEEKS_AGO = "to_days(cast(ceil(epoch(held_row.due_at - planted_at) / 86400) as integer) + 20)"
_OPEN = order_lines(
    "line.status = 'open'", more=", line.purchase_order_number, line.line_number, line.received_quantity"
)
_NOTICES = f"""
select
    'notice|' || notice.asn_number || '/' || notice.line_number as claim, notice.visible_from as known_at,
    notice.visible_to as until_at, line.plant_id, notice.quantity, notice.source_system as system, notice.row_id,
    line.item_number, line.object_key, notice.quantity as announced_quantity, line.quantity as ordered_quantity,
    line.keys
from ({_OPEN}) as line
inner join (select * from held.advance_ship_notice where {CURRENT}) as notice
    on line.purchase_order_number = notice.purchase_order_number
    and line.line_number = notice.purchase_order_line_number
where notice.status = 'in_transit' and notice.item_number = line.item_number
    and coalesce(line.received_quantity, 0) = 0
qualify count(*) over (partition by line.object_key) = 1
"""
"""Notices of goods on their way for an open line of which nothing came yet, the only one of their line."""

_ONE = "cast(1 as decimal(18, 6))"


def announced(
    finding_class: str,
    does: str,
    values: dict[str, str],
    quantity: str = "announced_quantity",
    look_alike: str = "",
    more: str = "",
) -> Defect:
    """An entry about a notice; with a name it is a look-alike."""
    return Defect(
        "procurement",
        finding_class,
        does,
        "procurement advance_ship_notice",
        f"select * replace (cast({quantity} as decimal(18, 6)) as quantity){more} from ({_NOTICES})",
        (
            replace_values(
                "advance_ship_notice",
                values,
                "select system as source_system, row_id, planted_at, mended_at, ordered_quantity from chosen",
            ),
        ),
        is_near_miss=bool(look_alike),
        name=look_alike,
        consequences=() if look_alike else OF_LINE,
    )


def entered(
    finding_class: str,
    does: str,
    where: str,
    values: dict[str, str],
    quantity: str = "line.quantity",
    look_alike: str = "",
    more: str = "",
    consequences: tuple[Consequence, ...] | None = None,
) -> Defect:
    """An entry about what stands in a line of the ERP's; with a name it is a look-alike."""
    own = more.replace("orders.", "")
    return Defect(
        "procurement",
        finding_class,
        does,
        "erp purchase_order_line",
        order_lines(where, quantity, more),
        (
            replace_values(
                "purchase_order_line",
                values,
                f"select system as source_system, row_id, planted_at, mended_at{own} from chosen",
            ),
        ),
        is_near_miss=bool(look_alike),
        name=look_alike,
        consequences=(() if look_alike else OF_LINE) if consequences is None else consequences,
    )


DELIVERIES: tuple[Defect, ...] = (
    Defect(
        "procurement",
        "asn_without_order",
        "A supplier announces goods for an order that there is not.",
        "procurement advance_ship_notice",
        f"""
        select
            'notice|' || asn_number || '/' || line_number as claim, visible_from as known_at, visible_to as until_at,
            plant_id, quantity, source_system as system, row_id, item_number,
            asn_number || '/' || line_number as object_key, purchase_order_number,
            [json_object('object_key', asn_number || '/' || line_number, 'item_number', item_number)::varchar] as keys
        from held.advance_ship_notice
        where {CURRENT} and purchase_order_number is not null
        """,
        (
            replace_values(
                "advance_ship_notice", {"purchase_order_number": "'9' || substr(held_row.purchase_order_number, 2)"}
            ),
        ),
        consequences=(
            *OF_LINE,
            Consequence("procurement", "json_object('object_key', '9' || substr(purchase_order_number, 2))::varchar"),
        ),
    ),
    _answered(
        "price_changed",
        "The supplier confirmed a price a tenth above the ordered one.",
        {"unit_price": "cast(held_row.unit_price * 1.1 as decimal(18, 6))"},
    ),
    _answered(
        "date_changed",
        "The supplier promised two weeks later than asked.",
        {"promised_at": "held_row.promised_at + interval 14 day"},
    ),
    _answered(
        "quantity_changed",
        "The supplier promised half of what was ordered.",
        {"promised_quantity": "cast(held_row.promised_quantity / 2 as decimal(18, 6))"},
        "promised_quantity / 2",
    ),
    Defect(
        "procurement",
        "over_receipt",
        "More was received than ordered.",
        "erp purchase_order_line",
        order_lines("line.status = 'complete' and line.quantity >= 10", "ceil(line.quantity * 0.2)"),
        (
            replace_values(
                "purchase_order_line",
                {
                    "received_quantity": "held_row.received_quantity + ceil(held_row.quantity * 0.2)",
                    "stocked_quantity": "held_row.stocked_quantity + ceil(held_row.quantity * 0.2)",
                },
            ),
        ),
        consequences=OF_LINE,
    ),
    Defect(
        "procurement",
        "short_receipt",
        "A line is complete although less was received than ordered.",
        "erp purchase_order_line",
        order_lines("line.status = 'complete' and line.quantity >= 10", "ceil(line.quantity * 0.2)"),
        (
            replace_values(
                "purchase_order_line",
                {
                    "received_quantity": "held_row.received_quantity - ceil(held_row.quantity * 0.2)",
                    "stocked_quantity": "held_row.stocked_quantity - ceil(held_row.quantity * 0.2)",
                },
            ),
        ),
        consequences=OF_LINE,
    ),
    Defect(
        "procurement",
        "late_receipt",
        "Goods that were due weeks ago have not come.",
        "erp purchase_order_line",
        order_lines("line.status = 'open' and coalesce(line.received_quantity, 0) = 0 and line.due_at is not null"),
        (
            replace_values(
                "purchase_order_line",
                {
                    "due_at": f"held_row.due_at - {_WEEKS_AGO}",
                    "promised_at": "case when held_row.promised_at is not null "
                    f"then held_row.due_at - {_WEEKS_AGO} end",
                },
            ),
        ),
        consequences=OF_LINE,
    ),
    _answered(
        "rejected_by_supplier",
        "The supplier will not deliver.",
        {"acknowledgement_status": "'rejected'"},
    ),
    Defect(
        "procurement",
        "rejected_by_supplier",
        "The supplier refused first, and took the order an hour later.",
        "procurement purchase_order_acknowledgement",
        _ANSWERS,
        (
            add_rows(
                "purchase_order_acknowledgement",
                """
                select
                    answer.* replace (
                        answer.row_id || 'R' as row_id, answer.event_id || 'R' as event_id,
                        'rejected' as acknowledgement_status, answer.event_at - interval 1 hour as event_at
                    )
                from chosen
                inner join held.purchase_order_acknowledgement as answer
                    on chosen.system = answer.source_system and chosen.row_id = answer.row_id
                """,
            ),
        ),
        kind="event",
        is_near_miss=True,
        name="taken_after_all",
    ),
    announced(
        "asn_quantity",
        "The supplier announces half as much again as was ordered.",
        {"quantity": "cast(held_row.ordered_quantity * 1.5 as decimal(18, 6))"},
        "ordered_quantity * 0.5",
    ),
    announced(
        "asn_overdue",
        "What is on its way should have been there yesterday.",
        {"expected_at": "held_row.planted_at - interval 1 day"},
    ),
    announced(
        "asn_overdue",
        "What should have been there yesterday was called off.",
        {"expected_at": "held_row.planted_at - interval 1 day", "status": "'cancelled'"},
        look_alike="called_off",
    ),
    announced(
        "asn_not_received",
        "The carrier says that goods have arrived, and nothing was received.",
        {"status": "'received'"},
    ),
    entered(
        "receipt_without_approval",
        "Goods came in for a line that nobody has approved.",
        "line.status = 'open' and line.received_quantity > 0",
        {"status": "'pending'"},
        "line.received_quantity",
    ),
    entered(
        "receipt_without_approval",
        "A line waits to be approved, and nothing came in.",
        "line.status = 'open' and coalesce(line.received_quantity, 0) = 0",
        {"status": "'pending'"},
        look_alike="waiting",
    ),
    entered(
        "due_before_order",
        "A line was due before it was ordered.",
        "line.status = 'open'",
        {"due_at": "held_row.ordered_at - interval 2 day"},
        more=", orders.ordered_at",
    ),
    entered(
        "rejected_receipt",
        "One piece more came in than was ordered, and was rejected.",
        "line.status = 'complete'",
        {
            "received_quantity": f"held_row.received_quantity + {_ONE}",
            "rejected_quantity": f"held_row.rejected_quantity + {_ONE}",
        },
        _ONE,
    ),
    entered(
        "receipt_quantity",
        "The order has one stocked less than was received into stock.",
        "line.status = 'complete' and line.quantity >= 2",
        {"stocked_quantity": f"held_row.stocked_quantity - {_ONE}"},
        _ONE,
    ),
)
