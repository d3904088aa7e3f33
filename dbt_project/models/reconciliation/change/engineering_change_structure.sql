with

scope as (

    select * from {{ ref('engineering_change_scope') }}
    where is_applicable

),

change_items as (

    select * from {{ ref('engineering_change_item') }}
    where action <> 'revise' and parent_item_number is not null

),

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

plm_lines as (

    select lines.*
    from {{ ref('bom_line_at_plant') }} as lines
    inner join systems on lines.source_system = systems.source_system
    where systems.kind = 'plm'

),

-- what the change's own lines name, and what PLM's lines say of the change themselves
named as (

    select
        source_system,
        change_number,
        parent_item_number,
        old_component_item_number as component_item_number,
        'old' as role,
        base_old_quantity as told_quantity,
    from change_items
    where old_component_item_number is not null or action = 'remove'
    union all
    select
        source_system,
        change_number,
        parent_item_number,
        coalesce(new_component_item_number, item_number) as component_item_number,
        'new' as role,
        base_new_quantity as told_quantity,
    from change_items
    where action <> 'remove'

),

parts as (

    select
        scope.change_number,
        scope.plant_id,
        named.parent_item_number,
        named.component_item_number,
        named.role,
        named.told_quantity,
    from scope
    inner join named
        on scope.source_system = named.source_system
        and scope.change_number = named.change_number
    where named.component_item_number is not null
    union all
    select
        scope.change_number,
        scope.plant_id,
        plm_lines.parent_item_number,
        plm_lines.component_item_number,
        case when plm_lines.engineering_change_in = scope.change_number then 'new' else 'old' end as role,
        null as told_quantity,
    from scope
    inner join plm_lines
        on scope.source_system = plm_lines.source_system
        and scope.plant_id = plm_lines.plant_id
        and scope.change_number in (plm_lines.engineering_change_in, plm_lines.engineering_change_out)

),

affected as (

    select
        change_number,
        plant_id,
        parent_item_number,
        component_item_number,
        bool_or(role = 'old') as is_old,
        bool_or(role = 'new') as is_new,
        max(told_quantity) filter (where role = 'new') as told_quantity,
    from parts
    group by change_number, plant_id, parent_item_number, component_item_number

),

-- rule 1: at the change's first instant, and at the last one before it
moments as (

    select
        affected.change_number,
        affected.plant_id,
        affected.parent_item_number,
        affected.component_item_number,
        scope.source_system,
        scope.effective_from,
        plm_lines.alternative,
        plm_lines.quantity_per,
        plm_lines.unit,
        plm_lines.correlation_id,
        {{ may_count('plm_lines', 'scope.effective_from') }} as holds_from,
        {{ may_count('plm_lines', "scope.effective_from - interval '1 microsecond'") }} as holds_before,
    from affected
    inner join scope
        on affected.change_number = scope.change_number
        and affected.plant_id = scope.plant_id
    inner join plm_lines
        on scope.source_system = plm_lines.source_system
        and affected.plant_id = plm_lines.plant_id
        and affected.parent_item_number = plm_lines.parent_item_number
        and affected.component_item_number = plm_lines.component_item_number

),

-- an item's alternative bills say the same of a component or each its own; the one with most of it stands for all
per_bill as (

    select
        change_number,
        plant_id,
        parent_item_number,
        component_item_number,
        alternative,
        any_value(unit) as unit,
        sum(quantity_per) filter (where holds_from) as quantity_from,
        sum(quantity_per) filter (where holds_before) as quantity_before,
        list(correlation_id order by correlation_id asc) filter (where holds_from or holds_before) as correlation_ids,
    from moments
    group by change_number, plant_id, parent_item_number, component_item_number, alternative

),

bills as (

    select
        change_number,
        plant_id,
        parent_item_number,
        component_item_number,
        any_value(unit) as unit,
        max(quantity_from) as quantity_from,
        max(quantity_before) as quantity_before,
        list_sort(list_distinct(flatten(list(correlation_ids) filter (where correlation_ids is not null))))
            as correlation_ids,
    from per_bill
    group by change_number, plant_id, parent_item_number, component_item_number

),

known_bills as (

    select distinct
        source_system,
        plant_id,
        parent_item_number,
    from plm_lines

),

items as (

    select
        item_number,
        base_unit,
    from {{ ref('item') }}

),

-- whether the plant has a use for the component once the change is in force, there or in another bill
used as (

    select distinct
        affected.change_number,
        affected.plant_id,
        affected.component_item_number,
    from affected
    inner join scope
        on affected.change_number = scope.change_number
        and affected.plant_id = scope.plant_id
    inner join plm_lines
        on affected.plant_id = plm_lines.plant_id
        and affected.component_item_number = plm_lines.component_item_number
    where
        {{ may_count('plm_lines', 'scope.judged_at') }}
        -- until PLM's own bill says so, the change does: the line that goes is no use
        and not (
            affected.is_old and not affected.is_new
            and affected.parent_item_number = plm_lines.parent_item_number
        )

),

expected as (

    select
        affected.change_number,
        affected.plant_id,
        affected.parent_item_number,
        affected.component_item_number,
        affected.is_old,
        affected.is_new,
        scope.effective_from,
        scope.released_at,
        scope.is_released,
        scope.is_deferred,
        scope.is_withdrawn,
        -- where PLM keeps no bill of the assembly, the change itself says how many
        case
            when scope.effective_from is null then null
            when known_bills.parent_item_number is null and affected.is_new then affected.told_quantity
            else bills.quantity_from
        end as expected_quantity_per,
        bills.quantity_before as quantity_per_before,
        coalesce(bills.unit, items.base_unit) as unit,
        used.change_number is not null as is_still_used,
        coalesce(bills.correlation_ids, []) as correlation_ids,
    from affected
    inner join scope
        on affected.change_number = scope.change_number
        and affected.plant_id = scope.plant_id
    left join bills
        on affected.change_number = bills.change_number
        and affected.plant_id = bills.plant_id
        and affected.parent_item_number = bills.parent_item_number
        and affected.component_item_number = bills.component_item_number
    left join known_bills
        on scope.source_system = known_bills.source_system
        and affected.plant_id = known_bills.plant_id
        and affected.parent_item_number = known_bills.parent_item_number
    left join items on affected.component_item_number = items.item_number
    left join used
        on affected.change_number = used.change_number
        and affected.plant_id = used.plant_id
        and affected.component_item_number = used.component_item_number

),

-- the next released change of the same component in the same bill: from there on it decides
final as (

    select
        expected.change_number,
        expected.plant_id,
        expected.parent_item_number,
        expected.component_item_number,
        expected.is_old,
        expected.is_new,
        expected.effective_from,
        expected.expected_quantity_per,
        expected.quantity_per_before,
        expected.unit,
        expected.is_still_used,
        min(later.effective_from) as superseded_from,
        min_by(later.change_number, later.effective_from) as superseded_by_change_number,
        any_value(expected.correlation_ids) as correlation_ids,
    from expected
    left join expected as later
        on expected.plant_id = later.plant_id
        and expected.parent_item_number = later.parent_item_number
        and expected.component_item_number = later.component_item_number
        and expected.change_number <> later.change_number
        and expected.effective_from < later.effective_from
        and later.is_released
        and not later.is_deferred
    group by
        expected.change_number, expected.plant_id, expected.parent_item_number, expected.component_item_number,
        expected.is_old, expected.is_new, expected.effective_from, expected.expected_quantity_per,
        expected.quantity_per_before, expected.unit, expected.is_still_used

)

select * from final
