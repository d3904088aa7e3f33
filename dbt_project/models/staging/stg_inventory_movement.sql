with

current_rows as (

    {{ current_rows('inventory_movement', is_large=true) }}

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
        current_rows.event_id,
        current_rows.movement_type,
        current_rows.movement_class,
        coalesce(item_ids.item_number, current_rows.item_number) as item_number,
        current_rows.quantity,
        current_rows.unit,
        current_rows.from_plant_id,
        current_rows.to_plant_id,
        current_rows.from_location,
        current_rows.to_location,
        current_rows.from_status,
        current_rows.to_status,
        current_rows.from_lot,
        current_rows.to_lot,
        current_rows.serial_number,
        current_rows.from_ownership,
        current_rows.to_ownership,
        current_rows.reference_type,
        current_rows.reference_number,
        current_rows.reference_line,
        current_rows.reversal_of,
        current_rows.event_at,
        current_rows.posting_date,
        current_rows.amount,
        current_rows.currency,
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
