with

rows_now as (

    select * from {{ ref('stg_inventory_balance') }}

),

factors as (

    {{ with_base_unit('rows_now') }}

),

final as (

    select
        source_system,
        plant_id,
        location,
        bin,
        item_number,
        lot_number,
        serial_number,
        stock_status,
        ownership,
        quantity,
        unit,
        expiry_date,
        as_of,
        native_item_number,
        {{ to_base_unit('quantity') }} as base_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
