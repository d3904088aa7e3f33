with

plants as (

    select
        plant_id,
        timezone,
    from {{ source('estate', 'plant') }}

),

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

reservations as (

    select
        plant_id,
        location,
        item_number,
        lot_number,
        base_quantity,
        base_unit,
        required_at,
        reference_type,
        reference_number,
        reservation_number || '/' || line_number as object_key,
        coalesce(status, 'open') in ('open', 'partial', 'partially_fulfilled') as is_open,
    from {{ ref('reservation') }}

),

orders as (

    select
        plant_id,
        production_order_number,
        item_number,
        quantity,
        coalesce(completed_quantity, 0) as completed_quantity,
        coalesce(scrapped_quantity, 0) as scrapped_quantity,
        unit,
        scheduled_start_at,
        due_at,
    from {{ ref('production_order_posting') }}
    where coalesce(status, 'released') not in ('completed', 'closed', 'cancelled')

),

consumption as (

    select
        plant_id,
        production_order_number,
        item_number,
        sum(base_quantity) as quantity,
    from {{ ref('material_consumption') }}
    group by plant_id, production_order_number, item_number

),

-- ERP and MES hold the same components; one of them is enough
components as (

    select
        parts.plant_id,
        parts.production_order_number,
        parts.item_number,
        sum(parts.base_quantity) as quantity,
        max(parts.base_unit) as unit,
        min(case systems.kind when 'erp' then 1 else 2 end) as preference,
        parts.source_system,
    from {{ ref('production_order_component') }} as parts
    inner join systems on parts.source_system = systems.source_system
    group by parts.plant_id, parts.production_order_number, parts.item_number, parts.source_system
    qualify row_number() over (
        partition by parts.plant_id, parts.production_order_number, parts.item_number
        order by preference asc, parts.source_system asc
    ) = 1

),

purchases as (

    select
        plant_id,
        item_number,
        purchase_order_number || '/' || line_number as object_key,
        base_quantity - coalesce(base_received_quantity, 0) - coalesce(base_cancelled_quantity, 0) as quantity,
        base_unit,
        coalesce(promised_at, due_at) as due_at,
    from {{ ref('purchase_order_line') }}
    where coalesce(status, 'open') not in ('complete', 'closed', 'cancelled', 'rejected')

),

sales as (

    select
        plant_id,
        item_number,
        sales_order_number || '/' || line_number as object_key,
        base_quantity - coalesce(base_shipped_quantity, 0) as quantity,
        base_unit,
        coalesce(promised_at, requested_at) as due_at,
    from {{ ref('sales_order_line') }}
    where coalesce(status, 'open') not in ('shipped', 'closed', 'cancelled')

),

transfers as (

    select
        held.from_plant_id,
        held.to_plant_id,
        held.item_number,
        held.transfer_order_number || '/' || held.line_number as object_key,
        held.base_quantity,
        coalesce(held.base_shipped_quantity, 0) as shipped_quantity,
        coalesce(held.base_received_quantity, 0) as received_quantity,
        held.base_unit,
    from {{ ref('transfer_order') }} as held
    inner join systems on held.source_system = systems.source_system
    where coalesce(held.status, 'open') not in ('received', 'closed', 'cancelled')
    qualify row_number() over (
        partition by held.transfer_order_number, held.line_number
        order by case systems.kind when 'erp' then 1 else 2 end asc, held.source_system asc
    ) = 1

),

rows_of_all as (

    select
        plant_id,
        location,
        item_number,
        lot_number,
        'reservation' as kind,
        'demand' as direction,
        object_key,
        base_quantity as quantity,
        base_unit as unit,
        required_at as due_at,
    from reservations
    where is_open

    union all

    -- what an open order still needs of a component, where nobody reserved anything for the order
    select
        components.plant_id,
        null as location,
        components.item_number,
        null as lot_number,
        'order_component' as kind,
        'demand' as direction,
        components.production_order_number as object_key,
        components.quantity - coalesce(consumption.quantity, 0) as quantity,
        components.unit,
        orders.scheduled_start_at as due_at,
    from components
    inner join orders
        on components.plant_id = orders.plant_id
        and components.production_order_number = orders.production_order_number
    left join consumption
        on components.plant_id = consumption.plant_id
        and components.production_order_number = consumption.production_order_number
        and components.item_number = consumption.item_number
    anti join reservations
        on components.plant_id = reservations.plant_id
        and components.production_order_number = reservations.reference_number
        and reservations.reference_type = 'production_order'

    union all

    select
        plant_id,
        null as location,
        item_number,
        null as lot_number,
        'sales_order' as kind,
        'demand' as direction,
        object_key,
        quantity,
        base_unit as unit,
        due_at,
    from sales

    union all

    select
        from_plant_id as plant_id,
        null as location,
        item_number,
        null as lot_number,
        'transfer_out' as kind,
        'demand' as direction,
        object_key,
        base_quantity - shipped_quantity as quantity,
        base_unit as unit,
        null as due_at,
    from transfers

    union all

    select
        to_plant_id as plant_id,
        null as location,
        item_number,
        null as lot_number,
        'transfer_in' as kind,
        'supply' as direction,
        object_key,
        base_quantity - received_quantity as quantity,
        base_unit as unit,
        null as due_at,
    from transfers

    union all

    select
        plant_id,
        null as location,
        item_number,
        null as lot_number,
        'purchase_order' as kind,
        'supply' as direction,
        object_key,
        quantity,
        base_unit as unit,
        due_at,
    from purchases

    union all

    select
        plant_id,
        null as location,
        item_number,
        null as lot_number,
        'production_order' as kind,
        'supply' as direction,
        production_order_number as object_key,
        quantity - completed_quantity - scrapped_quantity as quantity,
        unit,
        due_at,
    from orders

),

-- what is overdue or without a date is wanted, or comes, today; days are the plant's own
final as (

    select
        rows_of_all.plant_id,
        rows_of_all.location,
        rows_of_all.item_number,
        rows_of_all.lot_number,
        rows_of_all.kind,
        rows_of_all.direction,
        rows_of_all.object_key,
        cast(rows_of_all.quantity as decimal(28, 6)) as quantity,
        rows_of_all.unit,
        rows_of_all.due_at,
        cast(
            timezone(plants.timezone, greatest(coalesce(rows_of_all.due_at, {{ as_of() }}), {{ as_of() }})) as date
        ) as due_date,
        coalesce(rows_of_all.due_at < {{ as_of() }}, false) as is_overdue,
    from rows_of_all
    inner join plants on rows_of_all.plant_id = plants.plant_id
    where rows_of_all.quantity > 0 and rows_of_all.item_number is not null

)

select * from final
