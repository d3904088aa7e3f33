{#- Bills are rarely deeper than 12 levels; a walk this long may be going round. It only narrows the search. -#}
{%- set long_walk = 40 -%}

with recursive

edges as (

    select distinct
        'reconciled' as structure,
        plant_id,
        parent_item_number as parent,
        component_item_number as component,
    from {{ ref('item_structure') }}
    where requirement_kind = 'component'
    union all
    -- each system's own structure: the reconciled one may well be free of a cycle that a plant's ERP has
    select distinct
        source_system as structure,
        plant_id,
        parent_item_number as parent,
        component_item_number as component,
    from {{ ref('effective_bom_line') }}
    where line_type not in ('by_product', 'co_product')

),

walks_down as (

    select
        structure,
        plant_id,
        component as item,
        1 as steps,
    from edges
    union
    select
        edges.structure,
        edges.plant_id,
        edges.component as item,
        walks_down.steps + 1 as steps,
    from walks_down
    inner join edges on walks_down.structure = edges.structure and walks_down.plant_id = edges.plant_id and walks_down.item = edges.parent
    where walks_down.steps < {{ long_walk }}

),

walks_up as (

    select
        structure,
        plant_id,
        parent as item,
        1 as steps,
    from edges
    union
    select
        edges.structure,
        edges.plant_id,
        edges.parent as item,
        walks_up.steps + 1 as steps,
    from walks_up
    inner join edges on walks_up.structure = edges.structure and walks_up.plant_id = edges.plant_id and walks_up.item = edges.component
    where walks_up.steps < {{ long_walk }}

),

-- only an item with a long walk above and below it can be on a cycle
suspects as (

    select
        structure,
        plant_id,
        item,
    from walks_down
    where steps = {{ long_walk }}
    intersect
    select
        structure,
        plant_id,
        item,
    from walks_up
    where steps = {{ long_walk }}

),

suspect_edges as (

    select
        edges.structure,
        edges.plant_id,
        edges.parent,
        edges.component,
    from edges
    inner join suspects as above on edges.structure = above.structure and edges.plant_id = above.plant_id and edges.parent = above.item
    inner join suspects as below on edges.structure = below.structure and edges.plant_id = below.plant_id and edges.component = below.item

),

reachable as (

    select
        structure,
        plant_id,
        parent as start,
        component as item,
    from suspect_edges
    union
    select
        reachable.structure,
        reachable.plant_id,
        reachable.start,
        suspect_edges.component as item,
    from reachable
    inner join suspect_edges
        on reachable.structure = suspect_edges.structure and reachable.plant_id = suspect_edges.plant_id
        and reachable.item = suspect_edges.parent

),

-- an edge is on a cycle when its component leads back to its parent
cyclic_edges as (

    select
        suspect_edges.structure,
        suspect_edges.plant_id,
        suspect_edges.parent,
        suspect_edges.component,
    from suspect_edges
    left join reachable
        on suspect_edges.structure = reachable.structure and suspect_edges.plant_id = reachable.plant_id
        and suspect_edges.component = reachable.start
        and suspect_edges.parent = reachable.item
    where reachable.item is not null or suspect_edges.parent = suspect_edges.component

),

-- the shortest way back for each such edge; one path per item and length keeps the search small
ways_back as (

    select
        structure,
        plant_id,
        parent as start,
        component as next,
        component as item,
        [parent, component] as path,
    from cyclic_edges
    union all
    select
        ways_back.structure,
        ways_back.plant_id,
        ways_back.start,
        ways_back.next,
        cyclic_edges.component as item,
        min(list_append(ways_back.path, cyclic_edges.component)) as path,
    from ways_back
    inner join cyclic_edges
        on ways_back.structure = cyclic_edges.structure and ways_back.plant_id = cyclic_edges.plant_id
        and ways_back.item = cyclic_edges.parent
    where
        ways_back.item <> ways_back.start
        and (cyclic_edges.component = ways_back.start or not list_contains(ways_back.path, cyclic_edges.component))
    group by ways_back.structure, ways_back.plant_id, ways_back.start, ways_back.next, cyclic_edges.component

),

shortest as (

    select
        structure,
        plant_id,
        path,
    from ways_back
    where item = start
    qualify row_number() over (partition by structure, plant_id, start, next order by len(path), path) = 1

),

-- the same cycle found from each of its members is one cycle, told from its first member
turned as (

    select
        structure,
        plant_id,
        path[:-2] as members,
        list_position(members, list_min(members)) as first_member,
        list_concat(members[first_member:], members[:first_member - 1], [list_min(members)]) as cycle_path,
    from shortest

),

final as (

    select distinct
        structure,
        plant_id,
        cycle_path,
        array_to_string(cycle_path, ' > ') as cycle_text,
        len(cycle_path) - 1 as cycle_length,
    from turned

)

select * from final
