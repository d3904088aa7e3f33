{#- The one instant of the run (rule 3), as a scalar. From a table, because a dbt variable would force a full parse. -#}
{% macro as_of() -%}
    (select run.as_of from {{ source('platform', 'run') }} as run)
{%- endmacro %}


{#- Whether a half-open period [from, to) holds at an instant (rule 1). An open end is null. -#}
{% macro is_effective(effective_from, effective_to, instant) -%}
    (({{ effective_from }} is null or {{ effective_from }} <= {{ instant }})
        and ({{ effective_to }} is null or {{ effective_to }} > {{ instant }}))
{%- endmacro %}


{#- Whether two half-open periods share an instant (rules 1 and 2). -#}
{% macro periods_overlap(from_a, to_a, from_b, to_b) -%}
    (({{ from_a }} is null or {{ to_b }} is null or {{ from_a }} < {{ to_b }})
        and ({{ from_b }} is null or {{ to_a }} is null or {{ from_b }} < {{ to_a }}))
{%- endmacro %}


{#- Hours from one instant to another, to a hundredth; 0 where the second came first, null where one is unknown. -#}
{% macro hours_between(earlier, later) -%}
    case
        when {{ earlier }} is not null and {{ later }} is not null
            then cast(greatest(0, date_diff('second', {{ earlier }}, {{ later }})) / 3600.0 as decimal(18, 2))
    end
{%- endmacro %}
