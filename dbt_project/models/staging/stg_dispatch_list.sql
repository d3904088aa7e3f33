{{ config(materialized='ephemeral') }}

with

current_rows as (

    {{ current_rows('dispatch_list') }}

),

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
    from current_rows

)

select * from final
