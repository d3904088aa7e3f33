"""What is expected of every engineering change at every plant, as of the cut: its status, what blocks and what it hits.

Belongs here: `truth.change_status`, `truth.change_impact`. Doesn't belong here: planting (`defects`), comparing
(`score_changes`).
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.options import Options
from mfg_assets.simulate.truth import instant


def create(con: DuckDBPyConnection, options: Options) -> None:
    """Fill `truth.change_status` and `truth.change_impact` from what the systems hold and from what was planted.

    `accepted` are the statuses that are right: the first one, and others where what was planted (there, or elsewhere
    with consequences there) can be called by two names.
    """
    for statement in (_STATUS, _IMPACT):
        con.execute(statement.replace("$cut", instant(options.cut)))


_STATUS = """
    insert into truth.change_status
    with planted as (
        select plant_id, business_key->>'$.change_number' as change_number,
            list(distinct finding_class order by finding_class) as classes
        from truth.finding
        where domain = 'change' and planted_at <= $cut and (mended_at is null or $cut < mended_at)
        group by all
    ),
    late_on_purpose as (
        select distinct plant_id, business_key->>'$.change_number' as change_number
        from truth.near_miss
        where domain = 'change' and finding_class = 'partial_update'
            and planted_at <= $cut and (mended_at is null or $cut < mended_at)
    ),
    touched as (
        select distinct plant_id, business_key->>'$.change_number' as change_number
        from truth.consequence
        where domain = 'change' and planted_at <= $cut and (mended_at is null or $cut < mended_at)
    ),
    change as (
        select change_number, status
        from held.engineering_change
        where visible_from <= $cut and (visible_to is null or $cut < visible_to)
    ),
    told as (
        select *
        from held.engineering_change_plant
        where visible_from <= $cut and (visible_to is null or $cut < visible_to)
    ),
    judged as (
        select
            told.change_number, told.plant_id,
            coalesce(planted.classes, []) as classes,
            exists (
                select 1 from touched
                where (touched.plant_id is null or touched.plant_id = told.plant_id)
                    and (touched.change_number is null or touched.change_number = told.change_number)
            ) as is_touched,
            case
                when not told.is_applicable or change.status in ('cancelled', 'withdrawn') then 'not_applicable'
                -- a plant that waits by decision isn't blocked
                when told.release_gate = 'deferred' and coalesce(told.deferred_until > $cut, true) then 'pending'
                when change.status <> 'released' then 'pending'
                when list_contains(classes, 'deviated') then 'deviated'
                when list_contains(classes, 'overdue') then 'overdue'
                when len(classes) > 0 then 'blocked'
                when late_on_purpose.change_number is not null then 'in_progress'
                when told.planned_effective_from > $cut then 'pending'
                else 'synchronised'
            end as status
        from told
        inner join change using (change_number)
        left join planted on told.change_number = planted.change_number and told.plant_id = planted.plant_id
        left join late_on_purpose
            on told.change_number = late_on_purpose.change_number and told.plant_id = late_on_purpose.plant_id
    )
    select
        change_number, plant_id, status,
        list_distinct([status] || case
            when status = 'blocked' and list_has_any(classes, ['unauthorised_change', 'bom_cycle', 'unit_incompatible',
                'effectivity_conflict']) then ['deviated', 'overdue']
            when status in ('blocked', 'overdue') and list_has_any(classes, ['partial_update', 'target_unavailable'])
                then ['overdue']
            when status = 'deviated' then ['blocked']
            when is_touched and status <> 'not_applicable' then ['blocked']
            else []
        end) as accepted,
        list_filter(classes, lambda one: one not in ('deviated', 'overdue')) as blocking_reasons
    from judged
    order by change_number, plant_id
