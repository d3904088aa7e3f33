with

final as (

    select
        dead_letter_id,
        source_system,
        extract_name,
        entity,
        batch_id,
        source_file,
        source_row,
        reasons,
        details,
        payload,
        received_at,
        correlation_id,
        state,
    from {{ source('platform', 'dead_letter') }}

)

select * from final
