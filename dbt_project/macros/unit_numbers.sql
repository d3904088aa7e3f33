{#-
  Where a serial or lot number stands to a range, both ends included: before, in_range, after, or elsewhere when it can't be
  compared. Numbers of one kind begin alike, and their last digits count as a number: SN-100 comes after SN-99, which text
  would sort the other way round. Letters behind them tell parts of one apart: L7-2A, L7-2B, L7-3A. `last_number` may be
  null: then the range has no end.
-#}
{% macro unit_place(number, first_number, last_number) -%}
    case
        when {{ number }} = {{ first_number }} or {{ number }} = {{ last_number }} then 'in_range'
        when coalesce({{ _unit_prefix(number) }} <> {{ _unit_prefix(first_number) }}, true) then 'elsewhere'
        when {{ _unit_count(number) }} < {{ _unit_count(first_number) }} then 'before'
        when
            {{ last_number }} is null
            or (
                {{ _unit_prefix(number) }} = {{ _unit_prefix(last_number) }}
                and {{ _unit_count(number) }} <= {{ _unit_count(last_number) }}
            )
            then 'in_range'
        when {{ _unit_prefix(number) }} = {{ _unit_prefix(last_number) }} then 'after'
        else 'elsewhere'
    end
{%- endmacro %}


{% macro _unit_prefix(number) -%}
    case when regexp_matches({{ number }}, '[0-9]') then regexp_replace({{ number }}, '[0-9]+[^0-9]*$', '') end
{%- endmacro %}


{% macro _unit_count(number) -%}
    row(
        try_cast(regexp_extract({{ number }}, '([0-9]+)[^0-9]*$', 1) as hugeint),
        regexp_extract({{ number }}, '[^0-9]*$')
    )
{%- endmacro %}
