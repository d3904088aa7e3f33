{#- Every instant that a model compares with as_of; a model that compares another adds it here. -#}
{%- set instants = [
    ('bom_line_at_plant', 'effective_from'),
    ('bom_line_at_plant', 'effective_to'),
    ('item_revision', 'effective_from'),
    ('item_revision', 'effective_to'),
    ('item_cost', 'effective_from'),
    ('item_cost', 'effective_to'),
    ('item_price', 'effective_from'),
    ('item_price', 'effective_to'),
    ('item_sales_period', 'effective_from'),
    ('item_sales_period', 'effective_to'),
    ('routing_operation', 'effective_from'),
    ('routing_operation', 'effective_to'),
    ('purchase_order_line', 'due_at'),
    ('production_order', 'scheduled_start_at'),
    ('production_order', 'scheduled_end_at'),
    ('production_order', 'due_at'),
    ('production_operation', 'scheduled_start_at'),
    ('production_operation', 'scheduled_end_at'),
    ('inventory_movement', 'event_at'),
    ('inventory_balance', 'as_of'),
] -%}

with

run as (

    select as_of from {{ source('platform', 'run') }}

),

{% for model, column in instants -%}
    {{ model }}_{{ column }} as (

        select min({{ column }}) as changes_at
        from {{ ref(model) }}
        where {{ column }} > {{ as_of() }}

    ),

{% endfor -%}
-- KPIs are of a day: each plant's next midnight opens another.
next_day as (

    select
        min(
            (cast(date_trunc('day', {{ as_of() }} at time zone plant.timezone) as timestamp) + interval '1 day')
            at time zone plant.timezone
        ) as changes_at,
    from {{ source('estate', 'plant') }} as plant

),

changes as (

    select changes_at from next_day
    union all
    {% for model, column in instants -%}
        select changes_at from {{ model }}_{{ column }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

final as (

    select
        run.as_of,
        (select min(changes.changes_at) from changes) as valid_until,
    from run

)

select * from final
