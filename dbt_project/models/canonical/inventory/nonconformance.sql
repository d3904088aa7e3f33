with

rows_now as (

    select * from {{ ref('stg_nonconformance') }}

),

factors as (

    {{ with_base_unit('rows_now') }}

),

final as (

    select
        source_system,
        nonconformance_id,
        plant_id,
        item_number,
        lot_number,
        production_order_number,
        supplier_number,
        quantity,
        unit,
        defect_code,
        disposition,
        status,
        raised_at,
        closed_at,
        native_item_number,
        {{ to_base_unit('quantity') }} as base_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
