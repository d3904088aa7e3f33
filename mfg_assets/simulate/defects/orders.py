"""Defects of production orders that ERP and shop floor tell alike: late ones, ones without steps or without a bill.

Belongs here: entries of the catalogue about orders on which both systems agree. Doesn't belong here: where they tell
different stories (`production`), plans (`schedule`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.model import Defect, Edit, add_rows, hide, replace_values
from mfg_assets.simulate.defects.procurement import CURRENT
from mfg_assets.simulate.defects.production import OF_ORDER, closed_orders

# Orders that both systems hold in the same state before their end.
_UNFINISHED = f"""
select
    'order|' || erp.plant_id || '|' || erp.production_order_number as claim,
    greatest(erp.visible_from, mes.visible_from) as known_at, least(erp.visible_to, mes.visible_to) as until_at,
    erp.plant_id, erp.quantity, mes.source_system as system, mes.row_id, erp.production_order_number as object_key,
    erp.item_number,
    [json_object('object_key', erp.production_order_number, 'item_number', erp.item_number)::varchar] as keys
from (select * from held.production_order where {CURRENT} and left(source_system, 3) = 'erp') as erp
inner join (select * from held.production_order where {CURRENT} and left(source_system, 3) = 'mes') as mes
    on erp.plant_id = mes.plant_id and erp.production_order_number = mes.production_order_number
    and erp.status = mes.status
where erp.status in ('planned', 'released', 'in_progress')
"""
_IN_BOTH = (
    "select orders.source_system, orders.row_id, planted_at, mended_at from chosen "
    "inner join (select distinct source_system, row_id, plant_id, production_order_number "
    "from held.production_order) as orders "
    "on chosen.plant_id = orders.plant_id and chosen.object_key = orders.production_order_number"
)
_YESTERDAY = {"due_at": "held_row.planted_at - interval 1 day"}

# Steps of closed orders whose item the plant has made by other orders as well.
_STEPS = f"""
select orders.*, step.steps, step.first_row
from ({closed_orders("mes")}) as orders
inner join (
    select
        source_system, plant_id, production_order_number, list(distinct row_id order by row_id) as steps,
        arg_min(row_id, operation_sequence) as first_row
    from held.production_operation
    where visible_from <= $first
    group by all
) as step on orders.system = step.source_system and orders.plant_id = step.plant_id
    and orders.object_key = step.production_order_number
qualify count(*) over (partition by orders.plant_id, orders.item_number) > 1
"""


_PARTS = """
inner join (
    select plant_id, leaves[1 + chance_int('rework', plant_id, len(leaves))] as part from plant_leaf
) as parts on orders.plant_id = parts.plant_id
where not exists (select 1 from held.bom_line as used where used.parent_item_number = parts.part)
"""


def _beside(number: str, item: str = "orders.item_number", joins: str = "", quantity: str = "orders.quantity") -> str:
    """An order that there could be besides a closed one, made after its pattern; its number begins otherwise."""
    own = f"'{number}' || substr(orders.object_key, 2)"
    return f"""
    select
        'besides|' || orders.plant_id || '|' || {own} as claim, orders.known_at, orders.plant_id,
        cast({quantity} as decimal(18, 6)) as quantity, orders.system, orders.row_id, orders.object_key as pattern,
        {own} as object_key, {item} as item_number,
        [json_object('object_key', {own}, 'item_number', {item})::varchar] as keys
    from ({closed_orders("mes")}) as orders
    {joins}
    """


def _rework(number: str) -> str:
    """An order to rework a part that the plant buys, and has no bill of."""
    return _beside(number, "parts.part", _PARTS, "1")


def _opened(status: str, values: dict[str, str], where: str = "true") -> Edit:
    """The order in both systems: of what its pattern was nothing has been made yet."""
    replaced = {
        "row_id": "chosen.object_key || '|' || chosen.plant_id",
        "production_order_number": "chosen.object_key",
        "item_number": "chosen.item_number",
        "revision": "null",
        "quantity": "chosen.quantity",
        "completed_quantity": "cast(0 as decimal(18, 6))",
        "scrapped_quantity": "cast(0 as decimal(18, 6))",
        "scrap_reason": "null",
        "scheduled_start_at": "chosen.planted_at - interval 1 hour",
        "scheduled_end_at": "chosen.planted_at + interval 90 day",
        "due_at": "chosen.planted_at + interval 90 day",
        "actual_start_at": "null",
        "actual_end_at": "null",
        "status": f"'{status}'",
        "visible_from": "chosen.planted_at",
        "visible_to": "chosen.mended_at",
        **values,
    }
    return add_rows(
        "production_order",
        f"""
        select held_row.* replace ({", ".join(f"{sql} as {column}" for column, sql in replaced.items())})
        from chosen
        inner join held.production_order as held_row
            on chosen.plant_id = held_row.plant_id and chosen.pattern = held_row.production_order_number
            and held_row.status = 'closed'
        where {where}
        """,
    )


_OF_PART = {"bom_alternative": "null", "unit": "'EA'"}
_BEGUN = {**_OF_PART, "actual_start_at": "chosen.planted_at - interval 30 minute"}
_FORGOTTEN = {
    "scheduled_start_at": "chosen.planted_at - interval 3 day",
    "scheduled_end_at": "chosen.planted_at - interval 2 day",
    "due_at": "chosen.planted_at - interval 1 day",
}

_FIRST_STEP = """
select held_row.* replace (
    chosen.object_key || '|' || chosen.plant_id || '|' || held_row.operation_sequence as row_id,
    chosen.object_key as production_order_number, chosen.item_number as item_number,
    chosen.planted_at - interval 1 hour as scheduled_start_at, chosen.planted_at + interval 90 day as scheduled_end_at,
    chosen.planted_at - interval 30 minute as actual_start_at, null as actual_end_at, null as actual_hours,
    null as actual_cost, chosen.planted_at as visible_from, chosen.mended_at as visible_to
)
from chosen
inner join held.production_operation as held_row
    on chosen.plant_id = held_row.plant_id and chosen.pattern = held_row.production_order_number
    and held_row.visible_to is null
