with

orders as (

    select
        plant_id,
        production_order_number,
        item_number,
        unit,
    from {{ ref('production_order_posting') }}

),

reports as (

    select
        plant_id,
        production_order_number,
        item_number,
        coalesce(lot_number, serial_number) as lot_number,
        case when lot_number is null then 'serial' else 'lot' end as kind,
        base_quantity as quantity,
        base_unit as unit,
        event_id,
        event_at,
        source_system,
    from {{ ref('material_consumption') }}
    where event_at <= {{ as_of() }}

),

legs as (

    select
        plant_id,
        reference_number as production_order_number,
        item_number,
        coalesce(lot_number, serial_number) as lot_number,
        case when lot_number is null then 'serial' else 'lot' end as kind,
        quantity,
        unit,
        event_id,
        event_at,
        source_system,
        side,
        movement_class,
    from {{ ref('inventory_ledger_leg') }}
    where reference_type = 'production_order'

),

-- The shop floor's own report of what was taken counts; where it says nothing of a component, the ledger's issues do.
consumed as (

    select * from reports
    where lot_number is not null

    union all

    select
        legs.plant_id,
        legs.production_order_number,
        legs.item_number,
        legs.lot_number,
        legs.kind,
        -legs.quantity as quantity,
        legs.unit,
        legs.event_id,
        legs.event_at,
        legs.source_system,
    from legs
    anti join reports
        on legs.plant_id = reports.plant_id
        and legs.production_order_number = reports.production_order_number
        and legs.item_number = reports.item_number
        and reports.lot_number is not null
    where legs.side = 'from' and legs.movement_class in ('issue', 'backflush') and legs.lot_number is not null

),

used as (

    select
        plant_id,
        production_order_number,
        item_number,
        lot_number,
        max(kind) as kind,
        sum(quantity) as quantity,
        max(unit) as unit,
        min(event_at) as event_at,
        string_agg(distinct source_system, ', ' order by source_system) as source_systems,
        string_agg(event_id, ', ' order by event_id) as event_ids,
    from consumed
    group by plant_id, production_order_number, item_number, lot_number

),

made as (

    select
        plant_id,
        production_order_number,
        item_number,
        lot_number,
        max(kind) as kind,
        sum(quantity) as quantity,
    from legs
    where side = 'to' and movement_class = 'receipt' and lot_number is not null
    group by plant_id, production_order_number, item_number, lot_number

),

-- An order that made several lots used each of its components' lots in any of them: nobody says which.
of_orders as (

    select
        used.plant_id,
        'production_order' as document_type,
        used.production_order_number as document_number,
        coalesce(made.item_number, orders.item_number) as made_item_number,
        made.lot_number as made_lot_number,
        made.quantity as made_quantity,
        used.item_number as used_item_number,
        used.lot_number as used_lot_number,
        used.kind as used_kind,
        used.quantity as used_quantity,
        used.unit as used_unit,
        used.event_at as used_at,
        used.source_systems,
        used.event_ids,
    from used
    left join made
        on used.plant_id = made.plant_id
        and used.production_order_number = made.production_order_number
    left join orders
        on used.plant_id = orders.plant_id
        and used.production_order_number = orders.production_order_number

),

-- where a lot left for a customer, which is what a recall asks for
of_shipments as (

    select
        plant_id,
        'sales_order' as document_type,
        sales_order_number || '/' || sales_order_line_number as document_number,
        cast(null as varchar) as made_item_number,
        cast(null as varchar) as made_lot_number,
        cast(null as decimal(28, 6)) as made_quantity,
        item_number as used_item_number,
        coalesce(lot_number, serial_number) as used_lot_number,
        case when max(lot_number) is null then 'serial' else 'lot' end as used_kind,
        max(base_quantity) as used_quantity,
        max(base_unit) as used_unit,
        min(coalesce(shipped_at, picked_at)) as used_at,
        string_agg(distinct source_system, ', ' order by source_system) as source_systems,
        string_agg(distinct shipment_number || '/' || line_number, ', ' order by shipment_number || '/' || line_number)
            as event_ids,
    from {{ ref('shipment') }}
    where coalesce(lot_number, serial_number) is not null and coalesce(shipped_at, picked_at) <= {{ as_of() }}
    group by
        plant_id, sales_order_number, sales_order_line_number, item_number, coalesce(lot_number, serial_number)

),

final as (

    select
        plant_id,
        document_type,
        document_number,
        made_item_number,
        made_lot_number,
        cast(made_quantity as decimal(28, 6)) as made_quantity,
        used_item_number,
        used_lot_number,
        used_kind,
        cast(used_quantity as decimal(28, 6)) as used_quantity,
        used_unit,
        used_at,
        source_systems,
        event_ids,
    from of_orders

    union all

    select * from of_shipments

)

select * from final
