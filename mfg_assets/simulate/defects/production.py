"""Defects of production orders: where ERP and shop floor tell different stories.

Belongs here: entries of the catalogue about orders, confirmations and consumptions. Doesn't belong here: stock
(`inventory`), orders of a change that isn't finished (`change`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.lines import changes_of
from mfg_assets.simulate.defects.model import (
    Consequence,
    Defect,
    Edit,
    add_rows,
    change_event,
    delivered_on,
    hide,
    post_late,
    post_movement_late,
    replace_values,
)

OF_ORDER = (Consequence("production", "json_object('object_key', object_key)::varchar"),)


def closed_orders(kind: str, where: str = "true", quantity: str = "quantity") -> str:
    """Orders that are closed at the first cut, so that nothing more happens to them."""
    return f"""
    select
        'order|' || plant_id || '|' || production_order_number as claim, visible_from as known_at,
        visible_to as until_at, plant_id, cast({quantity} as decimal(18, 6)) as quantity, source_system as system,
        row_id, production_order_number as object_key, item_number, revision,
        [json_object('object_key', production_order_number, 'item_number', item_number)::varchar] as keys
    from held.production_order
    where left(source_system, 3) = '{kind}' and status = 'closed' and visible_from <= $first
        and (visible_to is null or $first < visible_to) and ({where})
    """


def _uses(where: str, quantity: str, more: str = "") -> str:
    """What was taken, to be judged when its order has ended: until then the rest may follow.

    What an earlier delivery has told of an order that ended later stays as it was told.
    """
    return f"""
    select
        'order|' || used.plant_id || '|' || used.production_order_number as claim,
        greatest(used.visible_from, ended.ended_at) as known_at,
        used.plant_id, cast({quantity} as decimal(18, 6)) as quantity, used.source_system as system, used.row_id,
        used.production_order_number as object_key, used.item_number{more},
        [json_object('object_key', used.production_order_number, 'item_number', used.item_number)::varchar] as keys
    from held.material_consumption as used
    inner join (
        select source_system, plant_id, production_order_number, min(visible_from) as ended_at
        from held.production_order
        where status in ('completed', 'closed')
        group by all
    ) as ended on used.source_system = ended.source_system and used.plant_id = ended.plant_id
        and used.production_order_number = ended.production_order_number
    where used.serial_number is null and used.lot_number is null and used.unit = 'EA' and ({where})
        and {delivered_on("used.visible_from")} = {delivered_on("greatest(used.visible_from, ended.ended_at)")}
    """


_REPORT = """
select
    'order|' || report.plant_id || '|' || report.production_order_number as claim, report.visible_from as known_at,
    report.plant_id, report.yield_quantity as quantity, report.source_system as system, report.row_id,
    report.production_order_number as object_key, report.item_number,
    [json_object('object_key', report.production_order_number, 'item_number', report.item_number)::varchar] as keys
from held.production_confirmation as report
-- an order that is still at work at the cut has confirmed a step that isn't its last
semi join (
    select source_system, plant_id, production_order_number, max(operation_sequence) as operation_sequence
    from held.production_operation
    group by all
) as last_step
    on report.source_system = last_step.source_system and report.plant_id = last_step.plant_id
    and report.production_order_number = last_step.production_order_number
    and report.operation_sequence = last_step.operation_sequence
where report.yield_quantity > 0
"""
_RECEIPTS = (
    "select movement.source_system, movement.row_id, chosen.mended_at from chosen "
    "inner join held.inventory_movement as movement on movement.reference_type = 'production_order' "
    "and movement.reference_number = chosen.object_key "
    "and movement.movement_class = 'receipt' and movement.to_plant_id = chosen.plant_id "
    "and movement.item_number = chosen.item_number"
)

_TRACKED = """
select
    'order|' || used.plant_id || '|' || used.production_order_number as claim, used.visible_from as known_at,
    used.plant_id, used.quantity, used.source_system as system, used.row_id,
    used.production_order_number as object_key, used.item_number,
    [json_object('object_key', used.production_order_number, 'item_number', used.item_number)::varchar] as keys
from held.material_consumption as used
where used.lot_number is not null and used.serial_number is null
"""
_ALTERNATES = """
select
    'order|' || used.plant_id || '|' || used.production_order_number as claim, used.visible_from as known_at,
    used.plant_id, used.quantity, used.source_system as system, used.row_id,
    used.production_order_number as object_key, used.item_number, other.component_item_number as stranger,
    [json_object('object_key', used.production_order_number, 'item_number', item)::varchar for item in
        [used.item_number, other.component_item_number]] as keys
