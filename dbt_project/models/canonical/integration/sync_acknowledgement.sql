with

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
    from {{ ref('stg_sync_acknowledgement') }}

)

select * from final
