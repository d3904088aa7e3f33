{{ config(materialized='ephemeral') }}

with

current_rows as (

    {{ current_rows('reservation') }}

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
        current_rows.reservation_number,
        current_rows.line_number,
        current_rows.plant_id,
        current_rows.location,
        coalesce(item_ids.item_number, current_rows.item_number) as item_number,
        current_rows.lot_number,
        current_rows.quantity,
        current_rows.unit,
        current_rows.required_at,
        current_rows.reference_type,
        current_rows.reference_number,
        current_rows.reference_line,
        current_rows.status,
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