qualify row_number() over (
    partition by chosen.claim order by held_row.operation_sequence, held_row.visible_from
) = 1
"""

ORDERS: tuple[Defect, ...] = (
    Defect(
        "production",
        "overdue",
        "Nobody has begun an order that was due the day before.",
        "erp and mes production_order",
        _beside("7"),
        (_opened("released", _FORGOTTEN),),
        share=0.5,
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "overdue",
        "An order that isn't finished was due the day before.",
        "erp and mes production_order",
        _UNFINISHED,
        (replace_values("production_order", _YESTERDAY, _IN_BOTH),),
        name="unfinished",
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "overdue",
        "The shop floor shows for an order the day before, which planning has moved.",
        "mes production_order",
        _beside("6"),
        (
            _opened("released", {}, "left(held_row.source_system, 3) = 'erp'"),
            _opened("released", _FORGOTTEN, "left(held_row.source_system, 3) = 'mes'"),
        ),
        share=0.5,
        is_near_miss=True,
        name="moved",
    ),
    Defect(
        "production",
        "late_completion",
        "An order ended two days after it was due.",
        "erp and mes production_order",
        closed_orders("mes", "actual_end_at is not null"),
        (replace_values("production_order", {"due_at": "held_row.actual_end_at - interval 2 day"}, _IN_BOTH),),
        share=0.5,
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "late_completion",
        "An order ended half an hour before it was due.",
        "erp and mes production_order",
        closed_orders("mes", "actual_end_at is not null"),
        (replace_values("production_order", {"due_at": "held_row.actual_end_at + interval 30 minute"}, _IN_BOTH),),
        share=0.5,
        is_near_miss=True,
        name="in_time",
    ),
    Defect(
        "production",
        "missing_operations",
        "The shop floor no longer knows the steps of an order that it has made.",
        "mes production_operation",
        _STEPS,
        (
            hide(
                "production_operation",
                "select system as source_system, unnest(steps) as row_id, planted_at, mended_at from chosen",
            ),
        ),
        share=0.5,
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "missing_operations",
        "The shop floor has left the first of an order's steps out.",
        "mes production_operation",
        f"select * from ({_STEPS}) where len(steps) > 1",
        (
            hide(
                "production_operation",
                "select system as source_system, first_row as row_id, planted_at, mended_at from chosen",
            ),
        ),
        share=0.5,
        is_near_miss=True,
        name="step_left_out",
    ),
    Defect(
        "production",
        "no_effective_bill",
        "A bought part is being reworked by an order, and there is no bill of it.",
        "erp and mes production_order, mes production_operation",
        _rework("9"),
        (
            _opened("in_progress", _BEGUN),
            add_rows("production_operation", _FIRST_STEP),
        ),
        share=0.5,
        consequences=OF_ORDER,
    ),
    Defect(
        "production",
        "no_effective_bill",
        "An order to rework a bought part is planned, and its bill is to be made before it begins.",
        "erp and mes production_order",
        _rework("8"),
        (_opened("planned", _OF_PART),),
        share=0.5,
        is_near_miss=True,
        name="planned",
    ),
)
