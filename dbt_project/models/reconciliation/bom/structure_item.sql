-- A small number instead of plant and item: what is joined and grouped most must be narrow, and texts of many rows cost
-- more to store than to calculate.
with

structure as (

    select
        plant_id,
        parent_item_number,
        component_item_number,
        unit,
    from {{ ref('item_structure') }}

),

cycle_members as (

    select distinct
        plant_id,
        unnest(cycle_path) as item_number,
    from {{ ref('bom_cycle') }}
    where structure = 'reconciled'

),

named as (

    select
        plant_id,
        item_number,
        min(unit) as unit,
        bool_or(is_parent) as has_bill,
    from (
        select
            plant_id,
            component_item_number as item_number,
            unit,
            false as is_parent,
        from structure
        union all
        select distinct
            plant_id,
            parent_item_number as item_number,
            null as unit,
            true as is_parent,
        from structure
    ) as mentioned
    group by plant_id, item_number

),

final as (

    select
        cast(row_number() over () as integer) as item_id,
        named.plant_id,
        named.item_number,
        named.unit,
        named.has_bill,
        cycle_members.item_number is not null as is_cyclic,
    from named
    left join cycle_members
        on named.plant_id = cycle_members.plant_id
        and named.item_number = cycle_members.item_number

)

select * from final
