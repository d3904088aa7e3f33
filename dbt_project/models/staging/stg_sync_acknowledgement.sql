{{ config(materialized='ephemeral') }}

with

current_rows as (

    {{ current_rows('sync_acknowledgement') }}

),

final as (

    select
        source_system,
        event_id,
        target_system,
        plant_id,
        object_type,
        object_key,
        version,
        acknowledgement_state,
        detail,
        event_at,
        batch_id,
        correlation_id,
        recorded_at,
    from current_rows

)

select * from final
