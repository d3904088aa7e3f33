{#-
  When another system's value of a bill's line differs from the reference's: pairs of an attribute of bom_line and a
  condition, in which `{other}` stands for erp or mes. For bom_comparison, whose columns it uses.
-#}
{% macro bom_line_conditions() -%}
    {%- set conditions = [
        ('quantity', "ref_is_fixed_quantity = {other}_is_fixed_quantity and ref_quantity_per is not null and "
            ~ "{other}_quantity_per is not null and not "
            ~ within_tolerance('ref_quantity_per', '{other}_quantity_per', 'bom_line.quantity')),
        ('unit', 'ref_source_unit <> {other}_source_unit and ref_quantity_per is not null and {other}_quantity_per is not null'),
        ('is_fixed_quantity', 'ref_is_fixed_quantity <> {other}_is_fixed_quantity'),
        ('component_scrap', "coalesce({other}_tells_component_scrap, false) and (not "
            ~ within_tolerance('coalesce(ref_scrap_fraction, 0)', 'coalesce({other}_scrap_fraction, 0)',
                'bom_line.component_scrap')
            ~ " or (ref_scrap_fraction > 0 and {other}_scrap_fraction > 0 and coalesce(ref_scrap_method, 'multiply') "
            ~ "<> coalesce({other}_scrap_method, 'multiply')))"),
        ('assembly_scrap', "coalesce({other}_tells_assembly_scrap, false) and not "
            ~ within_tolerance('coalesce(ref_assembly_scrap_fraction, 0)', 'coalesce({other}_assembly_scrap_fraction, 0)',
                'bom_line.assembly_scrap')),
        ('is_phantom', 'ref_is_phantom <> {other}_is_phantom'),
        ('alternate_group', "coalesce({other}_tells_alternate_group, false) and (ref_alternate_group is null) "
            ~ "<> ({other}_alternate_group is null)"),
        ('alternate_priority', 'ref_{other}_rank <> {other}_rank'),
        ('usage_probability', 'ref_usage_probability is not null and {other}_usage_probability is not null and not '
            ~ within_tolerance('ref_usage_probability', '{other}_usage_probability', 'bom_line.usage_probability')),
        ('component_revision', '{other}_component_revision <> coalesce(ref_component_revision, current_revision)'),
        ('effective_from', 'ref_effective_from <> {other}_effective_from'),
        ('effective_to', 'ref_effective_to is distinct from {other}_effective_to'),
        ('reference_designators', "coalesce({other}_tells_reference_designators, false) and not "
            ~ same_designators('ref_reference_designators', '{other}_reference_designators')),
        ('position', 'ref_position <> {other}_position'),
    ] -%}
    {{ return(conditions) }}
{%- endmacro %}
