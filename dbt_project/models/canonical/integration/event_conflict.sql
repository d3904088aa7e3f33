with

conflicts as (

    select * from ({{ event_conflicts('inventory_movement') }}) as inventory_movements
    union all
    select * from ({{ event_conflicts('material_consumption') }}) as material_consumptions
    union all
    select * from ({{ event_conflicts('production_confirmation') }}) as production_confirmations

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
