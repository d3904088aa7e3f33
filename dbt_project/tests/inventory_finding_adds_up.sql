-- The shares that findings explain add up to each difference exactly, and equal positions have none.
with

explained as (

    select
        plant_id,
        location,
        item_number,
        lot_number,
        stock_status,
        ownership,
        sum(quantity) as explained_quantity,
    from {{ ref('inventory_finding') }}
    where explains_difference
    group by all

)

select
    comparisons.plant_id,
    comparisons.location,
    comparisons.item_number,
    comparisons.difference,
    explained.explained_quantity,
from {{ ref('inventory_comparison') }} as comparisons
full outer join explained
    on comparisons.plant_id = explained.plant_id
    and comparisons.location is not distinct from explained.location
    and comparisons.item_number = explained.item_number
    and comparisons.lot_number is not distinct from explained.lot_number
    and comparisons.stock_status = explained.stock_status
    and comparisons.ownership = explained.ownership
where
    comparisons.item_number is null
    or case when comparisons.is_match then 0 else coalesce(comparisons.difference, 0) end
    <> coalesce(explained.explained_quantity, 0)
