{#-
  Values that name something nobody delivered: one row per system, column and value, with how many rows name it.

  Any system's delivery counts, because one system may number what another one keeps. An item may also be named by the
  number that item_cross_reference gives it for that system. All landing views exist always, empty ones included, so
  they are read by name; source() would tie this check to every table that it looks into.
-#}
{% test references_resolve(model, references) %}
with

{% for reference in references -%}
{%- set target = api.Relation.create(database=model.database, schema=model.schema, identifier=reference.to_entity) -%}
named_by_{{ reference.column }} as (

    select
        source_system,
        '{{ reference.column }}' as column_name,
        {{ reference.column }} as value,
        count(*) as row_count,
    from {{ model }}
    where is_in_force and {{ reference.column }} is not null
    group by source_system, {{ reference.column }}

),

unresolved_{{ reference.column }} as (

    select named.*
    from named_by_{{ reference.column }} as named
    anti join (
        select {{ reference.to_column }} as value
        from {{ target }}
        where is_in_force
    ) as known on named.value = known.value
    {%- if reference.to_entity == 'item' %}
    anti join (
        select
            system,
            native_id,
        from {{ api.Relation.create(database=model.database, schema=model.schema, identifier='item_cross_reference') }}
        where is_in_force
    ) as numbers on named.source_system = numbers.system and named.value = numbers.native_id
    {%- endif %}

),

{% endfor -%}

final as (

    {% for reference in references -%}
    {{ 'union all' if not loop.first }}
    select
        source_system,
        column_name,
        value,
        row_count,
    from unresolved_{{ reference.column }}
    {% endfor %}
)

select * from final
{% endtest %}