from held.material_consumption as used
inner join held.production_order as orders on used.source_system = orders.source_system
    and used.production_order_number = orders.production_order_number and used.plant_id = orders.plant_id
    and orders.status = 'released'
inner join erp_line as own on used.plant_id = own.plant_id and orders.item_number = own.parent_item_number
    and used.item_number = own.component_item_number and own.alternate_group is not null
inner join erp_line as other on own.plant_id = other.plant_id and own.parent_item_number = other.parent_item_number
    and own.alternate_group = other.alternate_group and own.component_item_number <> other.component_item_number
    and coalesce(other.usage_probability, 1) > 0
where used.serial_number is null and used.lot_number is null
    -- where the order calls for a share of it anyway, that share is not instead of anything
    and not exists (
        select 1 from held.production_order_component as listed
        where used.plant_id = listed.plant_id and used.production_order_number = listed.production_order_number
            and other.component_item_number = listed.item_number and listed.quantity <> 0
    )
"""


def _consumed(values: dict[str, str]) -> Edit:
    more = ", stranger" if any("stranger" in sql for sql in values.values()) else ""
    return change_event("material_consumption", values, f"select system as source_system, row_id{more} from chosen")


def _corrected_by(quantity: str) -> Edit:
    """What was wrongly reported is mended by one more report, negative where material came back."""
    return add_rows(
        "material_consumption",
        f"""
        select held_row.* replace (
            held_row.row_id || 'C' as row_id, held_row.event_id || 'C' as event_id,
            cast({quantity} as decimal(18, 6)) as quantity, chosen.mended_at as event_at,
            chosen.mended_at as visible_from
        )
        from chosen
        inner join held.material_consumption as held_row
            on chosen.system = held_row.source_system and chosen.row_id = held_row.row_id
        where chosen.mended_at is not null
        """,
    )


PRODUCTION: tuple[Defect, ...] = (
    Defect(
        "production",
        "genealogy_gap",
        "The shop floor took from a lot and didn't say from which.",
        "mes material_consumption",
        _TRACKED,
        (_consumed({"lot_number": "null"}),),
        share=0.5,
        kind="event",
        is_lasting=True,
        name="no_lot",
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "genealogy_gap",
        "The shop floor says that it took from a lot that never came in.",
        "mes material_consumption",
        _TRACKED,
        (_consumed({"lot_number": "held_row.lot_number || 'Z'"}),),
        share=0.5,
        kind="event",
        is_lasting=True,
        name="unknown_lot",
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "substitute_not_allowed",
        "The shop floor took another item, which no bill allows.",
        "mes material_consumption",
        _uses(
            # no bill allows it: it is on no list of this order either
            "not exists (select 1 from held.production_order_component as listed where used.plant_id = listed.plant_id "
            "and used.production_order_number = listed.production_order_number "
            "and strangers.stranger = listed.item_number)",
            "used.quantity",
            ", strangers.stranger",
        )
        .replace(
            "from held.material_consumption as used",
            "from held.material_consumption as used "
            "inner join (select plant_id, leaves[1 + chance_int('substitute', plant_id, len(leaves))] as stranger "
            "from plant_leaf) as strangers on used.plant_id = strangers.plant_id",
        )
        .replace("'item_number', used.item_number", "'item_number', strangers.stranger"),
        (_consumed({"item_number": "target.stranger"}),),
        share=0.5,
        kind="event",
        is_lasting=True,
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "substitute_not_allowed",
        "The shop floor took the alternate that the bill allows.",
        "mes material_consumption",
        _ALTERNATES,
        (_consumed({"item_number": "target.stranger"}),),
        share=0.5,
        kind="event",
        is_near_miss=True,
        name="allowed",
    ),
    Defect(
        "production",
        "under_consumption",
        "The shop floor reported half of what the bill calls for.",
        "mes material_consumption",
        _uses("used.quantity >= 4 and used.quantity % 2 = 0", "used.quantity / 2"),
        (
            _consumed({"quantity": "cast(held_row.quantity / 2 as decimal(18, 6))"}),
            _corrected_by("chosen.quantity"),
        ),
        share=0.5,
        kind="event",
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "over_consumption",
        "The shop floor reported twice what the bill calls for.",
        "mes material_consumption",
        _uses("used.quantity >= 4", "used.quantity"),
        (
            _consumed({"quantity": "cast(held_row.quantity * 2 as decimal(18, 6))"}),
            _corrected_by("-chosen.quantity"),
        ),
        share=0.5,
        kind="event",
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "posting_without_confirmation",
        "Goods were received for an order whose last operation nobody confirmed.",
        "mes production_confirmation",
        _REPORT,
        (post_late("production_confirmation"),),
        kind="event",
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "confirmation_without_posting",
        "The last operation is confirmed, and neither ERP nor warehouse received anything.",
        "erp and wms inventory_movement",
        _REPORT,
        (post_movement_late(_RECEIPTS),),
        kind="event",
        consequences=(
            *OF_ORDER,
            # what was built is there: it is counted, and its lots are used
            Consequence("inventory", "json_object('item_number', item_number)::varchar", "count_not_posted"),
            Consequence("production", "json_object('item_number', item_number)::varchar", "genealogy_gap"),
        ),
    ),
    Defect(
        "production",
        "confirmation_after_close",
        "Rework was confirmed after the order was closed.",
        "mes production_confirmation",
        closed_orders("mes", quantity="1"),
        (
            add_rows(
                "production_confirmation",
                """
                select
                    report.* replace (
                        report.event_id || 'L' as event_id, report.row_id || 'L' as row_id,
                        cast(0 as decimal(18, 6)) as yield_quantity, cast(0 as decimal(18, 6)) as scrap_quantity,
                        cast(1 as decimal(18, 6)) as rework_quantity, null as erp_posting_reference,
                        chosen.planted_at - interval 60 second as event_at, chosen.planted_at as visible_from
                    )
                from chosen
                inner join held.production_confirmation as report
                    on chosen.system = report.source_system and chosen.object_key = report.production_order_number
                    and chosen.plant_id = report.plant_id
                qualify row_number() over (
                    partition by chosen.claim order by report.operation_sequence, report.event_id
                ) = 1
                """,
            ),
        ),
        share=0.5,
        is_lasting=True,
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "missing_in_erp",
        "The ERP no longer knows an order that the shop floor worked on.",
        "erp production_order",
        closed_orders("erp"),
        (hide("production_order"),),
        share=0.5,
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "missing_in_mes",
        "The shop floor doesn't know an order of the ERP.",
        "mes production_order",
        closed_orders("mes"),
        (hide("production_order"),),
        share=0.5,
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "status",
        "An order is closed in the ERP and in progress on the shop floor.",
        "mes production_order",
        closed_orders("mes"),
        (replace_values("production_order", {"status": "'in_progress'"}),),
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "quantity",
        "The shop floor was told to make one more than the ERP asked for.",
        "mes production_order",
        closed_orders("mes", "unit = 'EA'", "1"),
        (replace_values("production_order", {"quantity": "held_row.quantity + 1"}),),
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "yield",
        "The ERP has one good piece less than the shop floor reported.",
        "erp production_order",
        closed_orders("erp", "unit = 'EA' and completed_quantity >= 2", "1"),
        (replace_values("production_order", {"completed_quantity": "held_row.completed_quantity - 1"}),),
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "scrap",
        "The ERP has one scrapped piece more than the shop floor reported.",
        "erp production_order",
        closed_orders("erp", "unit = 'EA'", "1"),
        (replace_values("production_order", {"scrapped_quantity": "coalesce(held_row.scrapped_quantity, 0) + 1"}),),
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "completion_before_start",
        "An order ended before it began.",
        "mes production_order",
        closed_orders("mes", "actual_start_at is not null and actual_end_at is not null"),
        (replace_values("production_order", {"actual_end_at": "held_row.actual_start_at - interval 2 hour"}),),
        share=0.5,
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "wrong_revision",
        "The shop floor made the revision before.",
        "mes production_order",
        f"""
        select orders.*, before.revision as before
        from ({closed_orders("mes")}) as orders
        inner join held.item_revision as now on orders.item_number = now.item_number and orders.revision = now.revision
            and left(now.source_system, 3) = 'plm'
        inner join held.item_revision as before on orders.item_number = before.item_number
            and left(before.source_system, 3) = 'plm' and before.revision_sequence + 1 = now.revision_sequence
        """,
        (
            replace_values(
                "production_order",
                {"revision": "held_row.before"},
                "select system as source_system, row_id, planted_at, mended_at, before from chosen",
            ),
        ),
        consequences=(*OF_ORDER, Consequence("change", changes_of("item_number"), "open_orders_on_old_revision")),
    ),
)
