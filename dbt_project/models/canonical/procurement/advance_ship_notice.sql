with

rows_now as (

    select * from {{ ref('stg_advance_ship_notice') }}

),

order_plants as (

    select
        purchase_order_number,
        line_number,
        case when count(distinct plant_id) = 1 then any_value(plant_id) end as plant_id,
    from {{ ref('purchase_order_line') }}
    group by purchase_order_number, line_number

),

-- a notice that names no plant goes where its order line goes
resolved as (

    select
        rows_now.* exclude (plant_id),
        coalesce(rows_now.plant_id, order_plants.plant_id) as plant_id,
    from rows_now
    left join order_plants
        on rows_now.purchase_order_number = order_plants.purchase_order_number
        and rows_now.purchase_order_line_number = order_plants.line_number

),

factors as (

    {{ with_base_unit('resolved') }}

),

final as (

    select
        source_system,
        asn_number,
        line_number,
        supplier_number,
        purchase_order_number,
        purchase_order_line_number,
        plant_id,
        item_number,
        quantity,
        unit,
        lot_number,
        shipped_at,
        expected_at,
        status,
        native_item_number,
        {{ to_base_unit('quantity') }} as base_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
