with

statuses as (

    select * from {{ ref('engineering_change_plant_status') }}
    where is_applicable and change_status = 'released' and not is_deferred

),

objects as (

    select * from {{ ref('open_object') }}

),

items as (

    select
        item_number,
        product_family,
    from {{ ref('item') }}

),

-- what a change released in the window touches at a plant, and what of it no bill of the plant asks for any more
affected as (

    select
        statuses.plant_id,
        structure.component_item_number as item_number,
        min(structure.effective_from) filter (
            where structure.is_old and not structure.is_new and not structure.is_still_used
        ) as superseded_from,
    from statuses
    inner join {{ ref('engineering_change_structure') }} as structure
        on statuses.change_number = structure.change_number
        and statuses.plant_id = structure.plant_id
    where {{ in_kpi_window('statuses.released_at') }}
    group by statuses.plant_id, structure.component_item_number

),

purchases as (

    select
        objects.plant_id,
        items.product_family,
        coalesce(objects.due_at >= affected.superseded_from, false) as is_superseded,
    from objects
    inner join affected
        on objects.plant_id = affected.plant_id
        and objects.item_number = affected.item_number
    left join items on objects.item_number = items.item_number
    where objects.object_type = 'purchase_order_line'

),

-- a system that isn't seen to hold the change keeps its assembly's orders from being started
waiting as (

    select distinct
        plant_id,
        parent_item_number as item_number,
    from statuses
    where
        effective_from <= {{ as_of() }}
        and alters_structure
        and status in ('overdue', 'blocked', 'deviated')
        and (erp_state is distinct from 'holds' or mes_state is distinct from 'holds')

),

plants as (

    select distinct plant_id from {{ ref('engineering_change_plant_status') }}

),

-- a plant where nothing waits has a zero, not a gap
blocked as (

    select
        plant_id,
        cast(null as varchar) as product_family,
        0 as orders,
        cast(0 as decimal(28, 6)) as value,
    from plants
    union all
    select
        objects.plant_id,
        items.product_family,
        1 as orders,
        coalesce(objects.value, 0) as value,
    from objects
    inner join waiting
        on objects.plant_id = waiting.plant_id
        and objects.item_number = waiting.item_number
    left join items on objects.item_number = items.item_number
    where objects.object_type = 'production_order' and not objects.is_started

),

old_orders as (

    select
        plant_id,
        cast(null as varchar) as product_family,
        0 as orders,
        cast(0 as decimal(28, 6)) as value,
    from plants
    union all
    select
        orders.plant_id,
        items.product_family,
        1 as orders,
        coalesce(orders.scrap_and_rework_value, 0) as value,
    from {{ ref('order_on_superseded_revision') }} as orders
    left join items on orders.item_number = items.item_number
    where {{ in_kpi_window('orders.started_at') }}

),

final as (

    {{ kpi_rate('purchase_order_exception_rate_after_revision', 'purchases', 'purchases.is_superseded') }}
    union all
    {{ kpi_sum('orders_blocked_by_missing_synchronisation', 'blocked', 'blocked.orders', 'count') }}
    union all
    {{ kpi_sum('orders_blocked_by_missing_synchronisation_value', 'blocked', 'blocked.value', 'currency') }}
    union all
    {{ kpi_sum('orders_started_on_superseded_revision', 'old_orders', 'old_orders.orders', 'count') }}
    union all
    {{ kpi_sum('scrap_and_rework_on_superseded_revision', 'old_orders', 'old_orders.value', 'currency') }}

)

select * from final
