with

final as (

    select
        source_system,
        purchase_order_number,
        supplier_number,
        status,
        ordered_at,
        shipped_at,
        currency,
        ship_method,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_purchase_order') }}

)

select * from final
