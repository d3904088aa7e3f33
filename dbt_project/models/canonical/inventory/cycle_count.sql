with

rows_now as (

    select * from {{ ref('stg_cycle_count') }}

),

factors as (

    {{ with_base_unit('rows_now') }}

),

final as (

    select
        source_system,
        event_id,
        plant_id,
        location,
        item_number,
        lot_number,
        serial_number,
        stock_status,
        ownership,
        counted_quantity,
        unit,
        counted_at,
        native_item_number,
        {{ to_base_unit('counted_quantity') }} as base_counted_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
