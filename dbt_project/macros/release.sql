{#- A quantity as text with all of its digits and no more: what a message tells is exact (rule 20). -#}
{% macro exact_number(value) -%}
    rtrim(rtrim(cast(cast({{ value }} as decimal(38, 12)) as varchar), '0'), '.')
{%- endmacro %}


{#- An instant as JSON has it, in UTC, with no more digits than it needs. -#}
{% macro iso_instant(instant) -%}
    regexp_replace(strftime(timezone('UTC', {{ instant }}), '%Y-%m-%dT%H:%M:%S.%f') || 'Z', '\.0+Z$', 'Z')
{%- endmacro %}


{#- The lines of a component in a bill, as a message tells them: what stands on a line, exact, in a fixed order. -#}
{% macro bill_lines_json(lines) -%}
    to_json(list({
        'component_item_number': {{ lines }}.component_item_number,
        'alternative': coalesce({{ lines }}.alternative, '1'),
        'position': {{ lines }}.position,
        'quantity_per': {{ exact_number(lines ~ '.quantity_per') }},
        'unit': {{ lines }}.unit,
        'is_fixed_quantity': {{ lines }}.is_fixed_quantity,
        'scrap_fraction': {{ exact_number('coalesce(' ~ lines ~ '.scrap_fraction, 0)') }},
        'scrap_method': coalesce({{ lines }}.scrap_method, 'multiply'),
        'assembly_scrap_fraction': {{ exact_number('coalesce(' ~ lines ~ '.assembly_scrap_fraction, 0)') }},
        'is_phantom': {{ lines }}.is_phantom,
        'alternate_group': {{ lines }}.alternate_group,
        'alternate_priority': {{ lines }}.alternate_priority,
        'reference_designators': {{ lines }}.reference_designators,
        'component_revision': {{ lines }}.component_revision,
        'effective_from': {{ iso_instant(lines ~ '.effective_from') }},
        'effective_to': {{ iso_instant(lines ~ '.effective_to') }}
    } order by
        coalesce({{ lines }}.alternative, '1') asc,
        {{ lines }}.effective_from asc nulls first,
        {{ lines }}.position asc nulls last,
        {{ lines }}.line_id asc
    ))::varchar
{%- endmacro %}


{#- A column of routing_comparison of one side (erp, mes, ref) as a message tells it. -#}
{% macro routing_value(side, column) -%}
    {%- if column in ['effective_from', 'effective_to'] -%}
        {{ iso_instant(side ~ '_' ~ column) }}
    {%- elif column in ['setup_minutes', 'run_minutes', 'yield_fraction'] -%}
        {{ exact_number(side ~ '_' ~ column) }}
    {%- else -%}
        {{ side }}_{{ column }}::varchar
    {%- endif -%}
{%- endmacro %}


{#-
  The steps of a query, up to `by_quantity`: from which moment on a target holds another quantity of a component than it
  is asked to, given the lines of both sides. Each change of either side is a moment that is looked at.
-#}
{% macro bill_quantity_differences(asked, held) -%}
sides as (

    {% for side, lines in [('asked', asked), ('held', held)] -%}
        select
            '{{ side }}' as side,
            target_system,
            target_kind,
            plant_id,
            parent_item_number,
            component_item_number,
            coalesce(alternative, '1') as alternative,
            quantity_per,
            greatest(effective_from, {{ as_of() }}) as effective_from,
            effective_to,
        from {{ lines }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

moments as (

    select distinct
        target_system,
        target_kind,
        plant_id,
        parent_item_number,
        component_item_number,
        unnest([{{ as_of() }}, effective_from, effective_to]) as moment,
    from sides

),

-- an item's alternative bills say the same of a component or each its own; the one with most of it stands for all
per_bill as (

    select
        moments.target_system,
        moments.plant_id,
        moments.parent_item_number,
        moments.component_item_number,
        moments.moment,
        sides.alternative,
        sum(sides.quantity_per) filter (where sides.side = 'asked') as asked_quantity,
        sum(sides.quantity_per) filter (where sides.side = 'held') as held_quantity,
    from moments
    left join sides
        on moments.target_system = sides.target_system
        and moments.plant_id = sides.plant_id
        and moments.parent_item_number = sides.parent_item_number
        and moments.component_item_number = sides.component_item_number
        and {{ is_effective('sides.effective_from', 'sides.effective_to', 'moments.moment') }}
    where moments.moment is not null
    group by
        moments.target_system, moments.plant_id, moments.parent_item_number, moments.component_item_number,
        moments.moment, sides.alternative

),

at_moment as (

    select
        target_system,
        plant_id,
        parent_item_number,
        component_item_number,
        moment,
        max(asked_quantity) as asked_quantity,
        max(held_quantity) as held_quantity,
    from per_bill
    group by target_system, plant_id, parent_item_number, component_item_number, moment

),

-- rule 38: within the tolerance nothing is asked
by_quantity as (

    select
        target_system,
        plant_id,
        parent_item_number,
        component_item_number,
        min(moment) as differs_from,
    from at_moment
    where not {{ within_tolerance('asked_quantity', 'held_quantity', 'bom_line.quantity') }}
    group by target_system, plant_id, parent_item_number, component_item_number

)
{%- endmacro %}
