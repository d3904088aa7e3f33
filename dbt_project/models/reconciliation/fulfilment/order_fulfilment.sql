with

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

lines as (

    select
        source_system,
        sales_order_number,
        line_number,
        plant_id,
        customer,
        item_number,
        base_quantity,
        coalesce(base_shipped_quantity, 0) as base_shipped_quantity,
        base_unit,
        requested_at,
        promised_at,
        status,
        unit_price,
        currency,
        quantity,
        recorded_at,
    from {{ ref('sales_order_line') }}

),

horizons as (

    select
        feeds.source_system,
        feeds.entity,
        feeds.heard_until,
    from {{ ref('feed_horizon') }} as feeds
    where feeds.entity in ('sales_order_line', 'shipment')

),

-- a plant's goods leave by its warehouse and its carriers: all of them must have had the time to say so
shipment_horizons as (

    select
        served.plant_id,
        min(horizons.heard_until) as heard_until,
    from horizons
    inner join {{ source('estate', 'system_plant') }} as served on horizons.source_system = served.source_system
    where horizons.entity = 'shipment'
    group by served.plant_id

),

shipments as (

    select
        shipments.plant_id,
        shipments.shipment_number,
        shipments.line_number,
        max(shipments.sales_order_number) as sales_order_number,
        max(shipments.sales_order_line_number) as sales_order_line_number,
        max(shipments.item_number) as item_number,
        bool_or(shipments.status in ('shipped', 'delivered')) as has_left,
        -- who weighs and scans the goods says how much left; the carrier, when they arrived
        coalesce(
            max(shipments.base_quantity) filter (systems.kind <> 'tms' and shipments.status in ('shipped', 'delivered')),
            max(shipments.base_quantity) filter (shipments.status in ('shipped', 'delivered')), 0
        ) as left_quantity,
        max(shipments.lot_number) as lot_number,
        max(shipments.serial_number) as serial_number,
        min(shipments.shipped_at) as shipped_at,
        max(shipments.delivered_at) as delivered_at,
    from {{ ref('shipment') }} as shipments
    inner join systems on shipments.source_system = systems.source_system
    where shipments.status is distinct from 'cancelled'
    group by shipments.plant_id, shipments.shipment_number, shipments.line_number

),

left_by_line as (

    select
        plant_id,
        sales_order_number,
        sales_order_line_number,
        count(*) filter (has_left) as shipments,
        coalesce(sum(left_quantity), 0) as left_quantity,
        count(distinct item_number) as items,
        any_value(item_number) as item_number,
        min(shipped_at) filter (has_left) as first_shipped_at,
        max(shipped_at) filter (has_left) as last_shipped_at,
        max(delivered_at) as last_delivered_at,
        bool_and(delivered_at is not null) as is_delivered,
        list(distinct lot_number order by lot_number) filter (lot_number is not null) as lot_numbers,
        list(distinct serial_number order by serial_number) filter (serial_number is not null) as serial_numbers,
        list(distinct shipment_number order by shipment_number) as shipment_numbers,
    from shipments
    where sales_order_number is not null
    group by plant_id, sales_order_number, sales_order_line_number

),

joined as (

    select
        lines.*,
        left_by_line.item_number as shipped_item_number,
        coalesce(left_by_line.items > 1 or left_by_line.item_number <> lines.item_number, false) as is_other_item,
        coalesce(left_by_line.shipments, 0) as shipments,
        coalesce(left_by_line.left_quantity, 0) as left_quantity,
        left_by_line.first_shipped_at,
        left_by_line.last_shipped_at,
        left_by_line.last_delivered_at,
        coalesce(left_by_line.is_delivered, false) as is_delivered,
        left_by_line.lot_numbers,
        left_by_line.serial_numbers,
        left_by_line.shipment_numbers,
        order_horizons.heard_until as order_heard_until,
        shipment_horizons.heard_until as shipment_heard_until,
        {{ within_tolerance(
            'coalesce(left_by_line.left_quantity, 0)', 'lines.base_quantity', 'sales_order_line.quantity'
        ) }} as is_whole,
        {{ within_tolerance(
            'coalesce(left_by_line.left_quantity, 0)', 'lines.base_shipped_quantity', 'sales_order_line.quantity'
        ) }} as is_same_as_order,
    from lines
    left join left_by_line
        on lines.plant_id = left_by_line.plant_id
        and lines.sales_order_number = left_by_line.sales_order_number
        and lines.line_number = left_by_line.sales_order_line_number
    left join horizons as order_horizons
        on lines.source_system = order_horizons.source_system
        and order_horizons.entity = 'sales_order_line'
    left join shipment_horizons on lines.plant_id = shipment_horizons.plant_id

),

final as (

    select
        source_system,
        sales_order_number,
        line_number,
        plant_id,
        customer,
        item_number,
        base_unit as unit,
        base_quantity as ordered_quantity,
        cast(left_quantity as decimal(28, 6)) as shipped_quantity,
        cast(base_shipped_quantity as decimal(28, 6)) as order_shipped_quantity,
        cast(greatest(base_quantity - left_quantity, 0) as decimal(28, 6)) as open_quantity,
        shipments,
        shipped_item_number,
        is_other_item,
        lot_numbers,
        serial_numbers,
        shipment_numbers,
        requested_at,
        promised_at,
        first_shipped_at,
        last_shipped_at,
        case when is_delivered then last_delivered_at end as delivered_at,
        status as order_status,
        case
            when status = 'cancelled' then 'cancelled'
            when not is_whole and left_quantity > base_quantity then 'over_shipped'
            when is_whole and is_delivered then 'delivered'
            when is_whole then 'shipped'
            when left_quantity > 0 then 'partly_shipped'
            else 'open'
        end as fulfilment_status,
        coalesce(is_whole and last_shipped_at <= promised_at, false) as is_on_time,
        is_whole,
        is_same_as_order,
        -- whoever is behind has had its time
        coalesce(last_shipped_at <= order_heard_until, true) and coalesce(recorded_at <= shipment_heard_until, true)
            as is_settled,
        coalesce(least(order_heard_until, shipment_heard_until), {{ as_of() }}) as heard_until,
        {{ decimal_divide(
            'try_cast(quantity as decimal(20, 6)) * try_cast(unit_price as decimal(18, 6))', 'nullif(base_quantity, 0)', 6, 6
        ) }} as unit_price,
        currency,
    from joined

)

select * from final
