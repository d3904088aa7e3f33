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
{% macro _kpi_select(kpi, relation, numerator, denominator, value, unit, family, breakdown, least='') -%}
    {%- set parts = [none] + (['product_family'] if family else []) + (['breakdown'] if breakdown else []) -%}
    {%- for part in parts -%}
        select
            '{{ kpi }}' as kpi,
            {{ relation }}.plant_id,
            {% if part == 'breakdown' %}{{ relation }}.breakdown{% else %}cast(null as varchar) as breakdown{% endif %},
            {% if part == 'product_family' -%}
                {{ relation }}.product_family
            {%- else -%}
                cast(null as varchar) as product_family
            {%- endif %},
            cast({{ numerator }} as decimal(28, 6)) as numerator,
            cast({{ denominator }} as decimal(28, 6)) as denominator,
            cast({{ value }} as decimal(28, 6)) as value,
            '{{ unit }}' as unit,
        from {{ relation }}
        {% if part %}where {{ relation }}.{{ part }} is not null{% endif %}
        group by {{ relation }}.plant_id{% if part %}, {{ relation }}.{{ part }}{% endif %}
        {% if least %}having {{ least }}{% endif %}
        {% if not loop.last %}union all {% endif -%}
    {%- endfor -%}
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
    {%- set count = 'count(' ~ measure ~ ')' -%}
    {{ _kpi_select(
        kpi, relation, 'sum(' ~ measure ~ ')', count, value, unit, family, breakdown, least=count ~ ' > 0'
    ) }}
{%- endmacro %}


{#- A sum; the denominator is how many rows it is of. -#}
{% macro kpi_sum(kpi, relation, measure, unit, family=true, breakdown=false) -%}
    {%- set total = 'coalesce(sum(' ~ measure ~ '), 0)' -%}
    {{ _kpi_select(kpi, relation, total, 'count(*)', total, unit, family, breakdown) }}
{%- endmacro %}
