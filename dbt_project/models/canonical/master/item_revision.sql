with

final as (

    select
        source_system,
        item_number,
        revision,
        revision_sequence,
        status,
        effective_from,
        effective_to,
        engineering_change_number,
        supersedes,
        native_item_number,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_item_revision') }}

)

select * from final
