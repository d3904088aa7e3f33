{#-
  Where a serial or lot number stands to a range, both ends included: before, in_range, after, or elsewhere when it can't be
  compared. Numbers of one kind begin alike and end in digits, which count as a number: SN-100 comes after SN-99, which text
  would sort the other way round. `last_number` may be null: then the range has no end.
-#}
{% macro unit_place(number, first_number, last_number) -%}
    case
        when {{ number }} = {{ first_number }} or {{ number }} = {{ last_number }} then 'in_range'
        when {{ _unit_prefix(number) }} is distinct from {{ _unit_prefix(first_number) }} then 'elsewhere'
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
    case when regexp_matches({{ number }}, '[0-9]$') then regexp_replace({{ number }}, '[0-9]+$', '') end
{%- endmacro %}


{% macro _unit_count(number) -%}
    try_cast(regexp_extract({{ number }}, '[0-9]+$') as hugeint)
{%- endmacro %}
