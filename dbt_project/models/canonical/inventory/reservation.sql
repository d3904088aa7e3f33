with

rows_now as (

    select * from {{ ref('stg_reservation') }}

),

factors as (

    {{ with_base_unit('rows_now') }}

),

final as (

    select
        source_system,
        reservation_number,
        line_number,
        plant_id,
        location,
        item_number,
        lot_number,
        quantity,
        unit,
        required_at,
        reference_type,
        reference_number,
        reference_line,
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
