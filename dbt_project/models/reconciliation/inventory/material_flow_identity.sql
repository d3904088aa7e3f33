with

legs as (

    select
        plant_id,
        item_number,
        quantity,
        unit,
        side,
        movement_class,
        reference_type,
    from {{ ref('inventory_ledger_leg') }}

),

profiles as (

    select
        plant_id,
        has_component_issues,
    from {{ ref('inventory_ledger_profile') }}

),

orders as (

    select
        plant_id,
        item_number,
        unit,
        cast(sum(quantity) as decimal(28, 6)) as ordered_quantity,
        cast(sum(completed_quantity) as decimal(28, 6)) as completed_quantity,
        cast(sum(scrapped_quantity) as decimal(28, 6)) as scrapped_quantity,
        count(*) as production_orders,
    from {{ ref('production_order_posting') }}
    group by plant_id, item_number, unit

),

demand as (

    select
        plant_id,
        item_number,
        unit,
        demand_quantity,
        bill_line_uses,
    from {{ ref('component_demand') }}

),

posted as (

    select
        plant_id,
        item_number,
        max(unit) as unit,
        cast(sum(quantity) as decimal(28, 6)) as ledger_quantity,
        cast(sum(quantity) filter (where reference_type = 'production_order' and side = 'to') as decimal(28, 6))
            as produced_quantity,
        cast(sum(quantity) filter (where reference_type = 'purchase_order') as decimal(28, 6)) as purchased_quantity,
        cast(-sum(quantity) filter (where reference_type = 'sales_order') as decimal(28, 6)) as sold_quantity,
        cast(-sum(quantity) filter (where reference_type = 'production_order' and side = 'from') as decimal(28, 6))
            as issued_quantity,
        count(*) as movements,
    from legs
    group by plant_id, item_number

),

keys as (

    select
        plant_id,
        item_number,
        unit
    from posted
    union
    select
        plant_id,
        item_number,
        unit
    from orders
    union
    select
        plant_id,
        item_number,
        unit
    from demand

),

gathered as (

    select
        keys.plant_id,
        keys.item_number,
        max(keys.unit) as unit,
        coalesce(max(orders.production_orders), 0) as production_orders,
        coalesce(max(orders.ordered_quantity), 0) as ordered_quantity,
        coalesce(max(orders.completed_quantity), 0) as completed_quantity,
        coalesce(max(orders.scrapped_quantity), 0) as scrapped_quantity,
        coalesce(max(posted.movements), 0) as movements,
        coalesce(max(posted.produced_quantity), 0) as produced_quantity,
        coalesce(max(posted.purchased_quantity), 0) as purchased_quantity,
        coalesce(max(posted.sold_quantity), 0) as sold_quantity,
        coalesce(max(posted.issued_quantity), 0) as issued_quantity,
        coalesce(max(posted.ledger_quantity), 0) as ledger_quantity,
        coalesce(max(demand.demand_quantity), 0) as demand_quantity,
        coalesce(max(demand.bill_line_uses), 0) as bill_line_uses,
        coalesce(bool_or(profiles.has_component_issues), false) as has_component_issues,
    from keys
    left join orders on keys.plant_id = orders.plant_id and keys.item_number = orders.item_number
    left join posted on keys.plant_id = posted.plant_id and keys.item_number = posted.item_number
    left join demand on keys.plant_id = demand.plant_id and keys.item_number = demand.item_number
    left join profiles on keys.plant_id = profiles.plant_id
    group by keys.plant_id, keys.item_number

),

-- where the ledger issues no components to any order, what the orders' bills call for stands in for them
flows as (

    select
        *,
        ledger_quantity - (produced_quantity + purchased_quantity - sold_quantity - issued_quantity) as other_quantity,
        case when has_component_issues then 'posted' else 'implied' end as consumption_basis,
        case when has_component_issues then issued_quantity else demand_quantity end as consumed_quantity,
        produced_quantity + purchased_quantity + greatest(other_quantity, 0) as inflow_quantity,
        sold_quantity + consumed_quantity - least(other_quantity, 0) as outflow_quantity,
    from gathered

),

judged as (

    select
        *,
        {{ within_tolerance('inflow_quantity', 'outflow_quantity', 'inventory_movement.quantity') }} as is_closed,
    from flows

),

final as (

    select
        plant_id,
        item_number,
        unit,
        production_orders,
        ordered_quantity,
        completed_quantity,
        scrapped_quantity,
        movements,
        produced_quantity,
        purchased_quantity,
        sold_quantity,
        issued_quantity,
        cast(other_quantity as decimal(28, 6)) as other_quantity,
        demand_quantity,
        bill_line_uses,
        consumption_basis,
        consumed_quantity,
        ledger_quantity,
        cast(inflow_quantity - outflow_quantity as decimal(28, 6)) as net_flow_quantity,
        is_closed,
        case
            when inflow_quantity = 0 and outflow_quantity = 0 then 'no_flow'
            when is_closed then 'closed'
            when inflow_quantity > outflow_quantity then 'surplus'
            else 'shortfall'
        end as flow_status,
    from judged

)

select * from final
