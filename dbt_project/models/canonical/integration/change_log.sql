with

final as (

    select
        source_system,
        event_id,
        plant_id,
        object_type,
        object_key,
        attribute,
        old_value,
        new_value,
        changed_by_hash,
        changed_at,
        change_number,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_change_log') }}

)

select * from final
