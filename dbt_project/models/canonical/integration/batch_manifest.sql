with

final as (

    select
        batch_id,
        source_system,
        extract_name,
        entity,
        delivery,
        state,
        reason,
        completeness,
        rows_read,
        rows_filtered,
        rows_received,
        rows_landed,
        rows_rejected,
        content_hash,
        supersedes,
        file_names,
        extracted_at,
        landed_at,
        run_id,
    from {{ source('platform', 'batch_manifest') }}

)

select * from final
