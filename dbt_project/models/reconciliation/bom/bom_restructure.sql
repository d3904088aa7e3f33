{#- Only ends what a cycle would keep going; no sound structure comes near it. -#}
{%- set deepest = 40 -%}
{#- So much of what an assembly holds must stand in its place for it to count as opened there, and not just as missing. -#}
{%- set opened_share = 0.5 -%}

with recursive

comparison as (

    select * from {{ ref('bom_comparison') }}

),

effective as (

    select * from {{ ref('effective_bom_line') }}
    where kind in ('plm', 'erp', 'mes') and line_type not in ('by_product', 'co_product')

),

-- the two structures that are held against each other: an ERP's or MES's, and what it is held against
unequal as (

    {% for other in ['erp', 'mes'] -%}
        select
            '{{ other }}' as compared_kind,
            plant_id,
            parent_item_number,
            component_item_number,
            occurrence,
            unnest([
                case when plm_source_system is not null then 'plm' else 'erp' end, '{{ other }}'
            ]) as kind,
            unnest([
                coalesce(plm_source_system{{ ', erp_source_system' if other == 'mes' }}), {{ other }}_source_system
            ]) as source_system,
            unnest([coalesce(plm_line_id{{ ', erp_line_id' if other == 'mes' }}), {{ other }}_line_id]) as line_id,
        from comparison
        where
            {{ other }}_has_bill
            and {{ 'plm_has_bill' if other == 'erp' else '(plm_has_bill or erp_has_bill)' }}
            and line_type not in ('by_product', 'co_product')
            and coalesce(plm_alternate_group, erp_alternate_group, mes_alternate_group) is null
            and (
                ({{ 'is_missing_in_plm and erp_source_system is not null' if other == 'erp'
                    else 'is_missing_in_plm and mes_source_system is not null' }})
                or is_missing_in_{{ other }}
                or list_contains({{ other }}_differences, 'quantity')
            )
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

residual as (

    select
        unequal.compared_kind,
        unequal.plant_id,
        unequal.parent_item_number,
        unequal.component_item_number,
        unequal.occurrence,
        unequal.kind = unequal.compared_kind as is_other,
        unequal.source_system,
        unequal.line_id,
    from unequal
    where unequal.line_id is not null

),

-- rule 15: what leads round in a circle holds everything, and would make anything look like anything
cyclic_edges as (

    select distinct
        structure as source_system,
        plant_id,
        unnest(cycle_path[:-2]) as parent_item_number,
        unnest(cycle_path[2:]) as component_item_number,
    from {{ ref('bom_cycle') }}

),

edges as (

    select distinct
        effective.source_system,
        effective.plant_id,
        effective.parent_item_number,
        effective.component_item_number,
    from effective
    anti join cyclic_edges
        on effective.source_system = cyclic_edges.source_system
        and effective.plant_id = cyclic_edges.plant_id
        and effective.parent_item_number = cyclic_edges.parent_item_number
        and effective.component_item_number = cyclic_edges.component_item_number

),

assemblies as (

    select distinct
        source_system,
        plant_id,
        parent_item_number,
    from edges

),

-- only where one side has an assembly that the other lacks can there be another structure for the same thing
restructured_parents as (

    select
        residual.compared_kind,
        residual.plant_id,
        residual.parent_item_number,
    from residual
    inner join assemblies
        on residual.source_system = assemblies.source_system
        and residual.plant_id = assemblies.plant_id
        and residual.component_item_number = assemblies.parent_item_number
    group by residual.compared_kind, residual.plant_id, residual.parent_item_number

),

suspect as (

    select residual.*
    from residual
    inner join restructured_parents
        on residual.compared_kind = restructured_parents.compared_kind
        and residual.plant_id = restructured_parents.plant_id
        and residual.parent_item_number = restructured_parents.parent_item_number

),

-- all that is in what remains of either side, however deep
contents as (

    select
        compared_kind,
        plant_id,
        parent_item_number,
        is_other,
        source_system,
        component_item_number as item_number,
    from suspect
    union
    select
        contents.compared_kind,
        contents.plant_id,
        contents.parent_item_number,
        contents.is_other,
        contents.source_system,
        edges.component_item_number as item_number,
    from contents
    inner join edges
        on contents.source_system = edges.source_system
        and contents.plant_id = edges.plant_id
        and contents.item_number = edges.parent_item_number

),

-- rules 10 and 12: what one piece really takes, of alternates the one that is used
chosen_members as (

    select effective.*
    from effective
    where {{ may_be_member() }}
    qualify
        effective.alternate_group is null
        or row_number() over (
            partition by
                effective.source_system, effective.plant_id, effective.parent_item_number, effective.alternate_group
            order by
                {{ alternate_order() }}
        ) = 1

),

weighed as (

    select
        source_system,
        plant_id,
        parent_item_number,
        component_item_number,
        line_id,
        is_fixed_quantity,
        {{ quantity_with_scrap() }} as quantity,
    from chosen_members

),

-- opened until something is met that the other side knows, too
walk as (

    select
        suspect.compared_kind,
        suspect.plant_id,
        suspect.parent_item_number,
        suspect.is_other,
        suspect.source_system,
        suspect.component_item_number as line_component,
        suspect.occurrence,
        suspect.component_item_number as item_number,
        0 as depth,
        weighed.is_fixed_quantity,
        cast(weighed.quantity as decimal(38, 12)) as quantity,
        known.item_number is not null as is_end,
    from suspect
    inner join weighed
        on suspect.source_system = weighed.source_system
        and suspect.plant_id = weighed.plant_id
        and suspect.parent_item_number = weighed.parent_item_number
        and suspect.line_id = weighed.line_id
    left join contents as known
        on suspect.compared_kind = known.compared_kind
        and suspect.plant_id = known.plant_id
        and suspect.parent_item_number = known.parent_item_number
        and suspect.is_other <> known.is_other
        and suspect.component_item_number = known.item_number
    union all
    select
        walk.compared_kind,
        walk.plant_id,
        walk.parent_item_number,
        walk.is_other,
        walk.source_system,
        walk.line_component,
        walk.occurrence,
        weighed.component_item_number as item_number,
        walk.depth + 1 as depth,
        walk.is_fixed_quantity or weighed.is_fixed_quantity as is_fixed_quantity,
        sum(
            cast(try(cast(walk.quantity as decimal(24, 12)) * cast(weighed.quantity as decimal(24, 12))) as decimal(38, 12))
        ) as quantity,
        known.item_number is not null as is_end,
    from walk
    inner join weighed
        on walk.source_system = weighed.source_system
        and walk.plant_id = weighed.plant_id
        and walk.item_number = weighed.parent_item_number
    left join contents as known
        on walk.compared_kind = known.compared_kind
        and walk.plant_id = known.plant_id
        and walk.parent_item_number = known.parent_item_number
        and walk.is_other <> known.is_other
        and weighed.component_item_number = known.item_number
    where not walk.is_end and walk.depth < {{ deepest }}
    group by
        walk.compared_kind,
        walk.plant_id,
        walk.parent_item_number,
        walk.is_other,
        walk.source_system,
        walk.line_component,
        walk.occurrence,
        weighed.component_item_number,
        walk.depth,
        walk.is_fixed_quantity or weighed.is_fixed_quantity,
        known.item_number is not null

),

-- where the opening ends: at what both sides know, or at what has no bill
frontier as (

    select
        walk.compared_kind,
        walk.plant_id,
        walk.parent_item_number,
        walk.is_other,
        walk.line_component,
        walk.occurrence,
        walk.item_number,
        walk.is_fixed_quantity,
        walk.is_end,
        walk.depth,
        walk.quantity,
    from walk
    left join assemblies
        on walk.source_system = assemblies.source_system
        and walk.plant_id = assemblies.plant_id
        and walk.item_number = assemblies.parent_item_number
    where walk.is_end or assemblies.parent_item_number is null

),

opened as (

    select
        compared_kind,
        plant_id,
        parent_item_number,
        is_other,
        line_component,
        list(distinct item_number) as held,
    from frontier
    where depth > 0
    group by compared_kind, plant_id, parent_item_number, is_other, line_component
    having count(distinct item_number) filter (is_end) >= {{ opened_share }} * count(distinct item_number)

),

-- an opened assembly, and the lines of the other side that stand in its place
involved as (

    select
        compared_kind,
        plant_id,
        parent_item_number,
        is_other,
        line_component,
    from opened
    union
    select
        opened.compared_kind,
        opened.plant_id,
        opened.parent_item_number,
        frontier.is_other,
        frontier.line_component,
    from opened
    inner join frontier
        on opened.compared_kind = frontier.compared_kind
        and opened.plant_id = frontier.plant_id
        and opened.parent_item_number = frontier.parent_item_number
        and opened.is_other <> frontier.is_other
        and list_contains(opened.held, frontier.item_number)

),

requirement as (

    select
        frontier.compared_kind,
        frontier.plant_id,
        frontier.parent_item_number,
        frontier.item_number,
        frontier.is_fixed_quantity,
        coalesce(cast(round(sum(frontier.quantity) filter (not frontier.is_other), 6) as decimal(28, 6)), 0) as ref_quantity,
        coalesce(cast(round(sum(frontier.quantity) filter (frontier.is_other), 6) as decimal(28, 6)), 0) as other_quantity,
        bool_or(frontier.quantity is null) as is_unknown,
    from frontier
    inner join involved
        on frontier.compared_kind = involved.compared_kind
        and frontier.plant_id = involved.plant_id
        and frontier.parent_item_number = involved.parent_item_number
        and frontier.is_other = involved.is_other
        and frontier.line_component = involved.line_component
    group by
        frontier.compared_kind,
        frontier.plant_id,
        frontier.parent_item_number,
        frontier.item_number,
        frontier.is_fixed_quantity

),

-- rule 17: the same things in another order of assembly, or really something else
final as (

    select
        involved.compared_kind,
        involved.plant_id,
        involved.parent_item_number,
        involved.line_component as component_item_number,
        'line' as row_kind,
        involved.is_other,
        null::decimal(28, 6) as ref_quantity,
        null::decimal(28, 6) as other_quantity,
        null::boolean as is_equal,
    from involved
    union all
    select
        compared_kind,
        plant_id,
        parent_item_number,
        item_number as component_item_number,
        'requirement' as row_kind,
        null as is_other,
        sum(ref_quantity) as ref_quantity,
        sum(other_quantity) as other_quantity,
        bool_and(not is_unknown and {{ within_tolerance('ref_quantity', 'other_quantity', 'bom_line.quantity') }}) as is_equal,
    from requirement
    group by compared_kind, plant_id, parent_item_number, item_number

)

select * from final
