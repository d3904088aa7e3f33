with

rows_now as (

    select * from {{ ref('stg_production_order_component') }}

),

factors as (

    {{ with_base_unit('rows_now') }}

),

final as (

    select
        source_system,
        production_order_number,
        plant_id,
        line_id,
        item_number,
        component_revision,
        quantity,
        unit,
        operation_sequence,
        is_backflushed,
        native_item_number,
        {{ to_base_unit('quantity') }} as base_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
