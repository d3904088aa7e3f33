{#-
  Entities that several systems may hold, with the relation that has one row per system and record. What has a
  reconciliation of its own (bills, routings, stock, orders) is not here.
-#}
{%- set entities = {
    'item': 'stg_item',
    'item_plant': 'item_plant',
    'item_revision': 'item_revision',
    'item_unit_conversion': 'item_unit_conversion',
    'supplier': 'supplier',
    'supplier_item': 'supplier_item',
    'approved_manufacturer': 'approved_manufacturer',
    'plant_location': 'plant_location',
    'document': 'document',
    'engineering_change': 'engineering_change',
    'engineering_change_plant': 'engineering_change_plant',
} -%}

with

items as (

    select
        item_number,
        item_type,
    from {{ ref('item') }}

),

owners as (

    select
        entity,
        attribute,
        plant_id,
        item_type,
        source_system,
        priority,
        conflict,
        steward,
    from {{ source('estate', 'attribute_owner') }}

),

tolerances as (

    select
        attribute,
        max(absolute) as absolute,
        max(relative) as relative,
    from {{ source('estate', 'tolerance') }}
    group by attribute

),

weights as (

    select
        code,
        numerator::double / denominator as factor,
    from {{ ref('unit_of_measure_unece') }}
    where dimension = 'mass' and numerator is not null

),

{% for entity, relation in entities.items() -%}
    {%- set contract = landing_contract(entity) -%}
    {%- set key = contract['key'] | reject('equalto', 'source_system') | list -%}
    {%- set attributes = contract['columns'] | reject('in', key) | list -%}
    -- records that several systems hold, and of which some attribute isn't the same in all
    {{ entity }}_contested as (

        select
            {%- for column in key %}
                {{ column }},
            {%- endfor %}
        from {{ ref(relation) }}
        group by {{ key | join(', ') }}
        having
            min(source_system) <> max(source_system)
            and (
                {%- for attribute in attributes %}
                    {{ 'or ' if not loop.first }}min({{ attribute }}) <> max({{ attribute }})
                {%- endfor %}
            )

    ),

    {{ entity }}_values as (

        select
            '{{ entity }}' as entity,
            concat_ws('/', records.{{ key | join(', records.') }}) as object_key,
            {{ 'records.item_number' if 'item_number' in key + attributes else 'null::varchar' }} as item_number,
            {{ 'records.plant_id' if 'plant_id' in key else 'null::varchar' }} as plant_id,
            records.source_system,
            {# a weight has its unit with it, so that a kilogram isn't 2.2 times a pound -#}
            {{ 'records.net_weight_unit' if entity == 'item' else 'null::varchar' }} as weight_unit,
            unnest([
                {%- for attribute in attributes %}
                    { 'name': '{{ attribute }}', 'value': records.{{ attribute }}::varchar }{{ ',' if not loop.last }}
                {%- endfor %}
            ]) as attribute,
        from {{ ref(relation) }} as records
        semi join {{ entity }}_contested as contested
            on
            {%- for column in key %}
                {{ 'and ' if not loop.first }}records.{{ column }} is not distinct from contested.{{ column }}
            {%- endfor %}

    ),

{% endfor -%}
said as (

    {% for entity in entities -%}
        select * from {{ entity }}_values
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

weighed as (

    select
        said.entity,
        said.object_key,
        said.item_number,
        said.plant_id,
        items.item_type,
        said.source_system,
        said.attribute.name as attribute,
        said.attribute.value as value,
        try_cast(said.attribute.value as double)
        * if(said.attribute.name = 'net_weight', coalesce(weights.factor, 1), 1) as number,
    from said
    left join items on said.item_number = items.item_number
    left join weights on said.weight_unit = weights.code
    where said.attribute.value is not null

),

-- rule 36: for each record the narrowest rule: of its plant and type, of its plant, of its type, of all
ruled as (

    select
        weighed.*,
        owners.source_system as owner_system,
        owners.priority,
        owners.conflict,
        owners.steward,
    from weighed
    inner join owners
        on weighed.entity = owners.entity
        and weighed.attribute = owners.attribute
        and (owners.plant_id is null or weighed.plant_id = owners.plant_id)
        and (owners.item_type is null or weighed.item_type = owners.item_type)
    qualify rank() over (
        partition by weighed.entity, weighed.object_key, weighed.attribute
        order by (owners.plant_id is not null)::integer * 2 + (owners.item_type is not null)::integer desc
    ) = 1

),

ranked as (

    select
        entity,
        object_key,
        item_number,
        plant_id,
        attribute,
        source_system,
        any_value(value) as value,
        any_value(number) as number,
        -- a system that no rule names comes after all that one does
        coalesce(any_value(priority) filter (owner_system = source_system), 9999) as priority,
        any_value(conflict) as conflict,
        any_value(steward) as steward,
    from ruled
    group by entity, object_key, item_number, plant_id, attribute, source_system

),

owned as (

    select
        *,
        first_value(value) over best as owned_value,
        first_value(number) over best as owned_number,
        first_value(source_system) over best as value_source,
    from ranked
    window best as (
        partition by entity, object_key, attribute
        order by priority asc, source_system asc
        rows between unbounded preceding and unbounded following
    )

),

-- rule 38: what the estate calls equal is equal
judged as (

    select
        owned.*,
        case
            when owned.value = owned.owned_value then false
            when owned.number is null or owned.owned_number is null then true
            else abs(owned.number - owned.owned_number) > greatest(
                coalesce(tolerances.absolute, 0),
                coalesce(tolerances.relative, 0) * greatest(abs(owned.number), abs(owned.owned_number))
            )
        end as is_different,
    from owned
    left join tolerances on tolerances.attribute = owned.entity || '.' || owned.attribute

),

final as (

    select
        entity,
        object_key,
        item_number,
        plant_id,
        attribute,
        any_value(owned_value) as owned_value,
        any_value(value_source) as value_source,
        any_value(conflict) as conflict,
        any_value(steward) as steward,
        map_from_entries(list((source_system, value) order by source_system)) as system_values,
        list(source_system order by source_system) filter (is_different) as differing_systems,
    from judged
    group by entity, object_key, item_number, plant_id, attribute
    having bool_or(is_different)

)

select * from final