"""

# Of what goes out of a plant's bills altogether; the whole of it in base units, zero where there is nothing.
_IMPACT = """
    insert into truth.change_impact
    with now_change as (
        select change_number from held.engineering_change
        where status = 'released' and visible_from <= $cut and (visible_to is null or $cut < visible_to)
    ),
    now_plant as (
        select change_number, plant_id, planned_effective_from
        from held.engineering_change_plant
        where is_applicable and planned_effective_from is not null and coalesce(release_gate, '') <> 'deferred'
            and visible_from <= $cut and (visible_to is null or $cut < visible_to)
    ),
    broken as (
        select distinct plant_id, business_key->>'$.change_number' as change_number
        from truth.finding
        where domain = 'change' and planted_at <= $cut and (mended_at is null or $cut < mended_at)
            and finding_class in ('overdue', 'deviated', 'partial_update', 'target_unavailable', 'unauthorised_change',
                'unit_incompatible', 'effectivity_conflict')
    ),
    outgoing as (
        select
            now_plant.*, said.parent_item_number, said.old_component_item_number as item_number,
            plant.erp,
            now_plant.planned_effective_from <= $cut and broken.change_number is null as is_settled,
            exists (
                select 1 from world.bom_line as line
                where line.plant_id = now_plant.plant_id
                    and line.component_item_number = said.old_component_item_number
                    and line.change_out is distinct from now_plant.change_number
                    and (line.effective_to is null
                        or line.effective_to > greatest($cut, now_plant.planned_effective_from))
            ) as is_used_elsewhere
        from now_plant
        inner join now_change using (change_number)
        inner join (
            select change_number, parent_item_number, old_component_item_number
            from held.engineering_change_item
            where action in ('replace', 'remove') and visible_to is null
        ) as said using (change_number)
        inner join world.plant as plant on now_plant.plant_id = plant.plant_id
        left join broken
            on now_plant.change_number = broken.change_number and now_plant.plant_id = broken.plant_id
        -- what nobody builds with doesn't change
        where exists (
            select 1 from world.bom_line as line
            where line.plant_id = now_plant.plant_id and line.change_out = now_plant.change_number
        )
    ),
    scope as (
        select outgoing.*, item.base_unit
        from outgoing
        inner join world.item as item using (item_number)
        where not is_settled or not is_used_elsewhere
    ),
    objects as (
        select 'purchase_order_line' as object_type, source_system, plant_id, item_number, unit,
            greatest(quantity - coalesce(received_quantity, 0) - coalesce(cancelled_quantity, 0), 0) as quantity
        from held.purchase_order_line
        where status = 'open' and visible_from <= $cut and (visible_to is null or $cut < visible_to)
        union all
        select 'purchase_requisition', source_system, plant_id, item_number, unit, quantity
        from held.purchase_requisition
        where status in ('open', 'approved') and visible_from <= $cut and (visible_to is null or $cut < visible_to)
        union all
        select 'reservation', source_system, plant_id, item_number, unit, quantity
        from held.reservation
        where status in ('open', 'partial') and visible_from <= $cut and (visible_to is null or $cut < visible_to)
        union all
        select 'stock', source_system, plant_id, item_number, unit, quantity
        from held.inventory_balance
        where visible_from <= $cut and (visible_to is null or $cut < visible_to)
    ),
    -- where stock or a unit is wrong on purpose, so is what is left of it
    doubtful as (
        select distinct domain, plant_id, business_key->>'$.item_number' as item_number
        from truth.finding
        where (domain = 'inventory' or finding_class = 'order_unit_without_conversion')
            and planted_at <= $cut and (mended_at is null or $cut < mended_at)
    ),
    kinds as (
        select unnest(['purchase_order_line', 'purchase_requisition', 'reservation', 'stock']) as object_type
    )
    select
        scope.change_number, scope.plant_id, kinds.object_type, scope.item_number,
        cast(coalesce(sum(objects.quantity * case
            when objects.unit = scope.base_unit then 1 else factor.numerator / factor.denominator
        end), 0) as decimal(28, 6)) as quantity,
        scope.base_unit as unit
    from scope
    cross join kinds
    left join objects
        on scope.erp = objects.source_system and scope.plant_id = objects.plant_id
        and scope.item_number = objects.item_number and kinds.object_type = objects.object_type
    left join world.item_unit as factor on objects.item_number = factor.item_number and objects.unit = factor.unit
    where not exists (
        select 1 from doubtful
        where doubtful.item_number = scope.item_number
            and case kinds.object_type
                when 'stock' then doubtful.domain = 'inventory' and doubtful.plant_id = scope.plant_id
                when 'reservation' then false
                else doubtful.domain <> 'inventory'
            end
    )
    group by all
    order by all
"""
