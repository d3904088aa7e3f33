with

rows_now as (

    select * from {{ ref('stg_production_order') }}

),

factors as (

    {{ with_base_unit('rows_now') }}

),

final as (

    select
        source_system,
        production_order_number,
        plant_id,
        item_number,
        revision,
        bom_alternative,
        quantity,
        unit,
        completed_quantity,
        scrapped_quantity,
        scrap_reason,
        scheduled_start_at,
        scheduled_end_at,
        due_at,
        actual_start_at,
        actual_end_at,
        status,
        status_source,
        native_item_number,
        {{ to_base_unit('quantity') }} as base_quantity,
        {{ to_base_unit('completed_quantity') }} as base_completed_quantity,
        {{ to_base_unit('scrapped_quantity') }} as base_scrapped_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
