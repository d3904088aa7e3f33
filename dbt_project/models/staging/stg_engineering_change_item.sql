{{ config(materialized='ephemeral') }}

with

current_rows as (

    {{ current_rows('engineering_change_item') }}

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
        current_rows.change_number,
        current_rows.line_id,
        coalesce(item_ids.item_number, current_rows.item_number) as item_number,
        current_rows.action,
        coalesce(parent_ids.item_number, current_rows.parent_item_number) as parent_item_number,
        coalesce(old_ids.item_number, current_rows.old_component_item_number) as old_component_item_number,
        coalesce(new_ids.item_number, current_rows.new_component_item_number) as new_component_item_number,
        current_rows.from_revision,
        current_rows.to_revision,
        current_rows.old_quantity,
        current_rows.new_quantity,
        current_rows.unit,
        current_rows.item_number as native_item_number,
        current_rows.parent_item_number as native_parent_item_number,
        current_rows.old_component_item_number as native_old_component_item_number,
        current_rows.new_component_item_number as native_new_component_item_number,
        current_rows.batch_id,
        current_rows.correlation_id,
        current_rows.recorded_at,
    from current_rows
    left join item_ids
        on current_rows.source_system = item_ids.source_system
        and current_rows.item_number = item_ids.native_id
    left join item_ids as parent_ids
        on current_rows.source_system = parent_ids.source_system
        and current_rows.parent_item_number = parent_ids.native_id
    left join item_ids as old_ids
        on current_rows.source_system = old_ids.source_system
        and current_rows.old_component_item_number = old_ids.native_id
    left join item_ids as new_ids
        on current_rows.source_system = new_ids.source_system
        and current_rows.new_component_item_number = new_ids.native_id

)

select * from final
