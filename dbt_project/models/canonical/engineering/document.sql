with

final as (

    select
        source_system,
        item_number,
        document_number,
        version,
        kind,
        status,
        content_hash,
        effective_from,
        native_item_number,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_document') }}

)

select * from final
