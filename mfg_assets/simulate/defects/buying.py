"""Look-alikes of buying: lines, notices and items that only seem to be wrong.

Belongs here: entries that came after those of `procurement` and `deliveries`, so that these choose what they have
always chosen. Doesn't belong here: what is to be reported.
"""

from __future__ import annotations

from mfg_assets.simulate.defects.deliveries import announced, entered
from mfg_assets.simulate.defects.model import Defect, copy_row, replace_values
from mfg_assets.simulate.defects.procurement import CURRENT, OF_LIFECYCLE, OF_LINE, order_lines

_MILLIONTHS = "cast(0.000005 as decimal(18, 6))"
"""Within tolerance also where what is ordered are boxes of a hundred."""

_COME = order_lines(
    "line.status = 'complete' and line.unit = 'EA'", more=", line.purchase_order_number, line.line_number"
)
# The only notices of lines of pieces that have come, with another item that the plant builds in by the piece.
_OF_PIECES = f"""
select
    line.* replace (
        'notice|' || notice.asn_number || '/' || notice.line_number as claim,
        greatest(line.known_at, notice.visible_from) as known_at, notice.visible_to as until_at,
        notice.source_system as system, notice.row_id as row_id, notice.quantity as quantity
    ),
    line.claim as document,
    leaves[1 + chance_int('announced instead', line.claim, len(leaves))] as stranger
from ({_COME}) as line
inner join (select * from held.advance_ship_notice where {CURRENT}) as notice
    on line.purchase_order_number = notice.purchase_order_number
    and line.line_number = notice.purchase_order_line_number and line.item_number = notice.item_number
inner join plant_leaf on line.plant_id = plant_leaf.plant_id
where stranger <> line.item_number
qualify count(*) over (partition by line.object_key) = 1
"""
_WITH_STRANGER = "select system as source_system, row_id, planted_at, mended_at, stranger from chosen"


def _lifecycle(finding_class: str, does: str, status: str, name: str, lines: str, where: str) -> Defect:
    """PLM says of an active item that its life is at an end; every plant has one of its lines at most."""
    return Defect(
        "procurement",
        finding_class,
        does,
        "plm item",
        f"""
        select
            'item|*|' || line.item_number as claim, line.known_at, line.until_at, line.plant_id, line.quantity,
            line.object_key, line.keys, line.item_number, plm.source_system as system, plm.row_id
        from ({order_lines(lines)}) as line
        inner join (select * from held.item where {CURRENT}) as plm on line.item_number = plm.item_number
            and left(plm.source_system, 3) = 'plm' and coalesce(plm.lifecycle_status, 'active') = 'active'
        where {where}
        """,
        (replace_values("item", {"lifecycle_status": f"'{status}'"}),),
        share=0.3,
        is_near_miss=True,
        name=name,
        consequences=OF_LIFECYCLE,
    )


BUYING: tuple[Defect, ...] = (
    _lifecycle(
        "superseded_item",
        "An item is superseded, and all that was ordered of it has come.",
        "superseded",
        "all_received",
        "line.status = 'complete'",
        "not exists (select 1 from held.purchase_order_line as other where other.item_number = line.item_number "
        "and other.status <> 'complete' and other.visible_from <= $first "
        "and (other.visible_to is null or $first < other.visible_to))",
    ),
    _lifecycle(
        "phase_out_item",
        "An order is open for an item that is phased out, and the plant's bills go on using it.",
        "phase_out",
        "in_bills",
        "line.status = 'open'",
        "exists (select 1 from erp_line where erp_line.plant_id = line.plant_id "
        "and erp_line.component_item_number = line.item_number)",
    ),
    entered(
        "due_before_order",
        "A line that has come was due at the very moment at which it was ordered.",
        "line.status = 'complete'",
        {"due_at": "held_row.ordered_at"},
        look_alike="at_once",
        more=", orders.ordered_at",
        # who was that much in a hurry was let down
        consequences=OF_LINE,
    ),
    announced(
        "asn_quantity",
        "The supplier announces some millionths more than was ordered, which is within tolerance.",
        {"quantity": f"held_row.ordered_quantity + {_MILLIONTHS}"},
        _MILLIONTHS,
        look_alike="within_tolerance",
    ),
    Defect(
        "procurement",
        "asn_item",
        "The supplier announces another item than was ordered.",
        "procurement advance_ship_notice",
        _OF_PIECES,
        (replace_values("advance_ship_notice", {"item_number": "held_row.stranger"}, _WITH_STRANGER),),
        consequences=OF_LINE,
    ),
    Defect(
        "procurement",
        "asn_item",
        "The supplier called off a notice of another item and announced the right one.",
        "procurement advance_ship_notice",
        _OF_PIECES,
        (
            copy_row(
                "advance_ship_notice",
                {
                    "asn_number": "held_row.asn_number || 'V'",
                    "row_id": "held_row.asn_number || 'V|' || held_row.line_number",
                    "item_number": "held_row.stranger",
                    "status": "'cancelled'",
                },
                _WITH_STRANGER,
            ),
        ),
        is_near_miss=True,
        name="called_off",
    ),
)
