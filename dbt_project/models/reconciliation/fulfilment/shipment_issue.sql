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

-- what quality held of a lot when some of it left; a hold that names no quantity is of the whole lot
holds_in_force as (

    select
        shipments.plant_id,
        shipments.object_key,
        shipments.item_number,
        shipments.lot_number,
        shipments.source_system,
        shipments.shipped_at,
        any_value(shipments.quantity) as quantity,
        any_value(shipments.unit) as unit,
        case when bool_and(holds.base_quantity is not null) then sum(holds.base_quantity) end as held_quantity,
        list(distinct holds.hold_id order by holds.hold_id) as hold_ids,
        min(holds.placed_at) as placed_at,
        max(holds.released_at) as released_at,
    from shipments
    inner join {{ ref('quality_hold') }} as holds
        on shipments.plant_id = holds.plant_id
        and shipments.item_number = holds.item_number
        and shipments.lot_number = holds.lot_number
    where holds.placed_at <= shipments.shipped_at and (holds.released_at is null or shipments.shipped_at < holds.released_at)
    group by
        shipments.plant_id, shipments.object_key, shipments.item_number, shipments.lot_number, shipments.source_system,
        shipments.shipped_at

),

-- what the plant had of the lot when the goods were gone
left_of_lot as (

    select
        on_hold.plant_id,
        on_hold.object_key,
        on_hold.item_number,
        on_hold.lot_number,
        on_hold.source_system,
        sum(legs.quantity) as left_quantity,
    from holds_in_force as on_hold
    inner join {{ ref('inventory_ledger_leg') }} as legs
        on on_hold.plant_id = legs.plant_id
        and on_hold.item_number = legs.item_number
        and on_hold.lot_number = legs.lot_number
    where legs.event_at <= on_hold.shipped_at
    group by
        on_hold.plant_id, on_hold.object_key, on_hold.item_number, on_hold.lot_number, on_hold.source_system

),

held as (

    select
        on_hold.plant_id,
        on_hold.object_key,
        on_hold.item_number,
        'held_lot_shipped' as finding_class,
        'critical' as severity,
        max(on_hold.quantity) as quantity,
        any_value(on_hold.unit) as unit,
        json_object(
            'lot', any_value(on_hold.lot_number), 'holds', max(on_hold.hold_ids),
            'held_quantity', max(on_hold.held_quantity), 'left_of_lot', min(left_of_lot.left_quantity),
            'shipped_at', strftime(min(on_hold.shipped_at), '%Y-%m-%dT%H:%M:%SZ'),
            'placed_at', strftime(min(on_hold.placed_at), '%Y-%m-%dT%H:%M:%SZ'),
            'released_at', strftime(max(on_hold.released_at), '%Y-%m-%dT%H:%M:%SZ')
        ) as evidence,
        'Stop the delivery: quality had put the lot on hold when it left.' as suggested_action,
    from holds_in_force as on_hold
    left join left_of_lot
        on on_hold.plant_id = left_of_lot.plant_id
        and on_hold.object_key = left_of_lot.object_key
        and on_hold.item_number = left_of_lot.item_number
        and on_hold.lot_number = left_of_lot.lot_number
        and on_hold.source_system = left_of_lot.source_system
    -- as long as the plant kept as much as is held, what left can have been the rest; where no ledger says so, it can't
    where
        on_hold.held_quantity is null
        or left_of_lot.left_quantity is null
        or left_of_lot.left_quantity < on_hold.held_quantity
    group by on_hold.plant_id, on_hold.object_key, on_hold.item_number

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
