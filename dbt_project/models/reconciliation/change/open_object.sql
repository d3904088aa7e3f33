with

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

costs as (

    select
        plant_id,
        item_number,
        standard_cost,
        currency,
    from {{ ref('item_standard_cost') }}

),

purchase_lines as (

    select
        plant_id,
        'purchase_order_line' as object_type,
        purchase_order_number || '/' || line_number as object_key,
        item_number,
        coalesce(status, 'open') as object_status,
        revision,
        due_at,
        greatest(base_quantity - coalesce(base_received_quantity, 0) - coalesce(base_cancelled_quantity, 0), 0) as quantity,
        base_unit as unit,
        {{ value_of(
            'greatest(quantity - coalesce(received_quantity, 0) - coalesce(cancelled_quantity, 0), 0)', 'unit_price'
        ) }} as own_value,
        currency as own_currency,
        correlation_id,
        source_system,
    from {{ ref('purchase_order_line') }}
    where coalesce(status, 'open') in ('draft', 'pending', 'approved', 'open')

),

requisitions as (

    select
        plant_id,
        'purchase_requisition' as object_type,
        requisition_number || '/' || line_number as object_key,
        item_number,
        status as object_status,
        revision,
        due_at,
        base_quantity as quantity,
        base_unit as unit,
        correlation_id,
        source_system,
    from {{ ref('purchase_requisition') }}
    where status in ('open', 'approved')

),

reservations as (

    select
        plant_id,
        'reservation' as object_type,
        reservation_number || coalesce('/' || line_number, '') as object_key,
        item_number,
        coalesce(status, 'open') as object_status,
        required_at as due_at,
        base_quantity as quantity,
        base_unit as unit,
        correlation_id,
        source_system,
    from {{ ref('reservation') }}
    where coalesce(status, 'open') in ('open', 'partial')

),

-- rules 23 to 26: every status, owner and location, below zero too
stock as (

    select
        plant_id,
        'stock' as object_type,
        concat_ws('/', coalesce(location, '*'), coalesce(lot_number, '*'), stock_status, ownership) as object_key,
        item_number,
        stock_status as object_status,
        ownership,
        on_hand + coalesce(in_transit, 0) as quantity,
        unit,
        quantity_source as source_system,
    from {{ ref('inventory_state') }}

),

-- the ERP owns orders; where it doesn't know one, the shop floor's word stands
orders as (

    select production_orders.*
    from {{ ref('production_order') }} as production_orders
    inner join systems on production_orders.source_system = systems.source_system
    qualify row_number() over (
        partition by production_orders.plant_id, production_orders.production_order_number
        order by
            case systems.kind when 'erp' then 1 when 'mes' then 2 else 3 end asc,
            production_orders.source_system asc
    ) = 1

),

open_orders as (

    select
        *,
        status = 'in_progress' or actual_start_at is not null as is_started,
    from orders
    where status in ('planned', 'released', 'in_progress')

),

production_orders as (

    select
        plant_id,
        'production_order' as object_type,
        production_order_number as object_key,
        item_number,
        status as object_status,
        revision,
        is_started,
        production_order_number,
        scheduled_start_at as due_at,
        greatest(base_quantity - coalesce(base_completed_quantity, 0) - coalesce(base_scrapped_quantity, 0), 0) as quantity,
        base_unit as unit,
        correlation_id,
        source_system,
    from open_orders

),

-- ERP and shop floor may both list an order's components
components as (

    select
        plant_id,
        production_order_number,
        item_number,
        source_system,
        sum(base_quantity) as base_quantity,
        any_value(base_unit) as base_unit,
        min(correlation_id) as correlation_id,
    from {{ ref('production_order_component') }}
    group by plant_id, production_order_number, item_number, source_system

),

called_for as (

    select
        components.plant_id,
        'order_component' as object_type,
        components.production_order_number as object_key,
        components.item_number,
        open_orders.status as object_status,
        open_orders.is_started,
        components.production_order_number,
        open_orders.scheduled_start_at as due_at,
        max(components.base_quantity) as quantity,
        any_value(components.base_unit) as unit,
        min(components.correlation_id) as correlation_id,
        min(components.source_system) as source_system,
    from components
    inner join open_orders
        on components.plant_id = open_orders.plant_id
        and components.production_order_number = open_orders.production_order_number
    group by
        components.plant_id, components.production_order_number, components.item_number, open_orders.status,
        open_orders.is_started, open_orders.scheduled_start_at

),

issued as (

    select
        taken.plant_id,
        'issued_component' as object_type,
        taken.production_order_number as object_key,
        taken.item_number,
        open_orders.status as object_status,
        true as is_started,
        taken.production_order_number,
        open_orders.scheduled_start_at as due_at,
        sum(taken.base_quantity) as quantity,
        any_value(taken.base_unit) as unit,
        min(taken.correlation_id) as correlation_id,
        min(taken.source_system) as source_system,
    from {{ ref('material_consumption') }} as taken
    inner join open_orders
        on taken.plant_id = open_orders.plant_id
        and taken.production_order_number = open_orders.production_order_number
    group by
        taken.plant_id, taken.production_order_number, taken.item_number, open_orders.status,
        open_orders.scheduled_start_at

),

planned as (

    select
        plant_id,
        'schedule_operation' as object_type,
        concat_ws('/', schedule_id, production_order_number, operation_sequence) as object_key,
        item_number,
        'planned' as object_status,
        assumed_revision as revision,
        production_order_number,
        planned_start_at as due_at,
        base_quantity as quantity,
        base_unit as unit,
        correlation_id,
        source_system,
    from {{ ref('schedule_operation') }}
    where planned_end_at is null or planned_end_at > {{ as_of() }}

),

objects as (

    select * from purchase_lines
    union all by name
    select * from requisitions
    union all by name
    select * from reservations
    union all by name
    select * from stock
    union all by name
    select * from production_orders
    union all by name
    select * from called_for
    union all by name
    select * from issued
    union all by name
    select * from planned

),

final as (

    select
        objects.plant_id,
        objects.object_type,
        objects.object_key,
        objects.item_number,
        objects.object_status,
        objects.ownership,
        objects.revision,
        coalesce(objects.is_started, false) as is_started,
        objects.production_order_number,
        objects.due_at,
        cast(objects.quantity as decimal(28, 6)) as quantity,
        objects.unit,
        coalesce(objects.own_value, {{ value_of('objects.quantity', 'costs.standard_cost') }}) as value,
        case when objects.own_value is not null then objects.own_currency else costs.currency end as currency,
        objects.source_system,
        objects.correlation_id,
    from objects
    left join costs
        on objects.plant_id = costs.plant_id
        and objects.item_number = costs.item_number
    where objects.quantity <> 0
    -- several systems may tell of one order line
    qualify row_number() over (
        partition by objects.plant_id, objects.object_type, objects.object_key, objects.item_number
        order by objects.source_system asc, objects.correlation_id asc
    ) = 1

)

select * from final
