with

current_rows as (

    {{ current_rows('inventory_balance') }}

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
        current_rows.plant_id,
        current_rows.location,
        current_rows.bin,
        coalesce(item_ids.item_number, current_rows.item_number) as item_number,
        current_rows.lot_number,
        current_rows.serial_number,
        current_rows.stock_status,
        current_rows.ownership,
        current_rows.quantity,
        current_rows.unit,
        current_rows.expiry_date,
        current_rows.as_of,
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
