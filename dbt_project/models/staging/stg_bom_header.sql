with

current_rows as (

    {{ current_rows('bom_header') }}

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
        coalesce(parent_ids.item_number, current_rows.parent_item_number) as parent_item_number,
        current_rows.plant_id,
        current_rows.usage,
        current_rows.alternative,
        current_rows.revision,
        current_rows.base_quantity,
        current_rows.unit,
        current_rows.status,
        current_rows.effective_from,
        current_rows.effective_to,
        current_rows.lot_size_from,
        current_rows.lot_size_to,
        current_rows.engineering_change_number,
        current_rows.parent_item_number as native_parent_item_number,
        current_rows.batch_id,
        current_rows.correlation_id,
        current_rows.recorded_at,
    from current_rows
    left join item_ids as parent_ids
        on current_rows.source_system = parent_ids.source_system
        and current_rows.parent_item_number = parent_ids.native_id

)

select * from final
