{%- set kinds = ['plm', 'erp', 'mes'] -%}
{#- attribute, column shown, class, severity, what to do; {systems} are those that differ -#}
{%- set differences = [
    ('work_center', 'work_center', 'work_center', 'medium',
        'Agree where the operation is done, and correct {systems}.'),
    ('setup_time', 'setup_minutes', 'setup_time', 'medium', 'Agree on the setup time, and correct {systems}.'),
    ('run_time', 'run_minutes', 'run_time', 'medium',
        'Agree on the time per piece, or capacity and cost are wrong; correct {systems}.'),
    ('yield_fraction', 'yield_fraction', 'yield', 'medium', 'Agree on the expected yield, and correct {systems}.'),
    ('revision', 'revision', 'revision', 'high', 'Bring the routing in {systems} to the released revision.'),
    ('work_instruction_number', 'work_instruction_number', 'work_instruction', 'high',
        'Show the operator the right document: correct {systems}.'),
    ('work_instruction_version', 'work_instruction_version', 'work_instruction', 'high',
        'Show the operator the released version: correct {systems}.'),
    ('effective_from', 'effective_from', 'effectivity', 'medium', 'Align the dates in {systems}.'),
    ('effective_to', 'effective_to', 'effectivity', 'medium', 'Align the dates in {systems}.'),
] -%}

with

comparison as (

    select * from {{ ref('routing_comparison') }}

),

operations as (

    select * from {{ ref('routing_operation') }}

),

units as (

    select code from {{ ref('unit_of_measure_unece') }}
    where dimension = 'time' and numerator is not null

),

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

rules as (

    {{ attribute_rules('routing_operation') }}

),

missing as (

    select
        plant_id,
        item_number,
        alternative,
        operation_sequence,
        case when is_missing_in_plm then 'missing_in_plm' when is_missing_in_erp then 'missing_in_erp' else 'missing_in_mes' end
            as finding_class,
        'operation' as attribute,
        'high' as severity,
        {% for kind in kinds -%}
            {{ kind }}_work_center as {{ kind }}_value,
        {% endfor -%}
        case when is_missing_in_plm then 'Release the operation, or take it out again.' else 'Enter the operation.' end
            as suggested_action,
        to_json({ 'plm': plm_source_system, 'erp': erp_source_system, 'mes': mes_source_system })::varchar as evidence,
    from comparison
    where is_missing_in_plm or is_missing_in_erp or is_missing_in_mes

),

{% for kind in kinds -%}
    {{ kind }}_attributes as (

        select
            * exclude (erp_differences, mes_differences),
            '{{ kind }}' as kind,
            {{ kind }}_source_system as source_system,
            unnest(list_distinct(
                {% if kind == 'plm' %}[]::varchar[]{% else %}{{ kind }}_differences{% endif %}
                || if(is_{{ kind }}_outdated, ['work_instruction_version'], []::varchar[])
            )) as attribute,
        from comparison

    ),

{% endfor -%}
-- one row per operation and attribute, whoever differs
differing_attributes as (

    {% for kind in kinds -%}
        select * from {{ kind }}_attributes
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

differing_systems as (

    select
        differing_attributes.plant_id,
        differing_attributes.item_number,
        differing_attributes.alternative,
        differing_attributes.operation_sequence,
        differing_attributes.attribute,
        string_agg(differing_attributes.source_system, ' and ' order by differing_attributes.source_system) as systems,
    from differing_attributes
    group by
        differing_attributes.plant_id,
        differing_attributes.item_number,
        differing_attributes.alternative,
        differing_attributes.operation_sequence,
        differing_attributes.attribute

),

ruled as (

    select
        comparison.*,
        differing_systems.attribute,
        differing_systems.systems,
        coalesce(rules.conflict, 'report') as conflict,
    from differing_systems
    inner join comparison
        on differing_systems.plant_id = comparison.plant_id
        and differing_systems.item_number = comparison.item_number
        and differing_systems.alternative = comparison.alternative
        and differing_systems.operation_sequence = comparison.operation_sequence
    left join rules
        on differing_systems.plant_id = rules.plant_id
        and differing_systems.attribute = rules.attribute
    -- rule 36: what the estate tolerates is nobody's work
    where coalesce(rules.conflict, 'report') <> 'tolerate'

),

differing as (

    select
        plant_id,
        item_number,
        alternative,
        operation_sequence,
        {{ by_attribute(differences, "'{class}'") }} as finding_class,
        attribute,
        case when conflict = 'block' then 'critical' else {{ by_attribute(differences, "'{severity}'") }} end as severity,
        {% for kind in kinds -%}
            {{ by_attribute(differences, kind ~ '_{column}::varchar') }} as {{ kind }}_value,
        {% endfor -%}
        replace({{ by_attribute(differences, "'{action}'") }}, '{systems}', systems) as suggested_action,
        to_json({
            'systems': systems, 'held_against': reference_kind, 'released_version': released_work_instruction_version
        })::varchar as evidence,
    from ruled

),

-- rule 19: a time in a unit that is none can't be compared
refused as (

    select
        operations.plant_id,
        operations.item_number,
        coalesce(operations.alternative, '1') as alternative,
        operations.operation_sequence,
        'unit' as finding_class,
        'time_unit' as attribute,
        'high' as severity,
        {% for kind in kinds -%}
            case when systems.kind = '{{ kind }}' then coalesce(operations.time_unit, 'none') end as {{ kind }}_value,
        {% endfor -%}
        'Give the times of ' || operations.source_system || ' in a unit of time.' as suggested_action,
        to_json({ 'source_system': operations.source_system, 'time_unit': operations.time_unit })::varchar as evidence,
    from operations
    inner join systems on operations.source_system = systems.source_system
    left join units on operations.time_unit = units.code
    where units.code is null and coalesce(operations.setup_time, operations.run_time) is not null

),

findings as (

    select * from missing
    union all
    select * from differing
    union all
    select * from refused

),

final as (

    select
        {{ finding_id('findings.finding_class', [
            'findings.plant_id', 'findings.item_number', 'findings.alternative', 'findings.operation_sequence',
            'findings.attribute', 'findings.evidence']) }} as finding_id,
        findings.plant_id,
        findings.item_number,
        findings.alternative,
        findings.operation_sequence,
        findings.finding_class,
        findings.attribute,
        findings.severity,
        coalesce(rules.steward, {{ owner_role('routing', 'findings.finding_class') }}) as owner_role,
        findings.plm_value,
        findings.erp_value,
        findings.mes_value,
        coalesce(rules.conflict = 'block', false) as is_blocking,
        findings.suggested_action,
        findings.evidence,
    from findings
    left join rules
        on findings.plant_id = rules.plant_id
        and findings.attribute = rules.attribute

)

select * from final
