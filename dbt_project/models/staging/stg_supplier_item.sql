with

current_rows as (

    {{ current_rows('supplier_item') }}

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
        current_rows.supplier_number,
        coalesce(item_ids.item_number, current_rows.item_number) as item_number,
        current_rows.supplier_part_number,
        current_rows.order_unit,
        current_rows.lead_time_days,
        current_rows.minimum_quantity,
        current_rows.maximum_quantity,
        current_rows.on_order_quantity,
        current_rows.price,
        current_rows.currency,
        current_rows.last_receipt_at,
        current_rows.last_receipt_price,
        current_rows.last_changed_at,
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
