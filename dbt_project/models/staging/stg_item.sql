with

current_rows as (

    {{ current_rows('item') }}

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
        coalesce(item_ids.item_number, current_rows.item_number) as item_number,
        current_rows.description,
        current_rows.base_unit,
        current_rows.item_type,
        current_rows.product_family,
        current_rows.lifecycle_status,
        current_rows.procurement_type,
        current_rows.is_lot_tracked,
        current_rows.is_serial_tracked,
        current_rows.is_sold,
        current_rows.net_weight,
        current_rows.net_weight_unit,
        current_rows.drawing_number,
        current_rows.is_regulated,
        current_rows.is_hazardous,
        current_rows.is_export_controlled,
        current_rows.is_rohs_compliant,
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
