with

scope as (

    select * from {{ ref('engineering_change_scope') }}
    where is_applicable and is_released and not is_deferred and is_effective

),

structure as (

    select * from {{ ref('engineering_change_structure') }}
    where is_old and not is_new

),

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

revisions as (

    select
        item_number,
        revision,
        max(revision_sequence) as revision_sequence,
    from {{ ref('item_revision') }}
    group by item_number, revision

),

costs as (

    select
        plant_id,
        item_number,
        standard_cost,
        currency,
    from {{ ref('item_standard_cost') }}

),

changed_items as (

    select distinct
        plant_id,
        parent_item_number as item_number,
    from scope

),

-- rule 3: an order is judged by its own start; the shop floor says when that was
orders as (

    select
        orders.*,
        systems.kind,
    from {{ ref('production_order') }} as orders
    inner join systems on orders.source_system = systems.source_system
    semi join changed_items
        on orders.plant_id = changed_items.plant_id
        and orders.item_number = changed_items.item_number

),

booked as (

    select
        confirmations.plant_id,
        confirmations.production_order_number,
        min(confirmations.event_at) as first_confirmed_at,
        sum(confirmations.base_yield_quantity) as yield_quantity,
        sum(confirmations.base_scrap_quantity) as scrap_quantity,
        sum(confirmations.base_rework_quantity) as rework_quantity,
    from {{ ref('production_confirmation') }} as confirmations
    semi join orders
        on confirmations.plant_id = orders.plant_id
        and confirmations.production_order_number = orders.production_order_number
    group by confirmations.plant_id, confirmations.production_order_number

),

per_order as (

    select
        orders.plant_id,
        orders.production_order_number,
        orders.item_number,
        coalesce(
            max(orders.revision) filter (where orders.kind = 'mes'), max(orders.revision) filter (where orders.kind = 'erp')
        ) as made_revision,
        max(orders.revision) filter (where orders.kind = 'erp') as ordered_revision,
        coalesce(
            min(orders.actual_start_at) filter (where orders.kind = 'mes'), min(orders.actual_start_at),
            min(booked.first_confirmed_at)
        ) as started_at,
        coalesce(
            max(orders.actual_end_at) filter (where orders.kind = 'mes'), max(orders.actual_end_at)
        ) as finished_at,
        coalesce(
            max(orders.status) filter (where orders.kind = 'mes'), max(orders.status)
        ) as status,
        coalesce(
            max(orders.base_quantity) filter (where orders.kind = 'erp'), max(orders.base_quantity)
        ) as quantity,
        any_value(orders.base_unit) as unit,
        any_value(booked.yield_quantity) as yield_quantity,
        any_value(booked.scrap_quantity) as scrap_quantity,
        any_value(booked.rework_quantity) as rework_quantity,
        list(distinct orders.correlation_id order by orders.correlation_id asc) as correlation_ids,
    from orders
    left join booked
        on orders.plant_id = booked.plant_id
        and orders.production_order_number = booked.production_order_number
    group by orders.plant_id, orders.production_order_number, orders.item_number

),

-- what the change took out and the order took all the same
old_components as (

    select
        structure.change_number,
        taken.plant_id,
        taken.production_order_number,
        list(distinct taken.item_number order by taken.item_number asc) as old_components_taken,
    from structure
    inner join {{ ref('material_consumption') }} as taken
        on structure.plant_id = taken.plant_id
        and structure.component_item_number = taken.item_number
    inner join per_order
        on taken.plant_id = per_order.plant_id
        and taken.production_order_number = per_order.production_order_number
        and structure.parent_item_number = per_order.item_number
    where
        taken.event_at >= structure.effective_from
        and per_order.started_at >= structure.effective_from
        and taken.base_quantity > 0
    group by structure.change_number, taken.plant_id, taken.production_order_number

),

judged as (

    select
        scope.change_number,
        per_order.*,
        scope.to_revision as released_revision,
        scope.effective_from,
        made.revision_sequence < released.revision_sequence as is_old_revision,
        coalesce(old_components.old_components_taken, []) as old_components_taken,
    from scope
    inner join per_order
        on scope.plant_id = per_order.plant_id
        and scope.parent_item_number = per_order.item_number
    left join revisions as made
        on per_order.item_number = made.item_number
        and per_order.made_revision = made.revision
    left join revisions as released
        on scope.parent_item_number = released.item_number
        and scope.to_revision = released.revision
    left join old_components
        on scope.change_number = old_components.change_number
        and per_order.plant_id = old_components.plant_id
        and per_order.production_order_number = old_components.production_order_number
    where
        per_order.started_at >= scope.effective_from
        and (made.revision_sequence < released.revision_sequence or old_components.change_number is not null)

),

final as (

    select
        judged.change_number,
        judged.plant_id,
        judged.production_order_number,
        judged.item_number,
        judged.made_revision,
        judged.ordered_revision,
        judged.released_revision,
        judged.effective_from,
        judged.started_at,
        judged.finished_at,
        judged.status in ('completed', 'closed') as is_finished,
        coalesce(judged.is_old_revision, false) as is_old_revision,
        judged.old_components_taken,
        cast(judged.quantity as decimal(28, 6)) as quantity,
        cast(coalesce(judged.yield_quantity, 0) as decimal(28, 6)) as yield_quantity,
        cast(coalesce(judged.scrap_quantity, 0) as decimal(28, 6)) as scrap_quantity,
        cast(coalesce(judged.rework_quantity, 0) as decimal(28, 6)) as rework_quantity,
        judged.unit,
        {{ value_of(
            'coalesce(judged.scrap_quantity, 0) + coalesce(judged.rework_quantity, 0)', 'costs.standard_cost') }}
            as scrap_and_rework_value,
        costs.currency,
        judged.correlation_ids,
    from judged
    left join costs
        on judged.plant_id = costs.plant_id
        and judged.item_number = costs.item_number

)

select * from final
