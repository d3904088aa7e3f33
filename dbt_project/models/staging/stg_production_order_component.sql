{{ config(materialized='ephemeral') }}

with

current_rows as (

    {{ current_rows('production_order_component') }}

),

item_ids as (

    select
        source_system,
        native_id,
        item_number,
    from {{ ref('item_native_id') }}

),

final as (

    select
        current_rows.source_system,
        current_rows.production_order_number,
        current_rows.plant_id,
        current_rows.line_id,
        coalesce(item_ids.item_number, current_rows.item_number) as item_number,
        current_rows.component_revision,
        current_rows.quantity,
        current_rows.unit,
        current_rows.operation_sequence,
        current_rows.is_backflushed,
        current_rows.item_number as native_item_number,
        current_rows.batch_id,
        current_rows.correlation_id,
        current_rows.recorded_at,
    from current_rows
    left join item_ids
        on current_rows.source_system = item_ids.source_system
        and current_rows.item_number = item_ids.native_id

)

select * from final
