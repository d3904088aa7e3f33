{#- Attributes that stand for themselves; scraps, alternates and what makes the line (quantity, dates) go together. -#}
{%- set single = ['position', 'component_revision', 'reference_designators', 'operation_sequence', 'is_phantom',
    'is_manufacturing_only'] -%}

with

lines as (

    select * from {{ ref('bom_line_at_plant') }}
    where refusal_reason is null and line_type <> 'text'

),

priorities as (

    {{ owner_priorities('bom_line', ['quantity', 'component_scrap', 'alternate_priority'] + single) }}

),

ranked_lines as (

    select
        lines.*,
        coalesce(priorities.quantity_priority, 9999) as quantity_priority,
        coalesce(priorities.component_scrap_priority, 9999) as component_scrap_priority,
        coalesce(priorities.alternate_priority_priority, 9999) as alternate_priority_priority,
        {%- for attribute in single %}
            coalesce(priorities.{{ attribute }}_priority, 9999) as {{ attribute }}_priority,
        {%- endfor %}
    from lines
    left join priorities
        on lines.plant_id = priorities.plant_id
        and lines.source_system = priorities.source_system

),

-- the system believed for quantities gives the structure: which lines there are, and when they hold
structure_owners as (

    select
        plant_id,
        parent_item_number,
        arg_min(source_system, lpad(quantity_priority::varchar, 4, '0') || source_system) as source_system,
        count(distinct source_system) as systems,
    from ranked_lines
    group by plant_id, parent_item_number

),

owned_lines as (

    select
        ranked_lines.*,
        structure_owners.systems,
        row_number() over () as line_ordinal,
    from ranked_lines
    inner join structure_owners
        on ranked_lines.plant_id = structure_owners.plant_id
        and ranked_lines.parent_item_number = structure_owners.parent_item_number
        and ranked_lines.source_system = structure_owners.source_system

),

-- the same line elsewhere: same parent and component with a common period; per system the one most alike
counterparts as (

    select
        owned_lines.line_ordinal,
        others.*,
    from owned_lines
    inner join ranked_lines as others
        on owned_lines.plant_id = others.plant_id
        and owned_lines.parent_item_number = others.parent_item_number
        and owned_lines.component_item_number = others.component_item_number
        and owned_lines.source_system <> others.source_system
        and {{ periods_overlap(
            'owned_lines.effective_from', 'owned_lines.effective_to', 'others.effective_from', 'others.effective_to') }}
    where owned_lines.systems > 1
    qualify row_number() over (
        partition by owned_lines.line_ordinal, others.source_system
        order by
            (owned_lines.alternative is not distinct from others.alternative) desc,
            (owned_lines.operation_sequence is not distinct from others.operation_sequence) desc,
            others.effective_from desc nulls last,
            others.line_id asc
    ) = 1

),

voices as (

    {% for relation in ['owned_lines', 'counterparts'] -%}
        select
            line_ordinal,
            source_system,
            quantity_per,
            scrap_fraction,
            scrap_method,
            assembly_scrap_fraction,
            is_net,
            alternate_group,
            alternate_priority,
            usage_probability,
            is_fixed_quantity,
            component_scrap_priority,
            alternate_priority_priority,
            {%- for attribute in single %}
                {{ attribute }},
                {{ attribute }}_priority,
            {%- endfor %}
        from {{ relation }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- rule 36: per attribute, the value of the best-placed system that has one
winners as (

    select
        line_ordinal,
        arg_min(voices, component_scrap_priority) filter (
            scrap_fraction is not null or assembly_scrap_fraction is not null
        ) as scrap,
        arg_min(voices, alternate_priority_priority) filter (alternate_group is not null) as alternate,
        {%- for attribute in single %}
            arg_min({{ attribute }}, {{ attribute }}_priority) filter ({{ attribute }} is not null) as {{ attribute }},
            arg_min(source_system, {{ attribute }}_priority) filter ({{ attribute }} is not null)
                as {{ attribute }}_source,
        {%- endfor %}
        count(distinct source_system) as systems,
        max(quantity_per) as largest_quantity,
        min(quantity_per) as smallest_quantity,
        count(distinct is_fixed_quantity) as fixed_values,
        count(distinct is_phantom) as phantom_values,
        coalesce(max(scrap_fraction), 0) as largest_scrap,
        coalesce(min(scrap_fraction), 0) as smallest_scrap,
    from voices
    group by line_ordinal

),

final as (

    select
        owned_lines.plant_id,
        owned_lines.parent_item_number,
        owned_lines.source_system,
        owned_lines.usage,
        owned_lines.alternative,
        owned_lines.revision,
        owned_lines.line_id,
        winners.position,
        owned_lines.component_item_number,
        winners.component_revision,
        owned_lines.quantity_per,
        owned_lines.unit,
        owned_lines.is_fixed_quantity,
        coalesce(winners.scrap.scrap_fraction, 0) as scrap_fraction,
        coalesce(winners.scrap.scrap_method, 'multiply') as scrap_method,
        coalesce(winners.scrap.assembly_scrap_fraction, 0) as assembly_scrap_fraction,
        coalesce(winners.scrap.is_net, owned_lines.is_net) as is_net,
        winners.operation_sequence,
        winners.alternate.alternate_group as alternate_group,
        winners.alternate.alternate_priority as alternate_priority,
        winners.alternate.usage_probability as usage_probability,
        winners.is_phantom,
        owned_lines.line_type,
        winners.reference_designators,
        winners.is_manufacturing_only,
        owned_lines.effective_from,
        owned_lines.effective_to,
        -- how much, of what, in which unit and from when to when is one statement: it comes from one system
        {%- for attribute in ['quantity', 'unit', 'is_fixed_quantity', 'line_type', 'effective_from', 'effective_to'] %}
            owned_lines.source_system as {{ attribute }}_source,
        {%- endfor %}
        winners.scrap.source_system as scrap_fraction_source,
        winners.alternate.source_system as alternate_priority_source,
        {%- for attribute in single %}
            winners.{{ attribute }}_source,
        {%- endfor %}
        case
            when owned_lines.systems = 1 then 'single_source'
            when
                winners.systems = owned_lines.systems
                and {{ within_tolerance('winners.largest_quantity', 'winners.smallest_quantity', 'bom_line.quantity') }}
                and winners.fixed_values <= 1
                and winners.phantom_values <= 1
                and {{ within_tolerance('winners.largest_scrap', 'winners.smallest_scrap', 'bom_line.component_scrap') }}
                then 'agreed'
            else 'differing'
        end as status,
        owned_lines.batch_id,
        owned_lines.correlation_id,
        owned_lines.recorded_at,
    from owned_lines
    inner join winners on owned_lines.line_ordinal = winners.line_ordinal

)

select * from final
