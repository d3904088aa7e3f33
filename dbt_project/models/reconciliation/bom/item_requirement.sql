{{ config(materialized='view') }}

with

requirements as (

    select * from {{ ref('numbered_requirement') }}

),

items as (

    select * from {{ ref('structure_item') }}

),

final as (

    select
        roots.plant_id,
        roots.item_number as root_item_number,
        components.item_number as component_item_number,
        case requirements.kind_code when 0 then 'component' when 1 then 'by_product' else 'co_product' end
            as requirement_kind,
        requirements.quantity_per_root,
        requirements.scaling_quantity,
        requirements.fixed_quantity,
        components.unit,
        cast(requirements.level_min as integer) as level_min,
        cast(requirements.level_max as integer) as level_max,
        requirements.paths,
        not components.has_bill as is_leaf,
        requirements.is_complete,
    from requirements
    inner join items as roots on requirements.root_id = roots.item_id
    inner join items as components on requirements.component_id = components.item_id

)

select * from final
