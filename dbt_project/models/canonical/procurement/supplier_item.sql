with

final as (

    select
        source_system,
        supplier_number,
        item_number,
        supplier_part_number,
        order_unit,
        lead_time_days,
        minimum_quantity,
        maximum_quantity,
        on_order_quantity,
        price,
        currency,
        last_receipt_at,
        last_receipt_price,
        last_changed_at,
        native_item_number,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_supplier_item') }}

)

select * from final
