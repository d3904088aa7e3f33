with

items as (

    select * from {{ ref('structure_item') }}

),

-- in numbers: naming what every assembly needs of everything takes longer than finding the lowest level
lowest_levels as (

    select
        component_id,
        max(level_max) as level,
    from {{ ref('numbered_requirement') }}
    where kind_code = 0
    group by component_id

),

-- every item of the structure, the ones that nothing holds on level 0; what only comes out has no level
final as (

    select
        items.plant_id,
        items.item_number,
        cast(coalesce(lowest_levels.level, 0) as integer) as low_level_code,
        items.is_cyclic as is_in_cycle,
    from items
    left join lowest_levels on items.item_id = lowest_levels.component_id
    where items.has_bill or lowest_levels.level is not null

)

select * from final
