{#-
  Lines of one component in one assembly, paired between two systems (rule 7): CTEs `<name>_pair` with line_ordinal and
  slot_ordinal. Needs relations `slots` (slot_ordinal) and `rows` (line_ordinal), both with line_group, designators,
  position, operation_sequence and quantity_per.

  What is most alike goes together: the same places on the board, else the same position, operation and quantity, and so on
  down to whatever is left. Position alone decides nothing, because positions get renumbered.
-#}
{% macro line_pairs(name, slots, rows) -%}
    {%- set likeness = [
        ['designators'], ['position', 'operation_sequence', 'quantity_per'], ['operation_sequence', 'quantity_per'],
        ['quantity_per'], ['operation_sequence'], [],
    ] -%}
    {%- for columns in likeness %}
        {%- set pass = name ~ '_pass_' ~ loop.index %}
        {{ pass }} as (

            select
                free_lines.line_ordinal,
                free_slots.slot_ordinal,
            from (
                select
                    {{ rows }}.*,
                    row_number() over (
                        partition by {{ (['line_group'] + columns) | join(', ') }} order by line_ordinal
                    ) as turn,
                from {{ rows }}
                {%- for earlier in range(1, loop.index) %}
                anti join {{ name }}_pass_{{ earlier }} as earlier_{{ earlier }}
                    on {{ rows }}.line_ordinal = earlier_{{ earlier }}.line_ordinal
                {%- endfor %}
                {%- if columns == ['designators'] %}
                where designators is not null
                {%- endif %}
            ) as free_lines
            inner join (
                select
                    {{ slots }}.*,
                    row_number() over (
                        partition by {{ (['line_group'] + columns) | join(', ') }} order by slot_ordinal
                    ) as turn,
                from {{ slots }}
                {%- for earlier in range(1, loop.index) %}
                anti join {{ name }}_pass_{{ earlier }} as earlier_{{ earlier }}
                    on {{ slots }}.slot_ordinal = earlier_{{ earlier }}.slot_ordinal
                {%- endfor %}
            ) as free_slots
                on free_lines.line_group = free_slots.line_group
                and free_lines.turn = free_slots.turn
                {%- for column in columns %}
                and free_lines.{{ column }} is not distinct from free_slots.{{ column }}
                {%- endfor %}

        ),
    {%- endfor %}

    {{ name }}_pair as (

        {% for columns in likeness -%}
            select
                line_ordinal,
                slot_ordinal,
            from {{ name }}_pass_{{ loop.index }}
            {% if not loop.last %}union all
            {% endif %}
        {%- endfor %}
    )
{%- endmacro %}
