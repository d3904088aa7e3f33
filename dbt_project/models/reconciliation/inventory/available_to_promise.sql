with

stock as (

    select
        plant_id,
        item_number,
        sum(available + allocated) as quantity,
        max(unit) as unit,
    from {{ ref('inventory_state') }}
    group by plant_id, item_number

),

-- the day after the last one, on which what nobody took is lost
perishing as (

    select
        plant_id,
        item_number,
        expiry_date + 1 as day,
        sum(available + allocated) as quantity,
    from {{ ref('inventory_state') }}
    where expiry_date is not null and available + allocated > 0
    group by plant_id, item_number, expiry_date

),

changes as (

    select
        plant_id,
        item_number,
        due_date as day,
        max(unit) as unit,
        coalesce(sum(quantity) filter (where direction = 'supply'), 0) as supply,
        coalesce(sum(quantity) filter (where direction = 'demand'), 0) as demand,
        coalesce(sum(quantity) filter (where direction = 'supply' and is_overdue), 0) as overdue_supply,
    from {{ ref('inventory_supply_demand') }}
    group by plant_id, item_number, due_date

),

today as (

    select
        plant_id,
        cast(timezone(timezone, {{ as_of() }}) as date) as day,
    from {{ source('estate', 'plant') }}

),

-- Every item with stock or with something open has today; other days are there where something changes.
days as (

    select
        stock.plant_id,
        stock.item_number,
        today.day,
    from stock
    inner join today on stock.plant_id = today.plant_id

    union

    select
        changes.plant_id,
        changes.item_number,
        today.day,
    from changes
    inner join today on changes.plant_id = today.plant_id

    union

    select
        plant_id,
        item_number,
        day,
    from changes

    union

    select
        plant_id,
        item_number,
        day,
    from perishing

),

summed as (

    select
        days.plant_id,
        days.item_number,
        days.day,
        coalesce(changes.unit, stock.unit, max(changes.unit) over (partition by days.plant_id, days.item_number)) as unit,
        coalesce(stock.quantity, 0) as usable_stock,
        coalesce(changes.supply, 0) as supply,
        coalesce(changes.demand, 0) as demand,
        coalesce(changes.overdue_supply, 0) as overdue_supply,
        coalesce(stock.quantity, 0) + sum(coalesce(changes.supply, 0) - coalesce(changes.demand, 0)) over by_day
            as documented_quantity,
        -- of what is past its last day, what demand of before leaves over: it takes first what expires first
        greatest(
            sum(coalesce(perishing.quantity, 0)) over by_day
            - (sum(coalesce(changes.demand, 0)) over by_day - coalesce(changes.demand, 0)), 0
        ) as not_needed,
    from days
    left join stock on days.plant_id = stock.plant_id and days.item_number = stock.item_number
    left join changes
        on days.plant_id = changes.plant_id
        and days.item_number = changes.item_number
        and days.day = changes.day
    left join perishing
        on days.plant_id = perishing.plant_id
        and days.item_number = perishing.item_number
        and days.day = perishing.day
    window by_day as (partition by days.plant_id, days.item_number order by days.day asc)

),

-- what is lost once stays lost
projected as (

    select
        *,
        max(not_needed) over (partition by plant_id, item_number order by day asc) as lost,
    from summed

),

-- What can be promised for a day without breaking what is promised already: the least that documents leave from then on,
-- less what is lost by then. What is lost later can still be promised.
final as (

    select
        plant_id,
        item_number,
        day,
        cast(usable_stock as decimal(28, 6)) as usable_stock,
        cast(supply as decimal(28, 6)) as supply,
        cast(demand as decimal(28, 6)) as demand,
        cast(overdue_supply as decimal(28, 6)) as overdue_supply,
        cast(
            lost - lag(lost, 1, 0) over (partition by plant_id, item_number order by day asc) as decimal(28, 6)
        ) as expiring,
        cast(documented_quantity - lost as decimal(28, 6)) as projected_quantity,
        cast(
            greatest(
                min(documented_quantity) over (
                    partition by plant_id, item_number order by day asc rows between current row and unbounded following
                ) - lost, 0
            ) as decimal(28, 6)
        ) as available_to_promise,
        unit,
    from projected

)

select * from final
