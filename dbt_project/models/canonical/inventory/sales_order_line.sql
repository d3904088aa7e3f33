with

rows_now as (

    select * from {{ ref('stg_sales_order_line') }}

),

factors as (

    {{ with_base_unit('rows_now') }}

),

final as (

    select
        source_system,
        sales_order_number,
        line_number,
        plant_id,
        customer,
        item_number,
        revision,
        quantity,
        unit,
        requested_at,
        promised_at,
        shipped_quantity,
        status,
        unit_price,
        currency,
        native_item_number,
        {{ to_base_unit('quantity') }} as base_quantity,
        {{ to_base_unit('shipped_quantity') }} as base_shipped_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
