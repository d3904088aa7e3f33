{%- set event_entities = [
    'change_log', 'cycle_count', 'inventory_movement', 'material_consumption', 'production_confirmation',
    'purchase_order_acknowledgement', 'sync_acknowledgement',
] -%}

with

conflicts as (

    {% for entity in event_entities -%}
        {{ 'union all' if not loop.first }}
        select * from ({{ event_conflicts(entity) }}) as {{ entity }}
    {% endfor %}
),

final as (

    select distinct
        entity,
        source_system,
        event_key,
        kept_batch_id,
        kept_content,
        refused_batch_id,
        refused_content,
        source_file,
        source_row,
        correlation_id,
        recorded_at,
    from conflicts

)

select * from final
