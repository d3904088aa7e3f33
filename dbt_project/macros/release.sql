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
