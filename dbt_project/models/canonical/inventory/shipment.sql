with

rows_now as (

    select * from {{ ref('stg_shipment') }}

),

factors as (

    {{ with_base_unit('rows_now') }}

),

final as (

    select
        source_system,
        shipment_number,
        line_number,
        plant_id,
        sales_order_number,
        sales_order_line_number,
        item_number,
        quantity,
        unit,
        lot_number,
        serial_number,
        picked_at,
        shipped_at,
        delivered_at,
        carrier,
        status,
        native_item_number,
        {{ to_base_unit('quantity') }} as base_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
