with

requirements as (

    select
        plant_id,
        component_item_number,
        level_max,
    from {{ ref('item_requirement') }}
    where requirement_kind = 'component'

),

cycle_members as (

    select distinct
        plant_id,
        unnest(cycle_path) as item_number,
    from {{ ref('bom_cycle') }}
    where structure = 'reconciled'

),

-- every item of the structure, the ones that nothing holds on level 0
mentions as (

    select
        plant_id,
        component_item_number as item_number,
        level_max,
    from requirements
    union all
    select
        plant_id,
        parent_item_number as item_number,
        0 as level_max,
    from {{ ref('item_structure') }}

),

final as (

    select
        mentions.plant_id,
        mentions.item_number,
        max(mentions.level_max) as low_level_code,
        bool_or(cycle_members.item_number is not null) as is_in_cycle,
    from mentions
    left join cycle_members
        on mentions.plant_id = cycle_members.plant_id
        and mentions.item_number = cycle_members.item_number
    group by mentions.plant_id, mentions.item_number

)

select * from final
