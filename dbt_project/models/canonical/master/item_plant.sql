with

final as (

    select
        source_system,
        item_number,
        plant_id,
        planning_status,
        lead_time_days,
        safety_stock,
        reorder_point,
        lot_size,
        is_phantom,
        is_backflushed,
        standard_cost,
        currency,
        storage_location,
        mrp_controller,
        native_item_number,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_item_plant') }}

)

select * from final
