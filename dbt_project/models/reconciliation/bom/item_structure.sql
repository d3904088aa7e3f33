with

lines as (

    select * from {{ ref('reconciled_bom_line') }}

),

in_effect as (

    select
        source_system,
        plant_id,
        parent_item_number,
        usage,
        alternative,
        revision,
        line_id,
    from {{ ref('effective_bom_line') }}

),

refused as (

    select * from {{ ref('effective_bom_line') }}
    where refusal_reason is not null

),

structure_systems as (

    select distinct
        plant_id,
        parent_item_number,
        source_system,
    from lines

),

item_plants as (

    select
        item_number,
        plant_id,
        bool_or(is_phantom) as is_phantom,
    from {{ ref('item_plant') }}
    group by item_number, plant_id

),

items as (

    select
        item_number,
        item_type,
    from {{ ref('item') }}

),

agreed as (

    select
        lines.plant_id,
        lines.parent_item_number,
        lines.line_id,
        lines.component_item_number,
        lines.quantity_per,
        lines.unit,
        lines.is_fixed_quantity,
        lines.scrap_fraction,
        lines.scrap_method,
        lines.assembly_scrap_fraction,
        lines.is_net,
        lines.alternate_group,
        lines.alternate_priority,
        lines.usage_probability,
        lines.is_phantom,
        lines.line_type,
        lines.source_system,
    from lines
    inner join in_effect
        on lines.source_system = in_effect.source_system
        and lines.plant_id = in_effect.plant_id
        and lines.parent_item_number = in_effect.parent_item_number
        and lines.usage is not distinct from in_effect.usage
        and lines.alternative is not distinct from in_effect.alternative
        and lines.revision is not distinct from in_effect.revision
        and lines.line_id = in_effect.line_id

),

-- a refused line stays in the structure with an unknown quantity, or its parents would look complete
with_refused as (

    select * from agreed
    union all
    select
        refused.plant_id,
        refused.parent_item_number,
        refused.line_id,
        refused.component_item_number,
        null as quantity_per,
        refused.unit,
        refused.is_fixed_quantity,
        coalesce(refused.scrap_fraction, 0) as scrap_fraction,
        refused.scrap_method,
        coalesce(refused.assembly_scrap_fraction, 0) as assembly_scrap_fraction,
        refused.is_net,
        refused.alternate_group,
        refused.alternate_priority,
        refused.usage_probability,
        refused.is_phantom,
        refused.line_type,
        refused.source_system,
    from refused
    left join structure_systems
        on refused.plant_id = structure_systems.plant_id
        and refused.parent_item_number = structure_systems.parent_item_number
    where structure_systems.source_system is null or structure_systems.source_system = refused.source_system

),

-- rule 12: one member of a group of alternates; a member with a probability of 0 never
chosen_members as (

    select *
    from with_refused
    where {{ may_be_member() }}
    qualify
        alternate_group is null
        or row_number() over (
            partition by plant_id, parent_item_number, alternate_group
            order by
                {{ alternate_order() }}
        ) = 1

),

-- rule 10: both scraps
scrapped as (

    select
        *,
        {{ quantity_with_scrap() }} as quantity_with_scrap,
    from chosen_members

),

final as (

    select
        scrapped.plant_id,
        scrapped.parent_item_number,
        scrapped.line_id,
        scrapped.component_item_number,
        scrapped.unit,
        scrapped.is_fixed_quantity,
        scrapped.line_type,
        -- rule 14: what comes out of an order is a requirement below zero
        cast(
            case
                when scrapped.line_type in ('by_product', 'co_product') then -abs(scrapped.quantity_with_scrap)
                else scrapped.quantity_with_scrap
            end as decimal(38, 12)
        ) as quantity_per,
        case
            when scrapped.line_type in ('by_product', 'co_product') then scrapped.line_type
            else 'component'
        end as requirement_kind,
        -- rule 11: the line's own word, then the plant's, then the item's
        {{ is_phantom_component('scrapped', 'item_plants', 'items') }} as is_phantom,
        scrapped.source_system,
    from scrapped
    left join item_plants
        on scrapped.component_item_number = item_plants.item_number
        and scrapped.plant_id = item_plants.plant_id
    left join items on scrapped.component_item_number = items.item_number

)

select * from final
