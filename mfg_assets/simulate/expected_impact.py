"""What is expected of every engineering change at every plant, as of the cut: what is there and open that it touches.

Belongs here: `truth.change_impact`. Doesn't belong here: statuses (`expected`), comparing (`score_changes`).

Which bill holds what comes from the world; what is ordered, made and there from what the plant's systems say, each of
what is its own: the ERP of orders and stock, the shop floor of what was taken, scheduling of its slots.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.options import Options
from mfg_assets.simulate.truth import instant


def create(con: DuckDBPyConnection, options: Options) -> None:
    """Fill `truth.change_impact`: a row for each kind of object and item that a released change touches or could.

    `quantity` is null where something was planted that makes it doubtful how much it is, and 0 where there is nothing
    of what goes out.
    """
    cut = instant(options.cut)
    con.execute(
        f"create or replace temp macro is_known(since, until) as since <= {cut} and coalesce(until > {cut}, true)"
    )
    for name, query in _STEPS.items():
        con.execute(f"create or replace temp table {name} as {query.replace('$cut', cut)}")
    con.execute(_IMPACT)
    for name in reversed(_STEPS):
        con.execute(f"drop table {name}")


_STEPS = {
    # Released changes that a plant follows on a day and builds with. One has it behind it from its day on, if no
    # system is wrong about it on purpose.
    "asked": """
        with broken as (
            select distinct plant_id, business_key->>'$.change_number' as change_number
            from truth.finding
            where domain = 'change' and is_known(planted_at, mended_at) and finding_class in ('overdue', 'deviated',
                'partial_update', 'target_unavailable', 'unauthorised_change', 'unit_incompatible',
                'effectivity_conflict')
        ),
        -- a line of the change is wrong for a reason of its own: whether the plant has it behind it is doubtful
        touched as (
            select distinct plant_id, business_key->>'$.change_number' as change_number
            from truth.consequence
            where domain = 'change' and finding_class = '*' and is_known(planted_at, mended_at)
                and (plant_id, (business_key->>'$.change_number')) not in (
                    select (plant_id, (business_key->>'$.change_number')) from truth.finding
                    where domain = 'change' and is_known(planted_at, mended_at)
                )
        ),
        altered as (
            select change_number, plant_id
            from (select change_in as change_number, plant_id from world.bom_line
                union select change_out, plant_id from world.bom_line
                -- what the world doesn't know of and lies ahead changes nothing of it yet
                union select change_number, plant_id
                from held.engineering_change_plant
                anti join world.engineering_change using (change_number)
                where planned_effective_from > $cut)
            where change_number is not null
        ),
        assembly as (
            select change_number, max(parent_item_number) as parent_item_number,
                max(item_number) filter (action = 'revise') as revised_item_number,
                max(to_revision) filter (action = 'revise') as to_revision
            from held.engineering_change_item
            where is_known(visible_from, visible_to)
            group by change_number
        )
        select
            told.change_number, told.plant_id, told.planned_effective_from as effective_from,
            greatest($cut, told.planned_effective_from) as judged_at,
            coalesce(assembly.revised_item_number, assembly.parent_item_number) as parent_item_number,
            released.revision_sequence,
            plant.erp, plant.mes,
            told.planned_effective_from <= $cut and broken.change_number is null and touched.change_number is null
                as is_settled,
            touched.change_number is not null as is_doubtful
        from held.engineering_change_plant as told
        inner join held.engineering_change as change
            on told.change_number = change.change_number and is_known(change.visible_from, change.visible_to)
            and change.status = 'released'
        inner join assembly on told.change_number = assembly.change_number
        inner join world.plant as plant on told.plant_id = plant.plant_id
        -- what alters no bill, and what nobody builds with, touches nothing
        semi join altered on told.change_number = altered.change_number and told.plant_id = altered.plant_id
        left join world.item_revision as released
            on assembly.revised_item_number = released.item_number and assembly.to_revision = released.revision
        left join broken on told.change_number = broken.change_number and told.plant_id = broken.plant_id
        left join touched on told.change_number = touched.change_number and told.plant_id = touched.plant_id
        where is_known(told.visible_from, told.visible_to) and told.is_applicable
            and told.planned_effective_from is not null and coalesce(told.release_gate, '') <> 'deferred'
    """,
    # What goes out of the assembly; of a settled change only what no other bill of the plant needs.
    "outgoing": """
        select asked.*, said.old_component_item_number as item_number
        from asked
        inner join held.engineering_change_item as said
            on asked.change_number = said.change_number and said.action in ('replace', 'remove')
            and is_known(said.visible_from, said.visible_to)
        where not asked.is_settled or not exists (
            select 1 from world.bom_line as line
            where line.plant_id = asked.plant_id and line.component_item_number = said.old_component_item_number
                and line.change_out is distinct from asked.change_number
                and (line.effective_from is null or line.effective_from <= asked.judged_at)
                and (line.effective_to is null or line.effective_to > asked.judged_at)
        )
    """,
    # The assembly, and everything that it goes into at the plant.
    "above": """
        with recursive up as (
            select change_number, plant_id, judged_at, parent_item_number as item_number, 0 as level
            from asked
            where not is_settled
            -- of paths of one length to an item, one is enough
            union
            select up.change_number, up.plant_id, up.judged_at, line.parent_item_number, up.level + 1
            from up
            inner join world.bom_line as line
                on up.plant_id = line.plant_id and up.item_number = line.component_item_number
            where line.line_type = 'component' and not line.is_manufacturing_only
                and (line.effective_from is null or line.effective_from <= up.judged_at)
                and (line.effective_to is null or line.effective_to > up.judged_at)
        )
        select change_number, plant_id, item_number, min(level) as level
        from up
        group by all
    """,
    # The ERP's word of an order counts; the shop floor's where the ERP doesn't know it.
    "open_order": """
        select
            orders.plant_id, orders.production_order_number, orders.item_number, orders.unit,
            revision.revision_sequence, orders.scheduled_start_at,
            greatest(orders.quantity - coalesce(orders.completed_quantity, 0)
                - coalesce(orders.scrapped_quantity, 0), 0) as quantity
        from held.production_order as orders
        inner join world.plant as plant on orders.plant_id = plant.plant_id
        left join world.item_revision as revision
            on orders.item_number = revision.item_number and orders.revision = revision.revision
        where is_known(orders.visible_from, orders.visible_to)
        qualify row_number() over (
            partition by orders.plant_id, orders.production_order_number
            order by (orders.source_system = plant.erp) desc
        ) = 1 and orders.status in ('planned', 'released', 'in_progress')
    """,
    "taken": """
        select plant_id, production_order_number, item_number, unit, sum(quantity) as quantity
        from held.material_consumption
        where is_known(visible_from, visible_to)
        group by all
    """,
    # Open orders of the assembly that ask for a revision before, or for what goes out.
    "old_order": """
        with calls as (
            select plant_id, production_order_number, item_number
            from held.production_order_component
            where is_known(visible_from, visible_to) and quantity <> 0
            union
            select plant_id, production_order_number, item_number from taken where quantity <> 0
        )
        select asked.change_number, open_order.*
        from asked
        inner join open_order
            on asked.plant_id = open_order.plant_id and asked.parent_item_number = open_order.item_number
        where open_order.revision_sequence < asked.revision_sequence
            or exists (
                select 1 from outgoing
                inner join calls on outgoing.plant_id = calls.plant_id and outgoing.item_number = calls.item_number
                where outgoing.change_number = asked.change_number and outgoing.plant_id = asked.plant_id
                    and calls.production_order_number = open_order.production_order_number
            )
    """,
    # What the ERP has of each item, beside its orders.
    "owned": """
        select 'purchase_order_line' as object_type, source_system, plant_id, item_number, unit,
            greatest(quantity - coalesce(received_quantity, 0) - coalesce(cancelled_quantity, 0), 0) as quantity
        from held.purchase_order_line
        where status in ('draft', 'pending', 'approved', 'open') and is_known(visible_from, visible_to)
        union all
        select 'purchase_requisition', source_system, plant_id, item_number, unit, quantity
        from held.purchase_requisition
        where status in ('open', 'approved') and is_known(visible_from, visible_to)
        union all
        select 'reservation', source_system, plant_id, item_number, unit, quantity
        from held.reservation
        where status in ('open', 'partial') and is_known(visible_from, visible_to)
        union all
        select 'stock', source_system, plant_id, item_number, unit, quantity
        from held.inventory_balance
        where is_known(visible_from, visible_to)
    """,
    "touched": """
        with wanted as (
            select outgoing.change_number, outgoing.plant_id, outgoing.erp, outgoing.item_number, kind.object_type
            from outgoing
            cross join (select unnest(['purchase_order_line', 'purchase_requisition', 'reservation', 'stock'])
                as object_type) as kind
            union
            select above.change_number, above.plant_id, plant.erp, above.item_number, 'stock'
            from above
            inner join world.plant as plant on above.plant_id = plant.plant_id
        )
        select wanted.* exclude (erp), coalesce(owned.quantity, 0) as quantity, owned.unit
        from wanted
        left join owned on wanted.erp = owned.source_system and wanted.plant_id = owned.plant_id
            and wanted.item_number = owned.item_number and wanted.object_type = owned.object_type
        union all
        select change_number, plant_id, item_number, 'production_order', quantity, unit
        from old_order
        union all
        select above.change_number, open_order.plant_id, open_order.item_number, 'production_order',
            open_order.quantity, open_order.unit
        from above
        inner join open_order on above.plant_id = open_order.plant_id and above.item_number = open_order.item_number
        where above.level > 0
        union all
        select outgoing.change_number, taken.plant_id, taken.item_number, 'issued_component', taken.quantity,
            taken.unit
        from outgoing
        inner join old_order on outgoing.change_number = old_order.change_number
            and outgoing.plant_id = old_order.plant_id
        inner join taken on old_order.plant_id = taken.plant_id and outgoing.item_number = taken.item_number
            and old_order.production_order_number = taken.production_order_number
        union all
        -- slots of after the change that assume what was before
        select asked.change_number, slot.plant_id, slot.item_number, 'schedule_operation', slot.quantity, slot.unit
        from asked
        inner join held.schedule_operation as slot
            on asked.plant_id = slot.plant_id and asked.parent_item_number = slot.item_number
            and is_known(slot.visible_from, slot.visible_to)
        inner join world.item_revision as assumed
            on slot.item_number = assumed.item_number and slot.assumed_revision = assumed.revision
        where assumed.revision_sequence < asked.revision_sequence and slot.planned_start_at >= asked.effective_from
            and coalesce(slot.planned_end_at > $cut, true)
    """,
    # Where stock, an order or a unit is wrong on purpose, or looks so, so is how much there is.
    "doubtful": """
        with planted as (
            select domain, finding_class, plant_id, business_key from truth.finding
            where is_known(planted_at, mended_at)
            union all
            select domain, finding_class, plant_id, business_key from truth.near_miss
            where is_known(planted_at, mended_at)
        )
        select plant_id, business_key->>'$.item_number' as item_number, unnest(['stock']) as object_type
        from planted
        where domain = 'inventory'
        union
        select cast(null as varchar), business_key->>'$.item_number',
            unnest(['purchase_order_line', 'purchase_requisition'])
        from planted
        where finding_class = 'order_unit_without_conversion'
        union
        select orders.plant_id, orders.item_number, unnest(['production_order', 'schedule_operation'])
        from planted
        inner join held.production_order as orders on planted.plant_id = orders.plant_id
            and split_part(planted.business_key->>'$.object_key', '/', 1) = orders.production_order_number
        -- a plan that is behind the times says how much all the same
        where planted.domain = 'production' and planted.finding_class <> 'stale_schedule'
        union
        select taken.plant_id, taken.item_number, unnest(['issued_component'])
        from planted
        inner join taken on planted.plant_id = taken.plant_id
            and split_part(planted.business_key->>'$.object_key', '/', 1) = taken.production_order_number
        where planted.domain = 'production'
    """,
}

# In base units; objects of nothing count for nothing, but that nothing goes out is worth saying.
_IMPACT = """
    insert into truth.change_impact
    select
        touched.change_number, touched.plant_id, touched.object_type, touched.item_number,
        case when not bool_or(doubtful.item_number is not null or asked.is_doubtful) then
            cast(sum(touched.quantity * case
                when touched.unit is null or touched.unit = item.base_unit then 1
                else factor.numerator / factor.denominator
            end) as decimal(28, 6))
        end as quantity,
        item.base_unit as unit
    from touched
    inner join asked on touched.change_number = asked.change_number and touched.plant_id = asked.plant_id
    inner join world.item as item on touched.item_number = item.item_number
    left join world.item_unit as factor on touched.item_number = factor.item_number and touched.unit = factor.unit
    left join doubtful on touched.item_number = doubtful.item_number and touched.object_type = doubtful.object_type
        and (doubtful.plant_id is null or touched.plant_id = doubtful.plant_id)
    group by all
    order by all
"""
