"""Defects of plans and stops: what orders are scheduled by, and how long stations are said to have stood still.

Belongs here: entries of the catalogue about scheduled operations and downtime. Doesn't belong here: the orders
themselves (`production`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.model import Defect, add_rows, replace_values
from mfg_assets.simulate.defects.production import OF_ORDER, closed_orders

SCHEDULE: tuple[Defect, ...] = (
    Defect(
        "production",
        "stale_schedule",
        "An open order is scheduled by a work instruction that is no longer in force.",
        "aps schedule_operation",
        """
        select
            'order|' || plant_id || '|' || production_order_number as claim, visible_from as known_at,
            visible_to as until_at, plant_id, quantity, source_system as system, row_id,
            production_order_number as object_key, item_number,
            [json_object('object_key', production_order_number, 'item_number', item_number)::varchar] as keys
        from held.schedule_operation
        where assumed_work_instruction_version is not null and visible_from <= $first
            and (visible_to is null or $first < visible_to)
        """,
        (replace_values("schedule_operation", {"assumed_work_instruction_version": "'0'"}),),
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "stale_schedule",
        "An open order is scheduled by the revision before, although a change's day has come by then.",
        "aps schedule_operation",
        """
        select
            'order|' || slot.plant_id || '|' || slot.production_order_number as claim, slot.visible_from as known_at,
            slot.visible_to as until_at, slot.plant_id, slot.quantity, slot.source_system as system, slot.row_id,
            slot.production_order_number as object_key, slot.item_number, before.revision as before,
            [json_object('object_key', slot.production_order_number, 'item_number', slot.item_number)::varchar] as keys
        from held.schedule_operation as slot
        inner join held.engineering_change_item as said on slot.item_number = said.item_number
            and slot.assumed_revision = said.to_revision and said.action = 'revise' and said.visible_from <= $first
        inner join change_at on said.change_number = change_at.change_number and slot.plant_id = change_at.plant_id
            and slot.planned_start_at >= change_at.effective_at
        inner join held.item_revision as before on slot.item_number = before.item_number
            and said.from_revision = before.revision and left(before.source_system, 3) = 'plm'
            and before.visible_from <= $first and (before.visible_to is null or $first < before.visible_to)
        where slot.visible_from <= $first and (slot.visible_to is null or $first < slot.visible_to)
        """,
        (
            replace_values(
                "schedule_operation",
                {"assumed_revision": "held_row.before"},
                "select system as source_system, row_id, planted_at, mended_at, before from chosen",
            ),
        ),
        name="revision",
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "downtime",
        "The stops that were reported for an order come to more than the order took.",
        "mes downtime_event",
        f"""
        select orders.*, held_order.actual_start_at, held_order.actual_end_at, stop.work_center, stop.reason_code
        from ({closed_orders("mes", "actual_start_at < actual_end_at")}) as orders
        inner join held.production_order as held_order on orders.system = held_order.source_system
            and orders.row_id = held_order.row_id and orders.known_at = held_order.visible_from
        inner join (
            select
                source_system, plant_id, min(work_center) as work_center, min(reason_code) as reason_code
            from held.downtime_event
            where visible_from <= $first
            group by all
        ) as stop on orders.system = stop.source_system and orders.plant_id = stop.plant_id
        """,
        (
            add_rows(
                "downtime_event",
                """
                select
                    system as source_system, 'DT' || object_key || 'X' as row_id,
                    'DT' || object_key || 'X' as event_id, plant_id, work_center,
                    object_key as production_order_number, reason_code, actual_start_at as started_at,
                    actual_end_at + interval 30 minute as ended_at, planted_at as visible_from,
                from chosen
                """,
            ),
        ),
        share=0.5,
        is_lasting=True,
        consequences=OF_ORDER,
    ),
)
