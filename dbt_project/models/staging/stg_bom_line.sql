with

current_rows as (

    {{ current_rows('bom_line') }}

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
        current_rows.line_id,
        current_rows.position,
        coalesce(component_ids.item_number, current_rows.component_item_number) as component_item_number,
        current_rows.component_revision,
        current_rows.quantity,
        current_rows.unit,
        current_rows.is_fixed_quantity,
        current_rows.component_scrap,
        current_rows.scrap_method,
        current_rows.assembly_scrap,
        current_rows.is_net,
        current_rows.operation_sequence,
        current_rows.alternate_group,
        current_rows.alternate_priority,
        current_rows.usage_probability,
        current_rows.is_phantom,
        current_rows.line_type,
        current_rows.reference_designators,
        current_rows.applicable_plants,
        current_rows.effective_from,
        current_rows.effective_to,
        current_rows.engineering_change_in,
        current_rows.engineering_change_out,
        current_rows.is_manufacturing_only,
        current_rows.parent_item_number as native_parent_item_number,
        current_rows.component_item_number as native_component_item_number,
        current_rows.batch_id,
        current_rows.correlation_id,
        current_rows.recorded_at,
    from current_rows
    left join item_ids as parent_ids
        on current_rows.source_system = parent_ids.source_system
        and current_rows.parent_item_number = parent_ids.native_id
    left join item_ids as component_ids
        on current_rows.source_system = component_ids.source_system
        and current_rows.component_item_number = component_ids.native_id

)

select * from final
