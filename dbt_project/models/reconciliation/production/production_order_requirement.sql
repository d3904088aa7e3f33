with recursive

{{ order_bill_lines() }},

-- only where a shop floor tells what it takes can that be held against anything
reporting_plants as (

    select distinct plant_id
    from {{ ref('material_consumption') }}

),

-- what went through an order that has ended is what its components were for, however many were planned
orders as (

    select
        postings.production_order_number as order_key,
        postings.plant_id,
        postings.item_number,
        postings.bom_alternative,
        postings.judged_at,
        case when items_with_lot_sizes.parent_item_number is not null then postings.quantity end as lot_quantity,
        case
            when postings.status in ('completed', 'closed')
                then coalesce(nullif(postings.completed_quantity + postings.scrapped_quantity, 0), postings.quantity)
            else postings.quantity
        end as order_quantity,
        1 as orders,
    from {{ ref('production_order_posting') }} as postings
    inner join reporting_plants on postings.plant_id = reporting_plants.plant_id
    left join items_with_lot_sizes
        on postings.plant_id = items_with_lot_sizes.plant_id
        and postings.item_number = items_with_lot_sizes.parent_item_number
    where postings.is_started

),

{{ order_leaves() }},

final as (

    select
        plant_id,
        order_key as production_order_number,
        component_item_number as item_number,
        alternate_key,
        is_chosen,
        any_value(unit) as unit,
        cast(sum(quantity) as decimal(28, 6)) as quantity,
        any_value(judged_at) as judged_at,
    from leaves
    group by plant_id, order_key, component_item_number, alternate_key, is_chosen

)

select * from final
