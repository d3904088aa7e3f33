with

rows_now as (

    select * from {{ ref('stg_transfer_order') }}

),

factors as (

    {{ with_base_unit('rows_now') }}

),

final as (

    select
        source_system,
        transfer_order_number,
        line_number,
        from_plant_id,
        from_location,
        to_plant_id,
        to_location,
        item_number,
        lot_number,
        quantity,
        shipped_quantity,
        received_quantity,
        unit,
        shipped_at,
        received_at,
        status,
        native_item_number,
        {{ to_base_unit('quantity') }} as base_quantity,
        {{ to_base_unit('shipped_quantity') }} as base_shipped_quantity,
        {{ to_base_unit('received_quantity') }} as base_received_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
