{#- referring relation, its column, what it names, whether rows have a plant -#}
{%- set references = [
    ('item_plant', 'item_number', 'item', true),
    ('item_revision', 'item_number', 'item', false),
    ('item_unit_conversion', 'item_number', 'item', false),
    ('routing_operation', 'item_number', 'item', true),
    ('approved_manufacturer', 'item_number', 'item', false),
    ('document', 'item_number', 'item', false),
    ('supplier_item', 'item_number', 'item', false),
    ('engineering_change_item', 'item_number', 'item', false),
    ('purchase_order_line', 'item_number', 'item', true),
    ('purchase_requisition', 'item_number', 'item', true),
    ('production_order', 'item_number', 'item', true),
    ('production_order_component', 'item_number', 'item', false),
    ('material_consumption', 'item_number', 'item', true),
    ('inventory_balance', 'item_number', 'item', true),
    ('inventory_movement', 'item_number', 'item', false),
    ('reservation', 'item_number', 'item', true),
    ('sales_order_line', 'item_number', 'item', true),
    ('quality_hold', 'item_number', 'item', true),
    ('nonconformance', 'item_number', 'item', true),
    ('supplier_item', 'supplier_number', 'supplier', false),
    ('purchase_order', 'supplier_number', 'supplier', false),
    ('approved_manufacturer', 'supplier_number', 'supplier', false),
    ('inventory_balance', 'location', 'location', true),
    ('routing_operation', 'work_instruction_number', 'document', true),
    ('production_order', 'revision', 'revision', true),
] -%}
{%- set targets = {
    'item': ['item', 'item_number'],
    'supplier': ['supplier', 'supplier_number'],
    'document': ['document', 'document_number'],
    'location': ['plant_location', 'location'],
    'revision': ['item_revision', 'revision'],
} -%}

with

{% for target, (relation, column) in targets.items() -%}
    known_{{ target }} as (

        select distinct
            {{ column }} as identifier,
            {{ {'location': 'plant_id', 'revision': 'item_number'}.get(target, 'null::varchar') }} as scope,
        from {{ ref(relation) }}

    ),

{% endfor -%}
{% for relation, column, target, has_plant in references -%}
    {%- set scope = {'location': 'records.plant_id', 'revision': 'records.item_number'}.get(target) -%}
    -- a manufacturer that never delivers the records has nothing to resolve against
    unresolved_{{ loop.index }} as (

        select
            '{{ relation }}' as entity,
            '{{ column }}' as attribute,
            '{{ target }}' as identifies,
            records.source_system,
            {{ 'records.plant_id' if has_plant else 'null::varchar' }} as plant_id,
            {{ "records.item_number || ' '" ~ ' || ' if target == 'revision' }}records.{{ column }} as identifier,
            count(*) as records,
            min(records.correlation_id) as correlation_id,
        from {{ ref(relation) }} as records
        anti join known_{{ target }} as known
            on records.{{ column }} = known.identifier
            {%- if scope %}
                and {{ scope }} = known.scope
            {%- endif %}
        where
            records.{{ column }} is not null
            and exists (
                select 1 from known_{{ target }}
                {%- if scope %}
                    where {{ scope }} = known_{{ target }}.scope
                {%- endif %}
            )
        group by
            records.source_system,
            {%- if has_plant %}
                records.plant_id,
            {%- endif %}
            {{ 'records.item_number, ' if target == 'revision' }}records.{{ column }}

    ),

{% endfor -%}
final as (

    {% for reference in references -%}
        select * from unresolved_{{ loop.index }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select * from final
