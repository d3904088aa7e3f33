with

final as (

    select
        source_system,
        plant_id,
        work_center,
        production_order_number,
        operation_sequence,
        sequence,
        dispatched_at,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_dispatch_list') }}

)

select * from final
