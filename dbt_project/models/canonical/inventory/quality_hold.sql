with

rows_now as (

    select * from {{ ref('stg_quality_hold') }}

),

factors as (

    {{ with_base_unit('rows_now') }}

),

final as (

    select
        source_system,
        hold_id,
        plant_id,
        location,
        item_number,
        lot_number,
        quantity,
        unit,
        status,
        reason,
        nonconformance_id,
        placed_at,
        released_at,
        native_item_number,
        {{ to_base_unit('quantity') }} as base_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
