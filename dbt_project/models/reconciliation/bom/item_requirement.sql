{#- Both only end what could otherwise grow without bound; no sound structure comes near them. -#}
{%- set deepest = 250 -%}
{%- set longest_way_in_cycle = 8 -%}

with recursive

assemblies as (

    select distinct
        plant_id,
        parent_item_number as item_number,
    from {{ ref('item_structure') }}

),

structure as (

    select
        item_structure.plant_id,
        item_structure.parent_item_number,
        item_structure.component_item_number,
        item_structure.is_fixed_quantity,
        item_structure.requirement_kind,
        -- rule 11: only a component with a bill can pass through; without one there is nothing to stand in its place
        (
            item_structure.is_phantom
            and item_structure.requirement_kind = 'component'
            and assemblies.item_number is not null
        ) as is_phantom,
        (
            item_structure.is_phantom
            and item_structure.requirement_kind = 'component'
            and assemblies.item_number is null
        ) as is_empty_phantom,
        assemblies.item_number is not null and item_structure.requirement_kind = 'component' as has_bill,
        cast(item_structure.quantity_per as decimal(30, 12)) as quantity_per,
    from {{ ref('item_structure') }} as item_structure
    left join assemblies
        on item_structure.plant_id = assemblies.plant_id
        and item_structure.component_item_number = assemblies.item_number

),

units as (

    select
        plant_id,
        component_item_number,
        min(unit) as unit,
    from {{ ref('item_structure') }}
    group by plant_id, component_item_number

),

cycle_members as (

    select distinct
        plant_id,
        unnest(cycle_path) as item_number,
    from {{ ref('bom_cycle') }}
    where structure = 'reconciled'

),

roots as (

    select distinct
        structure.plant_id,
        structure.parent_item_number as root_item_number,
        cycle_members.item_number is not null as is_cyclic,
    from structure
    left join cycle_members
        on structure.plant_id = cycle_members.plant_id
        and structure.parent_item_number = cycle_members.item_number

),

edges as (

    select
        structure.*,
        -- a by-product ends its way, so it may well be an item higher up on it (regrind, returned carriers)
        cycle_members.item_number is not null and structure.requirement_kind = 'component' as is_cyclic,
    from structure
    left join cycle_members
        on structure.plant_id = cycle_members.plant_id
        and structure.component_item_number = cycle_members.item_number

),

-- Level by level, with all ways to the same item at one depth in one row: the work grows with the structure's edges,
-- not with its paths. `visited` holds only members of cycles, since nothing else can come twice on one way (rule 15).
walk as (

    select
        plant_id,
        root_item_number,
        root_item_number as item_number,
        'component' as requirement_kind,
        false as is_phantom,
        0 as level,
        0 as depth,
        case when is_cyclic then [root_item_number] else []::varchar[] end as visited,
        1::decimal(38, 14) as scaling_quantity,
        0::decimal(38, 14) as fixed_quantity,
        1::hugeint as paths,
        not is_cyclic as is_complete,
        false as is_cut,
    from roots
    union all
    select
        walk.plant_id,
        walk.root_item_number,
        edges.component_item_number as item_number,
        edges.requirement_kind,
        edges.is_phantom,
        -- rule 11: what a phantom holds joins the phantom's own level
        walk.level + case when walk.is_phantom then 0 else 1 end as level,
        walk.depth + 1 as depth,
        case when edges.is_cyclic then list_append(walk.visited, edges.component_item_number) else walk.visited end
            as visited,
        -- rule 9: a fixed quantity is the same for an order of one and of a thousand
        sum(
            case
                when edges.is_fixed_quantity then 0::decimal(38, 14)
                else cast(try(walk.scaling_quantity * edges.quantity_per) as decimal(38, 14))
            end
        ) as scaling_quantity,
        sum(
            case
                when edges.is_fixed_quantity then cast(try(edges.quantity_per * walk.paths::decimal(20, 0)) as decimal(38, 14))
                else cast(try(walk.fixed_quantity * edges.quantity_per) as decimal(38, 14))
            end
        ) as fixed_quantity,
        sum(walk.paths) as paths,
        bool_and(
            walk.is_complete
            and not edges.is_cyclic
            and edges.quantity_per is not null
            and try(walk.scaling_quantity * edges.quantity_per) is not null
        ) as is_complete,
        -- what lies below is unknown, so nothing of the root is the whole truth
        bool_or(
            edges.is_empty_phantom
            or (
                edges.has_bill
                and (
                    walk.depth + 1 >= {{ deepest }}
                    or (edges.is_cyclic and len(walk.visited) >= {{ longest_way_in_cycle }})
                )
            )
        ) as is_cut,
    from walk
    inner join edges on walk.plant_id = edges.plant_id and walk.item_number = edges.parent_item_number
    where
        walk.requirement_kind = 'component'
        and walk.depth < {{ deepest }}
        and len(walk.visited) <= {{ longest_way_in_cycle }}
        and not (edges.is_cyclic and list_contains(walk.visited, edges.component_item_number))
    group by
        walk.plant_id,
        walk.root_item_number,
        edges.component_item_number,
        edges.requirement_kind,
        edges.is_phantom,
        edges.is_cyclic,
        walk.is_phantom,
        walk.level,
        walk.depth,
        walk.visited

),

-- two steps read the totals; the walk is not to be made twice
totals as materialized (

    select
        plant_id,
        root_item_number,
        item_number as component_item_number,
        requirement_kind,
        is_phantom,
        sum(scaling_quantity) as scaling_quantity,
        sum(fixed_quantity) as fixed_quantity,
        min(level) as level_min,
        max(level) as level_max,
        sum(paths) as paths,
        bool_and(is_complete) as is_complete,
        bool_or(is_cut) as is_cut,
    from walk
    where depth > 0
    group by plant_id, root_item_number, item_number, requirement_kind, is_phantom

),

cut_roots as (

    select distinct
        plant_id,
        root_item_number,
    from totals
    where is_cut

),

final as (

    select
        totals.plant_id,
        totals.root_item_number,
        totals.component_item_number,
        totals.requirement_kind,
        -- rule 10: the one rounding
        cast(round(totals.scaling_quantity + totals.fixed_quantity, 6) as decimal(28, 6)) as quantity_per_root,
        cast(round(totals.scaling_quantity, 6) as decimal(28, 6)) as scaling_quantity,
        cast(round(totals.fixed_quantity, 6) as decimal(28, 6)) as fixed_quantity,
        units.unit,
        totals.level_min,
        totals.level_max,
        totals.paths,
        assemblies.item_number is null as is_leaf,
        totals.is_complete and cut_roots.root_item_number is null as is_complete,
    from totals
    left join units
        on totals.plant_id = units.plant_id
        and totals.component_item_number = units.component_item_number
    left join assemblies
        on totals.plant_id = assemblies.plant_id
        and totals.component_item_number = assemblies.item_number
    left join cut_roots
        on totals.plant_id = cut_roots.plant_id
        and totals.root_item_number = cut_roots.root_item_number
    where not totals.is_phantom

)

select * from final
