with

lines as (

    select * from {{ ref('bom_line_at_plant') }}

),

final as (

    select
        source_system,
        plant_id,
        parent_item_number,
        usage,
        alternative,
        revision,
        line_id,
        position,
        component_item_number,
        component_revision,
        quantity_per,
        unit,
        is_fixed_quantity,
        scrap_fraction,
        scrap_method,
        assembly_scrap_fraction,
        is_net,
        operation_sequence,
        alternate_group,
        alternate_priority,
        usage_probability,
        is_phantom,
        line_type,
        reference_designators,
        is_manufacturing_only,
        effective_from,
        effective_to,
        engineering_change_in,
        engineering_change_out,
        source_quantity,
        source_unit,
        base_quantity,
        header_status,
        lot_size_from,
        lot_size_to,
        batch_id,
        correlation_id,
        recorded_at,
        refusal_reason,
    from lines
    where refusal_reason is not null

)

select * from final
