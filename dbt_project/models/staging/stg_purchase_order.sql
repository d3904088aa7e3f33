with

current_rows as (

    {{ current_rows('purchase_order') }}

),

final as (

    select
        current_rows.source_system,
        current_rows.purchase_order_number,
        current_rows.supplier_number,
        current_rows.status,
        current_rows.ordered_at,
        current_rows.shipped_at,
        current_rows.currency,
        current_rows.ship_method,
        current_rows.batch_id,
        current_rows.correlation_id,
        current_rows.recorded_at,
    from current_rows

)

select * from final
