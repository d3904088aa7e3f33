with recursive

{{ order_bill_lines() }},

-- orders of one item with one start share their bill, so they are added up before the join; only where lot sizes choose
-- the bill does each size stand for itself
orders as (

    select
        cast(null as varchar) as order_key,
        postings.plant_id,
        postings.item_number,
        postings.bom_alternative,
        postings.judged_at,
        case when items_with_lot_sizes.parent_item_number is not null then postings.quantity end as lot_quantity,
        sum(postings.quantity) as order_quantity,
        count(*) as orders,
    from {{ ref('production_order_posting') }} as postings
    left join items_with_lot_sizes
        on postings.plant_id = items_with_lot_sizes.plant_id
        and postings.item_number = items_with_lot_sizes.parent_item_number
    where postings.is_started
    group by all

),

{{ order_leaves() }},

final as (

    select
        plant_id,
        component_item_number as item_number,
        max(unit) as unit,
        cast(sum(quantity) as decimal(28, 6)) as demand_quantity,
        cast(sum(orders) as bigint) as bill_line_uses,
        count(distinct parent_item_number) as parent_items,
    from leaves
    where is_chosen
    group by plant_id, component_item_number

)

select * from final
