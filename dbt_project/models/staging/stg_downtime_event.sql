{{ config(materialized='ephemeral') }}

with

current_rows as (

    {{ current_rows('downtime_event') }}

),

final as (

    select
        source_system,
        event_id,
        plant_id,
        work_center,
        production_order_number,
        reason_code,
        started_at,
        ended_at,
        batch_id,
        correlation_id,
        recorded_at,
    from current_rows

)

select * from final
