with

-- what goes out of the plant altogether: its orders have to end and its stock to go
outgoing as (

    select
        change_number,
        plant_id,
        component_item_number as item_number,
        effective_from,
    from {{ ref('engineering_change_structure') }}
    where is_old and not is_new and not is_still_used

),

supply as (

    select
        plant_id,
        item_number,
        due_at,
        coalesce(status, 'open') in ('draft', 'pending', 'approved', 'open') as is_open,
        recorded_at,
        correlation_id,
    from {{ ref('purchase_order_line') }}
    union all
    select
        plant_id,
        item_number,
        due_at,
        status in ('open', 'approved') as is_open,
        recorded_at,
        correlation_id,
    from {{ ref('purchase_requisition') }}

),

procurement as (

    select
        outgoing.change_number,
        outgoing.plant_id,
        count(*) filter (where supply.is_open) as open_orders,
        max(supply.recorded_at) filter (where not supply.is_open) as settled_at,
        list_sort(list(distinct supply.correlation_id)) as evidence,
    from outgoing
    inner join supply
        on outgoing.plant_id = supply.plant_id
        and outgoing.item_number = supply.item_number
    where supply.due_at is null or outgoing.effective_from is null or supply.due_at >= outgoing.effective_from
    group by outgoing.change_number, outgoing.plant_id

),

stock as (

    select
        outgoing.change_number,
        outgoing.plant_id,
        count(*) filter (where state.on_hand <> 0 or coalesce(state.in_transit, 0) <> 0) as stock_rows,
    from outgoing
    inner join {{ ref('inventory_state') }} as state
        on outgoing.plant_id = state.plant_id
        and outgoing.item_number = state.item_number
    group by outgoing.change_number, outgoing.plant_id

),

last_movement as (

    select
        outgoing.change_number,
        outgoing.plant_id,
        max(movements.event_at) as moved_at,
        max_by(movements.correlation_id, movements.event_at) as correlation_id,
    from outgoing
    inner join {{ ref('inventory_movement') }} as movements
        on outgoing.plant_id = movements.from_plant_id
        and outgoing.item_number = movements.item_number
    group by outgoing.change_number, outgoing.plant_id

),

plants as (

    select distinct
        change_number,
        plant_id,
    from outgoing

),

final as (

    select
        plants.change_number,
        plants.plant_id,
        coalesce(procurement.open_orders, 0) as open_orders,
        procurement.settled_at,
        coalesce(procurement.evidence, []) as procurement_evidence,
        coalesce(stock.stock_rows, 0) as stock_rows,
        last_movement.moved_at,
        case when last_movement.correlation_id is not null then [last_movement.correlation_id] else [] end
            as stock_evidence,
    from plants
    left join procurement
        on plants.change_number = procurement.change_number
        and plants.plant_id = procurement.plant_id
    left join stock
        on plants.change_number = stock.change_number
        and plants.plant_id = stock.plant_id
    left join last_movement
        on plants.change_number = last_movement.change_number
        and plants.plant_id = last_movement.plant_id

)

select * from final
