with

{% set events = [
    ('inventory_movement', 'event_at'), ('production_confirmation', 'event_at'), ('material_consumption', 'event_at'),
] -%}
events as (

    {% for entity, instant in events -%}
        select
            source_system,
            {{ instant }} as happened_at,
            recorded_at,
        from {{ ref(entity) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

messages as (

    -- Back-dated postings tell of a day, not of an instant: they would show the habit, not the interface.
    select
        cast(null as varchar) as plant_id,
        source_system as breakdown,
        {{ elapsed_hours('happened_at', 'recorded_at') }} as hours,
    from events
    where {{ in_kpi_window('recorded_at') }} and happened_at <= recorded_at

),

median as (

    {{ kpi_percentile('message_latency_p50', 'messages', 'messages.hours', 0.5, breakdown=true) }}

),

slow as (

    {{ kpi_percentile('message_latency_p95', 'messages', 'messages.hours', 0.95, breakdown=true) }}

),

final as (

    select * from median
    union all
    select * from slow

)

select * from final
