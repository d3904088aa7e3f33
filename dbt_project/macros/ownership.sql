{#-
  Rank of each system for the named attributes of an entity at each plant (rule 36): one row per plant and source system,
  one column <attribute>_priority, smaller is believed first. A rule for the plant hides the general one. Systems that no
  rule names come after all others, in the order of their kinds' usual authority for product structure.
-#}
{% macro owner_priorities(entity, attributes) -%}
    select
        served.plant_id,
        served.source_system,
        {%- for attribute in attributes %}
        coalesce(
            min(owners.priority) filter (owners.attribute = '{{ attribute }}'),
            case systems.kind when 'plm' then 1001 when 'erp' then 1002 when 'mes' then 1003 else 1004 end
        ) as {{ attribute }}_priority,
        {%- endfor %}
    from {{ source('estate', 'system_plant') }} as served
    inner join {{ source('estate', 'system') }} as systems on served.source_system = systems.source_system
    left join (
        select
            rules.attribute,
            rules.source_system,
            rules.priority,
            plants.plant_id,
        from {{ source('estate', 'attribute_owner') }} as rules
        inner join {{ source('estate', 'plant') }} as plants on coalesce(rules.plant_id, plants.plant_id) = plants.plant_id
        where rules.entity = '{{ entity }}' and rules.item_type is null
        qualify rank() over (
            partition by rules.attribute, plants.plant_id order by (rules.plant_id is not null) desc
        ) = 1
    ) as owners
        on served.source_system = owners.source_system
        and served.plant_id = owners.plant_id
    group by served.plant_id, served.source_system, systems.kind
{%- endmacro %}


{#-
  The value of an attribute that the best-placed system has, and that system (rule 36): two columns for a select that
  groups by the entity's key. `rows` needs source_system and `ranks`, a map of attribute → priority.
-#}
{% macro owned_attribute(attribute) -%}
    {%- set rank = "lpad(coalesce(ranks['" ~ attribute ~ "'], 9999)::varchar, 4, '0') || source_system" -%}
    arg_min({{ attribute }}, {{ rank }}) filter ({{ attribute }} is not null) as {{ attribute }},
        arg_min(source_system, {{ rank }}) filter ({{ attribute }} is not null) as {{ attribute }}_source
{%- endmacro %}


{#-
  What the estate says about an entity's attributes at each plant (rule 36): one row per plant and attribute, with what a
  differing value means (report, tolerate or block) and the role that mends it. A rule for the plant hides the general one.
-#}
{% macro attribute_rules(entity) -%}
    select
        plant_id,
        attribute,
        any_value(conflict) as conflict,
        any_value(steward) as steward,
    from (
        select
            plants.plant_id,
            rules.attribute,
            rules.conflict,
            rules.steward,
        from {{ source('estate', 'attribute_owner') }} as rules
        inner join {{ source('estate', 'plant') }} as plants on coalesce(rules.plant_id, plants.plant_id) = plants.plant_id
        where rules.entity = '{{ entity }}' and rules.item_type is null
        qualify rank() over (
            partition by rules.attribute, plants.plant_id order by (rules.plant_id is not null) desc
        ) = 1
    ) as narrowest
    group by plant_id, attribute
{%- endmacro %}
