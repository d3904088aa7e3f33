{#- Bills are rarely deeper than 12 levels; a walk this long goes round, and ends. -#}
{%- set longest_walk = 40 -%}

with recursive

scope as (

    select * from {{ ref('engineering_change_scope') }}
    where is_applicable and not is_withdrawn

),

structure as (

    select * from {{ ref('engineering_change_structure') }}

),

observation as (

    select * from {{ ref('engineering_change_observation') }}
    where is_current

),

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

plm_lines as (

    select bom_lines.*
    from {{ ref('bom_line_at_plant') }} as bom_lines
    inner join systems on bom_lines.source_system = systems.source_system
    where systems.kind = 'plm' and bom_lines.line_type in ('component', 'consumable')

),

revisions as (

    select
        item_number,
        revision,
        max(revision_sequence) as revision_sequence,
    from {{ ref('item_revision') }}
    group by item_number, revision

),

objects as (

    select * from {{ ref('open_object') }}

),

-- a change that its day and both systems have behind them leaves only what it left over
settled as (

    select
        scope.change_number,
        scope.plant_id,
        scope.is_effective
        and coalesce(bool_and(observation.structure_state = 'holds'), not scope.alters_structure) as is_settled,
    from scope
    left join observation
        on scope.change_number = observation.change_number
        and scope.plant_id = observation.plant_id
    group by scope.change_number, scope.plant_id, scope.is_effective, scope.alters_structure

),

changes as (

    select
        scope.*,
        settled.is_settled,
        released.revision_sequence as to_revision_sequence,
    from scope
    inner join settled
        on scope.change_number = settled.change_number
        and scope.plant_id = settled.plant_id
    left join revisions as released
        on scope.parent_item_number = released.item_number
        and scope.to_revision = released.revision

),

-- what goes out, and whether the plant has another use for it from then on
outgoing as (

    select
        changes.*,
        structure.component_item_number as item_number,
        structure.unit,
        structure.quantity_per_before,
        structure.is_still_used as is_used_elsewhere,
    from changes
    inner join structure
        on changes.change_number = structure.change_number
        and changes.plant_id = structure.plant_id
    where structure.is_old and not structure.is_new

),

-- of a settled change only what has no other use is left over
leftover as (

    select * from outgoing
    where not is_settled or not is_used_elsewhere

),

-- the changed assembly and everything that it goes into, by what is released for the plant (where-used)
walk_up as (

    select
        change_number,
        plant_id,
        judged_at,
        parent_item_number as item_number,
        0 as level,
    from changes
    where not is_settled and parent_item_number is not null
    union
    select
        walk_up.change_number,
        walk_up.plant_id,
        walk_up.judged_at,
        plm_lines.parent_item_number as item_number,
        walk_up.level + 1 as level,
    from walk_up
    inner join plm_lines
        on walk_up.plant_id = plm_lines.plant_id
        and walk_up.item_number = plm_lines.component_item_number
    where
        walk_up.level < {{ longest_walk }}
        and {{ may_count('plm_lines', 'walk_up.judged_at') }}

),

above as (

    select
        change_number,
        plant_id,
        item_number,
        min(level) as level,
    from walk_up
    group by change_number, plant_id, item_number

),

-- what is ordered, set aside and there of the components that go out
of_components as (

    select
        leftover.change_number,
        'component' as relation,
        objects.*,
        case
            when objects.object_type = 'stock' and objects.ownership <> 'own' and not leftover.is_used_elsewhere
                -- what isn't ours goes back, whatever becomes of the rest
                then 'return'
            when leftover.is_used_elsewhere then 'use_up'
            when objects.object_type = 'stock' then coalesce(leftover.disposition, 'quarantine')
            when leftover.effective_from is null or objects.due_at < leftover.effective_from then 'use_up'
            when objects.object_type = 'purchase_order_line' and leftover.disposition = 'return' then 'return'
            else 'cancel'
        end as suggested_action,
    from leftover
    inner join objects
        on leftover.plant_id = objects.plant_id
        and leftover.item_number = objects.item_number
    where objects.object_type in ('purchase_order_line', 'purchase_requisition', 'reservation', 'stock')

),

-- the assembly as it was and what holds it: neither is scrapped or sent back for one of its parts
of_assemblies as (

    select
        changes.change_number,
        case when above.level = 0 then 'assembly' else 'above' end as relation,
        objects.*,
        case when changes.disposition in ('rework', 'quarantine') then changes.disposition else 'use_up' end
            as suggested_action,
    from changes
    inner join above
        on changes.change_number = above.change_number
        and changes.plant_id = above.plant_id
    inner join objects
        on above.plant_id = objects.plant_id
        and above.item_number = objects.item_number
    where objects.object_type = 'stock'

),

-- open orders of what the assembly goes into take the old as long as it is there
orders_above as (

    select
        changes.change_number,
        'above' as relation,
        objects.*,
        case
            when changes.effective_from is null or objects.due_at < changes.effective_from or objects.is_started
                then 'use_up'
            else 'reschedule'
        end as suggested_action,
    from changes
    inner join above
        on changes.change_number = above.change_number
        and changes.plant_id = above.plant_id
    inner join objects
        on above.plant_id = objects.plant_id
        and above.item_number = objects.item_number
    where above.level > 0 and objects.object_type = 'production_order'

),

-- an open order of the assembly is touched when it calls for the old: by its revision or by its components
called_for as (

    select distinct
        leftover.change_number,
        leftover.plant_id,
        called.production_order_number,
    from leftover
    inner join objects as called
        on leftover.plant_id = called.plant_id
        and leftover.item_number = called.item_number
    where called.object_type in ('order_component', 'issued_component')

),

of_orders as (

    select
        changes.change_number,
        'assembly' as relation,
        objects.*,
        case
            when changes.effective_from is null or objects.due_at < changes.effective_from then 'use_up'
            when not objects.is_started then 'reschedule'
            when changes.disposition in ('scrap', 'quarantine') then 'quarantine'
            else 'rework'
        end as suggested_action,
    from changes
    inner join objects
        on changes.plant_id = objects.plant_id
        and changes.parent_item_number = objects.item_number
    left join revisions
        on objects.item_number = revisions.item_number
        and objects.revision = revisions.revision
    left join called_for
        on changes.change_number = called_for.change_number
        and changes.plant_id = called_for.plant_id
        and objects.production_order_number = called_for.production_order_number
    where
        (
            objects.object_type = 'production_order'
            and (
                revisions.revision_sequence < changes.to_revision_sequence
                or called_for.change_number is not null
            )
        )
        -- planned slots that start with the change and assume what was before
        or (
            objects.object_type = 'schedule_operation'
            and revisions.revision_sequence < changes.to_revision_sequence
            and objects.due_at >= changes.effective_from
        )

),

-- what such orders have already taken of what goes out
issued as (

    select
        leftover.change_number,
        'component' as relation,
        objects.*,
        case
            when leftover.effective_from is null or objects.due_at < leftover.effective_from then 'use_up'
            else coalesce(leftover.disposition, 'quarantine')
        end as suggested_action,
    from leftover
    inner join objects
        on leftover.plant_id = objects.plant_id
        and leftover.item_number = objects.item_number
    inner join of_orders
        on leftover.change_number = of_orders.change_number
        and objects.plant_id = of_orders.plant_id
        and objects.production_order_number = of_orders.production_order_number
    where objects.object_type = 'issued_component' and of_orders.object_type = 'production_order'

),

touched as (

    select * from of_components
    union all by name
    select * from of_assemblies
    union all by name
    select * from orders_above
    union all by name
    select * from of_orders
    union all by name
    select * from issued

),

final as (

    select
        change_number,
        plant_id,
        object_type,
        object_key,
        item_number,
        relation,
        object_status,
        ownership,
        is_started,
        due_at,
        quantity,
        unit,
        value,
        currency,
        suggested_action,
        correlation_id,
    from touched
    -- a component may itself stand above the assembly: the nearer relation counts
    qualify row_number() over (
        partition by change_number, plant_id, object_type, object_key, item_number
        order by case relation when 'component' then 1 when 'assembly' then 2 else 3 end asc
    ) = 1

)

select * from final
