{{ config(materialized='ephemeral') }}

with

current_rows as (

    {{ current_rows('document') }}

),

item_ids as (

    select
        source_system,
        native_id,
        item_number,
    from {{ ref('item_native_id') }}

),

final as (

    select
        current_rows.source_system,
        coalesce(item_ids.item_number, current_rows.item_number) as item_number,
        current_rows.document_number,
        current_rows.version,
        current_rows.kind,
        current_rows.status,
        current_rows.content_hash,
        current_rows.effective_from,
        current_rows.item_number as native_item_number,
        current_rows.batch_id,
        current_rows.correlation_id,
        current_rows.recorded_at,
    from current_rows
    left join item_ids
        on current_rows.source_system = item_ids.source_system
        and current_rows.item_number = item_ids.native_id

)

select * from final
