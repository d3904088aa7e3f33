with

final as (

    select
        source_system,
        production_order_number,
        plant_id,
        operation_sequence,
        item_number,
        work_center,
        scheduled_start_at,
        scheduled_end_at,
        actual_start_at,
        actual_end_at,
        actual_hours,
        planned_cost,
        actual_cost,
        currency,
        native_item_number,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_production_operation') }}

)

select * from final
