with

current_rows as (

    {{ current_rows('production_order') }}

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
        current_rows.production_order_number,
        current_rows.plant_id,
        coalesce(item_ids.item_number, current_rows.item_number) as item_number,
        current_rows.revision,
        current_rows.bom_alternative,
        current_rows.quantity,
        current_rows.unit,
        current_rows.completed_quantity,
        current_rows.scrapped_quantity,
        current_rows.scrap_reason,
        current_rows.scheduled_start_at,
        current_rows.scheduled_end_at,
        current_rows.due_at,
        current_rows.actual_start_at,
        current_rows.actual_end_at,
        current_rows.status,
        current_rows.status_source,
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
