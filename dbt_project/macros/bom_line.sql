{#- What identifies a line at a plant, in one system. -#}
{% macro bom_line_key() -%}
    source_system, plant_id, parent_item_number, usage, alternative, revision, line_id
{%- endmacro %}


{#- What is known of a line, in the order in which bom_line, bom_line_refused and bom_line_history publish it. -#}
{% macro bom_line_columns() -%}
    position, component_item_number, component_revision, quantity_per, unit, is_fixed_quantity, scrap_fraction,
    scrap_method, assembly_scrap_fraction, is_net, operation_sequence, alternate_group, alternate_priority,
    usage_probability, is_phantom, line_type, reference_designators, is_manufacturing_only, effective_from,
    effective_to, engineering_change_in, engineering_change_out, source_quantity, source_unit, base_quantity,
    header_status, lot_size_from, lot_size_to, batch_id, correlation_id
{%- endmacro %}
