with

items_at_plants as (

    select
        source_system,
        plant_id,
        item_number,
        standard_cost,
        currency,
    from {{ ref('item_plant') }}

),

cost_periods as (

    select
        source_system,
        plant_id,
        item_number,
        standard_cost,
        currency,
        effective_from,
    from {{ ref('item_cost') }}
    where {{ is_effective('effective_from', 'effective_to', as_of()) }}

),

plants as (

    select
        plant_id,
        currency,
    from {{ source('estate', 'plant') }}

),

system_plants as (

    select
        source_system,
        plant_id,
    from {{ source('estate', 'system_plant') }}

),

owners as (

    select
        source_system,
        min(priority) as priority,
    from {{ source('estate', 'attribute_owner') }}
    where entity = 'item_plant' and attribute = 'standard_cost'
    group by source_system

),

-- A cost of zero means that nobody costed the item, so its stakes are unknown rather than nothing.
-- The item's current cost at the plant first; where none is kept, the cost whose period holds now
candidates as (

    select
        plant_id,
        item_number,
        standard_cost,
        currency,
        source_system,
        1 as preference,
        cast(null as timestamptz) as effective_from,
    from items_at_plants
    where standard_cost <> 0

    union all

    select
        system_plants.plant_id,
        cost_periods.item_number,
        cost_periods.standard_cost,
        cost_periods.currency,
        cost_periods.source_system,
        case when cost_periods.plant_id is not null then 2 else 3 end as preference,
        cost_periods.effective_from,
    from cost_periods
    inner join system_plants
        on cost_periods.source_system = system_plants.source_system
        and (cost_periods.plant_id = system_plants.plant_id or cost_periods.plant_id is null)
    where cost_periods.standard_cost <> 0

),

final as (

    select
        candidates.plant_id,
        candidates.item_number,
        cast(candidates.standard_cost as decimal(18, 6)) as standard_cost,
        coalesce(candidates.currency, plants.currency) as currency,
        candidates.source_system as standard_cost_source,
    from candidates
    left join plants on candidates.plant_id = plants.plant_id
    left join owners on candidates.source_system = owners.source_system
    qualify row_number() over (
        partition by candidates.plant_id, candidates.item_number
        order by
            candidates.preference asc,
            owners.priority asc nulls last,
            candidates.effective_from desc nulls last,
            candidates.source_system asc
    ) = 1

)

select * from final
