with

records as (

    select
        production_orders.plant_id,
        production_orders.production_order_number,
        production_orders.item_number,
        production_orders.base_quantity as quantity,
        production_orders.base_unit as unit,
        production_orders.status,
        systems.kind,
    from {{ ref('production_order') }} as production_orders
    inner join {{ source('estate', 'system') }} as systems on production_orders.source_system = systems.source_system
    where systems.kind in ('erp', 'mes')

),

-- only where both kinds deliver orders of a plant does an order that one of them lacks mean anything
compared_plants as (

    select plant_id
    from records
    group by plant_id
    having bool_or(kind = 'erp') and bool_or(kind = 'mes')

),

both_sides as (

    select
        plant_id,
        production_order_number,
        coalesce(max(item_number) filter (where kind = 'erp'), max(item_number)) as item_number,
        max(unit) as unit,
        max(quantity) filter (where kind = 'erp') as erp_quantity,
        max(quantity) filter (where kind = 'mes') as mes_quantity,
        max(status) filter (where kind = 'erp') as erp_status,
        max(status) filter (where kind = 'mes') as mes_status,
        max(item_number) filter (where kind = 'erp') as erp_item_number,
        max(item_number) filter (where kind = 'mes') as mes_item_number,
        bool_or(kind = 'erp') as has_erp,
        bool_or(kind = 'mes') as has_mes,
    from records
    where plant_id in (select compared_plants.plant_id from compared_plants)
    group by plant_id, production_order_number

),

judged as (

    select
        *,
        {{ within_tolerance('erp_quantity', 'mes_quantity', 'production_order.quantity') }} as is_same_quantity,
    from both_sides

),

final as (

    select
        plant_id,
        production_order_number,
        item_number,
        unit,
        erp_quantity,
        mes_quantity,
        erp_status,
        mes_status,
        erp_item_number,
        mes_item_number,
        has_erp,
        has_mes,
        is_same_quantity,
        has_erp
        and has_mes
        and is_same_quantity
        and coalesce(erp_item_number = mes_item_number, true)
        and coalesce(erp_status = mes_status, true) as is_match,
    from judged

)

select * from final
