{#- Days of the window over which a KPI of flows looks back from the run's instant. -#}
{% macro kpi_window_days() %}30{% endmacro %}


{#- Whether an instant lies in the window (rule 1: half-open, here open at its beginning, so that as-of itself counts). -#}
{% macro in_kpi_window(instant) -%}
    ({{ instant }} > {{ as_of() }} - interval '{{ kpi_window_days() }} days' and {{ instant }} <= {{ as_of() }})
{%- endmacro %}


{#- Hours from one instant to another, exact to the second: rounded ones don't add up. -#}
{% macro elapsed_hours(earlier, later) -%}
    cast(date_diff('second', {{ earlier }}, {{ later }}) as decimal(18, 0)) / 3600
{%- endmacro %}


{#- Rows of one KPI: by plant, and by plant and product family or whatever else divides it. A relation gives plant_id,
    and product_family or breakdown as asked for; the sums are its rows'. Groups without a name have no row of their own:
    they are in their plant's. -#}
{% macro _kpi_select(kpi, relation, numerator, denominator, value, unit, family, breakdown) -%}
    select
        '{{ kpi }}' as kpi,
        {{ relation }}.plant_id,
        {% if breakdown %}{{ relation }}.breakdown{% else %}cast(null as varchar){% endif %} as breakdown,
        {% if family %}{{ relation }}.product_family{% else %}cast(null as varchar){% endif %} as product_family,
        cast({{ numerator }} as decimal(28, 6)) as numerator,
        cast({{ denominator }} as decimal(28, 6)) as denominator,
        cast({{ value }} as decimal(28, 6)) as value,
        '{{ unit }}' as unit,
    from {{ relation }}
    group by grouping sets (
        ({{ relation }}.plant_id)
        {%- if family %}, ({{ relation }}.plant_id, {{ relation }}.product_family){% endif %}
        {%- if breakdown %}, ({{ relation }}.plant_id, {{ relation }}.breakdown){% endif %}
    )
    having
        true
        {%- if family %} and (grouping({{ relation }}.product_family) = 1 or {{ relation }}.product_family is not null){% endif %}
        {%- if breakdown %} and (grouping({{ relation }}.breakdown) = 1 or {{ relation }}.breakdown is not null){% endif %}
{%- endmacro %}


{#- A share: rows for which a condition holds ÷ rows, or the sums of a weight over them. -#}
{% macro kpi_rate(kpi, relation, condition, weight='1', family=true, breakdown=false) -%}
    {%- set numerator = 'coalesce(sum(case when ' ~ condition ~ ' then ' ~ weight ~ ' end), 0)' -%}
    {%- set denominator = 'coalesce(sum(' ~ weight ~ '), 0)' -%}
    {%- set share = 'case when ' ~ denominator ~ ' > 0 then cast(' ~ numerator ~ ' as double) / ' ~ denominator ~ ' end' -%}
    {{ _kpi_select(kpi, relation, numerator, denominator, share, 'ratio', family, breakdown) }}
{%- endmacro %}


{#- A percentile of a measure; numerator and denominator are its sum and count, from which a mean can be made anew. -#}
{% macro kpi_percentile(kpi, relation, measure, percentile, unit='h', family=false, breakdown=false) -%}
    {%- set value = 'quantile_cont(cast(' ~ measure ~ ' as double), ' ~ percentile ~ ')' -%}
    {{ _kpi_select(kpi, relation, 'sum(' ~ measure ~ ')', 'count(' ~ measure ~ ')', value, unit, family, breakdown) }}
    and count({{ measure }}) > 0
{%- endmacro %}


{#- A sum; the denominator is how many rows it is of. -#}
{% macro kpi_sum(kpi, relation, measure, unit, family=true, breakdown=false) -%}
    {%- set total = 'coalesce(sum(' ~ measure ~ '), 0)' -%}
    {{ _kpi_select(kpi, relation, total, 'count(*)', total, unit, family, breakdown) }}
{%- endmacro %}
