{#- Both only end what could otherwise grow without bound; no sound structure comes near them. -#}
{%- set deepest = 250 -%}
{%- set longest_way_in_cycle = 8 -%}

{#- What a whole piece and a factor of one are in the small units of the walk (see explosion_products). -#}
{%- set one = '100000000000000' -%}
{%- set one_factor = '1000000000000' -%}

{#- Two whole numbers below this multiply to one of 64 bits. -#}
{%- set narrow = 2 ** 31 -%}

with recursive

structure as (

    select
        plant_id,
        parent_item_number,
        component_item_number,
        requirement_kind,
        quantity_per,
        is_fixed_quantity,
        -- what comes out of an order ends its way
        requirement_kind = 'component' as is_component,
        coalesce(is_phantom, false) as is_phantom,
    from {{ ref('item_structure') }}

),

items as (

    select * from {{ ref('structure_item') }}

),

edges as materialized (

    select
        parents.item_id as parent_id,
        components.item_id as component_id,
        -- what is grouped by is one number for component and kind
        components.item_id * 4 + case structure.requirement_kind
            when 'component' then 0
            when 'by_product' then 1
            else 2
        end as need_id,
        structure.is_fixed_quantity,
        structure.is_component and components.has_bill as has_bill,
        -- rule 11: only a component with a bill can pass through; without one there is nothing to stand in its place
        structure.is_component and structure.is_phantom and components.has_bill as is_phantom,
        case when is_phantom then 0 else 1 end as levels,
        structure.is_component and structure.is_phantom and not components.has_bill as is_empty_phantom,
        -- a by-product may well be an item higher up on its way (regrind, returned carriers)
        case when structure.is_component and components.is_cyclic then ',' || components.item_id || ',' else '' end
            as cycle_mark,
        -- most quantities are whole numbers, for which a narrow decimal tells and no digits have to be counted
        try_cast(structure.quantity_per as decimal(18, 12)) as narrow_quantity,
        cast(narrow_quantity as bigint) as nearest_whole,
        case when cast(nearest_whole as decimal(18, 12)) = narrow_quantity then nearest_whole end as whole_factor,
        case
            when whole_factor is not null then whole_factor * {{ one_factor }}
            else {{ decimal_to_whole('structure.quantity_per', 12) }}
        end as factor,
        not structure.is_fixed_quantity
        and cycle_mark = ''
        and coalesce(whole_factor between -{{ narrow }} and {{ narrow }}, false) as is_plain,
    from structure
    inner join items as parents
        on structure.plant_id = parents.plant_id
        and structure.parent_item_number = parents.item_number
    inner join items as components
        on structure.plant_id = components.plant_id
        and structure.component_item_number = components.item_number

),

-- Assemblies below each root, level by level, with all ways to the same one at one depth in one row: the work grows with
-- the structure's lines, not with its paths. What has no bill is left to the end. `visited` holds only members of cycles,
-- since nothing else can come twice on one way (rule 15).
walk as (

    select
        -- a way's end is told by one number, so that groups have one narrow key
        cast(item_id as bigint) * {{ 2 ** 32 }} + item_id as way,
        item_id,
        0::smallint as depth,
        case when is_cyclic then ',' || item_id || ',' else '' end as visited,
        1::hugeint as whole,
        0::hugeint as part,
        0::hugeint as fixed,
        1::hugeint as paths,
        1::smallint as level_min,
        1::smallint as level_max,
        not is_cyclic as is_complete,
    from items
    where has_bill
    union all
    select
        way,
        any_value(item_id) as item_id,
        any_value(depth) as depth,
        visited,
        sum(whole) as whole,
        sum(part) as part,
        sum(fixed) as fixed,
        sum(paths) as paths,
        min(level) as level_min,
        max(deepest_level) as level_max,
        bool_and(is_complete and whole is not null and part is not null and fixed is not null) as is_complete,
    from (
        select
            walk.way - walk.item_id + edges.component_id as way,
            edges.component_id as item_id,
            cast(walk.depth + 1 as smallint) as depth,
            walk.visited || edges.cycle_mark as visited,
            {{ explosion_products('walk', 'edges') }},
            walk.paths,
            -- the level of what the component holds; rule 11: what a phantom holds joins the phantom's own
            cast(walk.level_min + edges.levels as smallint) as level,
            cast(walk.level_max + edges.levels as smallint) as deepest_level,
            walk.is_complete and edges.cycle_mark = '' as is_complete,
        from walk
        inner join edges on walk.item_id = edges.parent_id
        where
            edges.has_bill
            and walk.depth < {{ deepest - 1 }}
            and (
                edges.cycle_mark = ''
                or (
                    not contains(walk.visited, edges.cycle_mark)
                    and len(string_split(walk.visited, ',,')) < {{ longest_way_in_cycle }}
                )
            )
    ) as next_level
    group by way, visited

),

reached as (

    select
        *,
        way - item_id as root_key,
        is_complete
        and part = 0
        and fixed = 0
        and whole between -{{ narrow }} and {{ narrow }}
        and paths < {{ narrow }} as is_plain,
    from walk

),

-- Nearly every row of the result comes from here: whole pieces, nothing fixed, no cycle. There are almost as many groups
-- as rows, so that what counts is how narrow a group is: one number as key, four as values. `is_complete` and all that
-- rarely occurs stay out.
plain_needs as (

    select
        reached.root_key + edges.need_id as key,
        sum(cast(reached.whole as bigint) * edges.whole_factor) as whole,
        sum(cast(reached.paths as bigint)) as paths,
        min(reached.level_min) as level_min,
        max(reached.level_max) as level_max,
    from reached
    inner join edges on reached.item_id = edges.parent_id
    where reached.is_plain and edges.is_plain and not edges.is_phantom
    group by key

),

other_needs as (

    select
        key,
        sum(whole) as whole,
        sum(part) as part,
        -- rule 9: a fixed quantity is the same for an order of one and of a thousand
        sum(fixed) as fixed,
        sum(paths) as paths,
        min(level_min) as level_min,
        max(level_max) as level_max,
        bool_and(is_complete and whole is not null and part is not null and fixed is not null) as is_complete,
    from (
        {#- two joins that mostly find nothing, instead of one that goes through all rows again -#}
        {% for rest in ('not reached.is_plain', 'reached.is_plain and not edges.is_plain') %}
            select
                reached.root_key + edges.need_id as key,
                {{ explosion_products('reached', 'edges') }},
                reached.paths,
                reached.level_min,
                reached.level_max,
                reached.is_complete and edges.cycle_mark = '' as is_complete,
            from reached
            inner join edges on reached.item_id = edges.parent_id
            where
                {{ rest }}
                and not edges.is_phantom
                and (edges.cycle_mark = '' or not contains(reached.visited, edges.cycle_mark))
            {{ 'union all' if not loop.last }}
        {% endfor %}
    ) as lines
    group by key

),

needs as (

    select
        coalesce(plain_needs.key, other_needs.key) as need_key,
        cast(need_key >> 32 as integer) as root_id,
        need_key & {{ 2 ** 32 - 1 }} as need_id,
        case when plain_needs.whole is null then other_needs.whole else plain_needs.whole + coalesce(other_needs.whole, 0) end
            as whole,
        case when plain_needs.whole is null then other_needs.part else coalesce(other_needs.part, 0) end as part,
        case when plain_needs.whole is null then other_needs.fixed else coalesce(other_needs.fixed, 0) end as fixed,
        coalesce(plain_needs.paths, 0) + coalesce(other_needs.paths, 0) as paths,
        least(plain_needs.level_min, other_needs.level_min) as level_min,
        greatest(plain_needs.level_max, other_needs.level_max) as level_max,
        coalesce(other_needs.is_complete, true) as is_complete,
    from plain_needs
    full outer join other_needs on plain_needs.key = other_needs.key

),

-- what lies below is unknown there, so nothing of the root is the whole truth
cut_roots as (

    select reached.root_key >> 32 as root_id
    from reached
    inner join edges on reached.item_id = edges.parent_id
    where
        edges.is_empty_phantom
        or (edges.has_bill and reached.depth >= {{ deepest - 1 }})
        or (
            edges.has_bill
            and edges.cycle_mark <> ''
            and not contains(reached.visited, edges.cycle_mark)
            and len(string_split(reached.visited, ',,')) >= {{ longest_way_in_cycle }}
        )
    group by reached.root_key

),

-- rule 10: the one rounding
final as (

    select
        needs.root_id,
        cast(needs.need_id >> 2 as integer) as component_id,
        cast(needs.need_id & 3 as tinyint) as kind_code,
        needs.paths,
        needs.level_min,
        needs.level_max,
        needs.is_complete and cut_roots.root_id is null as is_complete,
        case
            when needs.part = 0 then try_cast(needs.whole as decimal(28, 6))
            else {{ explosion_amount('needs.whole * ' ~ one ~ ' + needs.part') }}
        end as scaling_quantity,
        cast(case when needs.fixed = 0 then 0 else {{ explosion_amount('needs.fixed') }} end as decimal(28, 6)) as fixed_quantity,
        case
            when needs.fixed = 0 then scaling_quantity
            else {{ explosion_amount('needs.whole * ' ~ one ~ ' + needs.part + needs.fixed') }}
        end as quantity_per_root,
    from needs
    left join cut_roots on needs.root_id = cut_roots.root_id

)

select * from final
