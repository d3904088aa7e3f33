{#- The key is unique, nulls counting as values, and the named columns are never null. One test, so one query, a table. -#}
{% test key_holds(model, key, not_null=[]) %}

with

repeated as (

    select 'key repeated' as problem, count(*) as occurrences
    from {{ model }}
    group by {{ key | join(', ') }}
    having count(*) > 1

){% if not_null %},

incomplete as (

    select 'null in {{ not_null | join(' or ') }}' as problem, 1 as occurrences
    from {{ model }}
    where {% for column in not_null %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}

){% endif %}

select problem, occurrences from repeated
{%- if not_null %}
union all
select problem, occurrences from incomplete
{%- endif %}

{% endtest %}
