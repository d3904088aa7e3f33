with

rows_now as (

    select * from {{ ref('stg_purchase_order_line') }}

),

factors as (

    {{ with_base_unit('rows_now') }}

),

final as (

    select
        source_system,
        purchase_order_number,
        line_number,
        item_number,
        revision,
        plant_id,
        quantity,
        unit,
        due_at,
        promised_at,
        unit_price,
        currency,
        received_quantity,
        rejected_quantity,
        stocked_quantity,
        cancelled_quantity,
        status,
        native_item_number,
        {{ to_base_unit('quantity') }} as base_quantity,
        {{ to_base_unit('received_quantity') }} as base_received_quantity,
        {{ to_base_unit('rejected_quantity') }} as base_rejected_quantity,
        {{ to_base_unit('stocked_quantity') }} as base_stocked_quantity,
        {{ to_base_unit('cancelled_quantity') }} as base_cancelled_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
