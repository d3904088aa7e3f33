with

rows_now as (

    select * from {{ ref('stg_purchase_requisition') }}

),

factors as (

    {{ with_base_unit('rows_now') }}

),

final as (

    select
        source_system,
        requisition_number,
        line_number,
        item_number,
        revision,
        plant_id,
        quantity,
        unit,
        due_at,
        status,
        purchase_order_number,
        purchase_order_line_number,
        native_item_number,
        {{ to_base_unit('quantity') }} as base_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
