with

current_rows as (

    {{ current_rows('production_confirmation', is_large=true) }}

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
        current_rows.event_id,
        current_rows.production_order_number,
        current_rows.plant_id,
        current_rows.operation_sequence,
        coalesce(item_ids.item_number, current_rows.item_number) as item_number,
        current_rows.yield_quantity,
        current_rows.scrap_quantity,
        current_rows.rework_quantity,
        current_rows.unit,
        current_rows.reason_code,
        current_rows.event_at,
        current_rows.operator_hash,
        current_rows.erp_posting_reference,
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
