{{ config(materialized='view') }}

with

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

shipments as (

    select
        shipments.plant_id,
        shipments.shipment_number,
        shipments.line_number,
        shipments.shipment_number || '/' || shipments.line_number as object_key,
        shipments.source_system,
        shipments.sales_order_number,
        shipments.sales_order_line_number,
        shipments.item_number,
        shipments.base_quantity as quantity,
        shipments.base_unit as unit,
        shipments.lot_number,
        shipments.serial_number,
        shipments.shipped_at,
        shipments.delivered_at,
        shipments.recorded_at,
        systems.kind,
    from {{ ref('shipment') }} as shipments
    inner join systems on shipments.source_system = systems.source_system
    where shipments.status in ('shipped', 'delivered')

),

order_horizon as (

    select min(heard_until) as heard_until
    from {{ ref('feed_horizon') }}
    where entity = 'sales_order_line'

),

order_lines as (

    select distinct
        sales_order_number,
        line_number,
    from {{ ref('sales_order_line') }}

),

without_order as (

    select
        shipments.plant_id,
        shipments.object_key,
        shipments.item_number,
        'shipment_without_order' as finding_class,
        'high' as severity,
        max(shipments.quantity) as quantity,
        any_value(shipments.unit) as unit,
        json_object(
            'sales_order', any_value(shipments.sales_order_number), 'line', any_value(shipments.sales_order_line_number),
            'shipped_at', strftime(min(shipments.shipped_at), '%Y-%m-%dT%H:%M:%SZ'),
            'systems', string_agg(distinct shipments.source_system, ', ' order by shipments.source_system)
        ) as evidence,
        'Find out for whom the goods left, and enter the order.' as suggested_action,
    from shipments
    cross join order_horizon
    left join order_lines
        on shipments.sales_order_number = order_lines.sales_order_number
        and shipments.sales_order_line_number = order_lines.line_number
    -- where nobody delivers sales orders a shipment can't lack one
    where order_lines.line_number is null and shipments.recorded_at <= order_horizon.heard_until
    group by shipments.plant_id, shipments.object_key, shipments.item_number

),

both_sides as (

    select
        warehouse.plant_id,
        warehouse.object_key,
        warehouse.item_number,
        warehouse.unit,
        warehouse.quantity,
        carrier.quantity as carrier_quantity,
        warehouse.lot_number,
        carrier.lot_number as carrier_lot_number,
        warehouse.serial_number,
        carrier.serial_number as carrier_serial_number,
        warehouse.shipped_at,
        carrier.delivered_at,
        {{ within_tolerance('warehouse.quantity', 'carrier.quantity', 'shipment.quantity') }} as is_same_quantity,
    from shipments as warehouse
    inner join shipments as carrier
        on warehouse.plant_id = carrier.plant_id
        and warehouse.shipment_number = carrier.shipment_number
        and warehouse.line_number = carrier.line_number
    where warehouse.kind <> 'tms' and carrier.kind = 'tms'

),

carried as (

    {% for finding_class, condition, quantity, action in [
        (
            'carrier_quantity', 'not is_same_quantity', 'carrier_quantity - quantity',
            'Ask the carrier: it took another quantity than the warehouse gave.',
        ), (
            'carrier_lot', 'lot_number <> carrier_lot_number or serial_number <> carrier_serial_number', 'quantity',
            'Find out which lot left: a recall would look for the wrong one.',
        ), (
            'delivered_before_shipped', 'delivered_at < shipped_at', 'quantity', 'Correct the times of the shipment.',
        ),
    ] %}
        select
            plant_id,
            object_key,
            item_number,
            '{{ finding_class }}' as finding_class,
            'medium' as severity,
            {{ quantity }} as quantity,
            unit,
            json_object(
                'quantity', quantity, 'carrier_quantity', carrier_quantity,
                'lot', lot_number, 'carrier_lot', carrier_lot_number,
                'serial', serial_number, 'carrier_serial', carrier_serial_number,
                'shipped_at', strftime(shipped_at, '%Y-%m-%dT%H:%M:%SZ'),
                'delivered_at', strftime(delivered_at, '%Y-%m-%dT%H:%M:%SZ')
            ) as evidence,
            '{{ action }}' as suggested_action,
        from both_sides
        where {{ condition }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

held as (

    select
        shipments.plant_id,
        shipments.object_key,
        shipments.item_number,
        'held_lot_shipped' as finding_class,
        'critical' as severity,
        max(shipments.quantity) as quantity,
        any_value(shipments.unit) as unit,
        json_object(
            'lot', any_value(shipments.lot_number), 'holds', list(distinct holds.hold_id order by holds.hold_id),
            'shipped_at', strftime(min(shipments.shipped_at), '%Y-%m-%dT%H:%M:%SZ'),
            'placed_at', strftime(min(holds.placed_at), '%Y-%m-%dT%H:%M:%SZ'),
            'released_at', strftime(max(holds.released_at), '%Y-%m-%dT%H:%M:%SZ')
        ) as evidence,
        'Stop the delivery: quality had put the lot on hold when it left.' as suggested_action,
    from shipments
    inner join {{ ref('quality_hold') }} as holds
        on shipments.plant_id = holds.plant_id
        and shipments.item_number = holds.item_number
        and shipments.lot_number = holds.lot_number
    where holds.placed_at <= shipments.shipped_at and (holds.released_at is null or shipments.shipped_at < holds.released_at)
    group by shipments.plant_id, shipments.object_key, shipments.item_number

),

final as (

    {% for name in ['without_order', 'carried', 'held'] %}
        select
            plant_id,
            object_key,
            item_number,
            finding_class,
            severity,
            quantity,
            unit,
            evidence,
            suggested_action,
        from {{ name }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select * from final
