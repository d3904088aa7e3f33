-- The shares that findings explain add up to each difference, up to what the estate tolerates of a balance.
with

comparisons as (

    select *
    from {{ ref('inventory_comparison') }}
    where compared is not null

),

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

),

sides as (

    select
        coalesce(comparisons.plant_id, explained.plant_id) as plant_id,
        coalesce(comparisons.item_number, explained.item_number) as item_number,
        coalesce(comparisons.location, explained.location) as location,
        coalesce(comparisons.difference, 0) as difference,
        coalesce(explained.explained_quantity, 0) as explained_quantity,
        coalesce(
            case when comparisons.compared = 'erp_wms' then comparisons.wms_quantity else comparisons.ledger_quantity end, 0
        ) as compared_quantity,
    from comparisons
    full outer join explained
        on comparisons.plant_id = explained.plant_id
        and comparisons.location is not distinct from explained.location
        and comparisons.item_number = explained.item_number
        and comparisons.lot_number is not distinct from explained.lot_number
        and comparisons.stock_status = explained.stock_status
        and comparisons.ownership = explained.ownership

)

select
    plant_id,
    location,
    item_number,
    difference,
    explained_quantity,
from sides
where not {{ within_tolerance(
    '(compared_quantity + difference - explained_quantity)', 'compared_quantity', 'inventory_balance.quantity'
) }}
