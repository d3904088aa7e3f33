with

requirement as (

    select
        plant_id,
        root_item_number,
        component_item_number,
        scaling_quantity,
        fixed_quantity,
        is_complete,
    from {{ ref('item_requirement') }}
    where is_leaf

),

costs as (

    select
        plant_id,
        item_number,
        standard_cost,
        currency,
        standard_cost_source,
    from {{ ref('item_standard_cost') }}

),

plants as (

    select
        plant_id,
        currency,
    from {{ source('estate', 'plant') }}

),

lots as (

    select
        plant_id,
        item_number,
        max(lot_size) as lot_size,
    from {{ ref('item_plant') }}
    where lot_size > 0
    group by plant_id, item_number

),

-- one currency for each assembly: there are no rates of exchange, so a cost in another one is as good as none
priced as (

    select
        requirement.*,
        coalesce(lots.lot_size, 1) as lot_size,
        coalesce(root_costs.currency, plants.currency) as currency,
        root_costs.standard_cost,
        root_costs.standard_cost_source,
        case when leaf_costs.currency = coalesce(root_costs.currency, plants.currency) then leaf_costs.standard_cost end
            as leaf_cost,
    from requirement
    inner join plants on requirement.plant_id = plants.plant_id
    left join lots
        on requirement.plant_id = lots.plant_id
        and requirement.root_item_number = lots.item_number
    left join costs as root_costs
        on requirement.plant_id = root_costs.plant_id
        and requirement.root_item_number = root_costs.item_number
    left join costs as leaf_costs
        on requirement.plant_id = leaf_costs.plant_id
        and requirement.component_item_number = leaf_costs.item_number

),

-- rule 9: what an order needs once is shared by the pieces of a lot
shared as (

    select
        *,
        scaling_quantity + coalesce({{ decimal_divide('fixed_quantity', 'lot_size', 6, 6) }}, 0) as quantity_for_one,
    from priced

),

extended as (

    select
        *,
        try(cast(quantity_for_one as decimal(20, 6)) * leaf_cost) as cost,
    from shared

),

rolled as (

    select
        plant_id,
        root_item_number as item_number,
        lot_size,
        currency,
        standard_cost,
        standard_cost_source,
        cast(round(coalesce(sum(cost), 0), 6) as decimal(28, 6)) as material_cost,
        count(distinct component_item_number) as components,
        count(distinct component_item_number) filter (cost is not null) as components_costed,
        coalesce(
            list_sort(list(distinct component_item_number) filter (cost is null)), []::varchar[]
        ) as components_without_cost,
        bool_and(is_complete and cost is not null) as is_complete,
    from extended
    group by plant_id, root_item_number, lot_size, currency, standard_cost, standard_cost_source

),

final as (

    select
        plant_id,
        item_number,
        material_cost,
        standard_cost,
        case when is_complete then cast(standard_cost - material_cost as decimal(28, 6)) end as difference,
        case
            when is_complete
                then {{ decimal_divide('(standard_cost - material_cost)', 'nullif(standard_cost, 0)', 6, 6) }}
        end as difference_share,
        currency,
        standard_cost_source,
        lot_size,
        components,
        components_costed,
        {{ decimal_divide('components_costed', 'components', 6, 0) }} as coverage,
        components_without_cost,
        is_complete,
    from rolled

)

select * from final
