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

costs as (

    select
        plant_id,
        item_number,
        standard_cost,
        currency,
    from {{ ref('item_standard_cost') }}

),

-- the ERP owns orders; where it doesn't know one, the shop floor's word stands
orders as (

    select production_orders.*
    from {{ ref('production_order') }} as production_orders
    inner join systems on production_orders.source_system = systems.source_system
    qualify row_number() over (
        partition by production_orders.plant_id, production_orders.production_order_number
        order by
            case systems.kind when 'erp' then 1 when 'mes' then 2 else 3 end asc,
            production_orders.source_system asc
    ) = 1

),

open_orders as (

    select
        orders.*,
        revisions.revision_sequence,
        greatest(
            orders.base_quantity - coalesce(orders.base_completed_quantity, 0) - coalesce(orders.base_scrapped_quantity, 0),
            0
        ) as open_quantity,
        orders.status = 'in_progress' or orders.actual_start_at is not null as is_started,
    from orders
    left join revisions
        on orders.item_number = revisions.item_number
        and orders.revision = revisions.revision
    where orders.status in ('planned', 'released', 'in_progress')

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

purchase_lines as (

    select
        leftover.change_number,
        leftover.plant_id,
        'purchase_order_line' as object_type,
        lines.purchase_order_number || '/' || lines.line_number as object_key,
        lines.item_number,
        'component' as relation,
        lines.status as object_status,
        null as ownership,
        false as is_started,
        lines.due_at,
        greatest(
            lines.base_quantity - coalesce(lines.base_received_quantity, 0) - coalesce(lines.base_cancelled_quantity, 0), 0
        ) as quantity,
        lines.base_unit as unit,
        {{ value_of(
            'lines.quantity - coalesce(lines.received_quantity, 0) - coalesce(lines.cancelled_quantity, 0)',
            'lines.unit_price') }} as own_value,
        lines.currency as own_currency,
        case
            when leftover.is_used_elsewhere then 'use_up'
            when lines.status = 'open' and coalesce(leftover.disposition, 'quarantine') = 'return' then 'return'
            when leftover.effective_from is null or lines.due_at < leftover.effective_from then 'use_up'
            else 'cancel'
        end as suggested_action,
        lines.correlation_id,
    from leftover
    inner join {{ ref('purchase_order_line') }} as lines
        on leftover.plant_id = lines.plant_id
        and leftover.item_number = lines.item_number
    where coalesce(lines.status, 'open') in ('draft', 'pending', 'approved', 'open')

),

requisitions as (

    select
        leftover.change_number,
        leftover.plant_id,
        'purchase_requisition' as object_type,
        requested.requisition_number || '/' || requested.line_number as object_key,
        requested.item_number,
        'component' as relation,
        requested.status as object_status,
        null as ownership,
        false as is_started,
        requested.due_at,
        requested.base_quantity as quantity,
        requested.base_unit as unit,
        null as own_value,
        null as own_currency,
        case when leftover.is_used_elsewhere then 'use_up' else 'cancel' end as suggested_action,
        requested.correlation_id,
    from leftover
    inner join {{ ref('purchase_requisition') }} as requested
        on leftover.plant_id = requested.plant_id
        and leftover.item_number = requested.item_number
    where requested.status in ('open', 'approved')

),

reservations as (

    select
        leftover.change_number,
        leftover.plant_id,
        'reservation' as object_type,
        reserved.reservation_number || coalesce('/' || reserved.line_number, '') as object_key,
        reserved.item_number,
        'component' as relation,
        reserved.status as object_status,
        null as ownership,
        false as is_started,
        reserved.required_at as due_at,
        reserved.base_quantity as quantity,
        reserved.base_unit as unit,
        null as own_value,
        null as own_currency,
        case
            when leftover.is_used_elsewhere or reserved.required_at < leftover.effective_from then 'use_up'
            else 'cancel'
        end as suggested_action,
        reserved.correlation_id,
    from leftover
    inner join {{ ref('reservation') }} as reserved
        on leftover.plant_id = reserved.plant_id
        and leftover.item_number = reserved.item_number
    where coalesce(reserved.status, 'open') in ('open', 'partial')

),

-- what is there of the components that go out, of the assembly as it was, and of everything above it
stocked_items as (

    select
        change_number,
        plant_id,
        item_number,
        'component' as relation,
        disposition,
        is_used_elsewhere,
    from leftover
    union all
    select
        changes.change_number,
        changes.plant_id,
        above.item_number,
        case when above.level = 0 then 'assembly' else 'above' end as relation,
        changes.disposition,
        false as is_used_elsewhere,
    from changes
    inner join above
        on changes.change_number = above.change_number
        and changes.plant_id = above.plant_id
    where not changes.is_settled

),

stock as (

    select
        stocked_items.change_number,
        stocked_items.plant_id,
        'stock' as object_type,
        concat_ws(
            '/', coalesce(state.location, '*'), coalesce(state.lot_number, '*'), state.stock_status, state.ownership
        ) as object_key,
        state.item_number,
        stocked_items.relation,
        state.stock_status as object_status,
        state.ownership,
        false as is_started,
        cast(null as timestamptz) as due_at,
        state.on_hand + coalesce(state.in_transit, 0) as quantity,
        state.unit,
        null as own_value,
        null as own_currency,
        case
            -- what isn't ours goes back, whatever becomes of the rest
            when state.ownership <> 'own' and stocked_items.relation = 'component' and not stocked_items.is_used_elsewhere
                then 'return'
            when stocked_items.is_used_elsewhere then 'use_up'
            when stocked_items.relation = 'component' then coalesce(stocked_items.disposition, 'quarantine')
            -- an assembly is not scrapped or sent back for one of its parts
            when stocked_items.disposition in ('rework', 'quarantine') then stocked_items.disposition
            else 'use_up'
        end as suggested_action,
        null as correlation_id,
    from stocked_items
    inner join {{ ref('inventory_state') }} as state
        on stocked_items.plant_id = state.plant_id
        and stocked_items.item_number = state.item_number
    where state.on_hand <> 0 or coalesce(state.in_transit, 0) <> 0

),

-- an open order of the assembly is touched when it calls for the old: by its revision or by its components
called_for as (

    select
        leftover.change_number,
        leftover.plant_id,
        components.production_order_number,
        leftover.item_number,
        max(components.base_quantity) as quantity,
        any_value(components.base_unit) as unit,
        min(components.correlation_id) as correlation_id,
    from leftover
    inner join {{ ref('production_order_component') }} as components
        on leftover.plant_id = components.plant_id
        and leftover.item_number = components.item_number
    inner join open_orders
        on components.plant_id = open_orders.plant_id
        and components.production_order_number = open_orders.production_order_number
        and leftover.parent_item_number = open_orders.item_number
    group by
        leftover.change_number, leftover.plant_id, components.production_order_number, leftover.item_number

),

touched_orders as (

    select
        changes.change_number,
        changes.plant_id,
        changes.effective_from,
        changes.disposition,
        open_orders.production_order_number,
        open_orders.item_number,
        open_orders.status,
        open_orders.is_started,
        open_orders.scheduled_start_at,
        open_orders.open_quantity,
        open_orders.base_unit,
        open_orders.correlation_id,
    from changes
    inner join open_orders
        on changes.plant_id = open_orders.plant_id
        and changes.parent_item_number = open_orders.item_number
    where
        open_orders.revision_sequence < changes.to_revision_sequence
        or exists (
            select 1
            from called_for
            where
                called_for.change_number = changes.change_number
                and called_for.plant_id = changes.plant_id
                and called_for.production_order_number = open_orders.production_order_number
        )

),

production_orders as (

    select
        change_number,
        plant_id,
        'production_order' as object_type,
        production_order_number as object_key,
        item_number,
        'assembly' as relation,
        status as object_status,
        null as ownership,
        is_started,
        scheduled_start_at as due_at,
        open_quantity as quantity,
        base_unit as unit,
        null as own_value,
        null as own_currency,
        case
            when effective_from is null or scheduled_start_at < effective_from then 'use_up'
            when is_started then case when disposition in ('scrap', 'quarantine') then 'quarantine' else 'rework' end
            else 'reschedule'
        end as suggested_action,
        correlation_id,
    from touched_orders

),

-- what open orders have already taken of what goes out
consumed as (

    select
        called.plant_id,
        called.production_order_number,
        called.item_number,
        sum(called.base_quantity) as quantity,
        any_value(called.base_unit) as unit,
        min(called.correlation_id) as correlation_id,
    from {{ ref('material_consumption') }} as called
    semi join leftover
        on called.plant_id = leftover.plant_id
        and called.item_number = leftover.item_number
    group by called.plant_id, called.production_order_number, called.item_number

),

issued as (

    select
        touched_orders.change_number,
        touched_orders.plant_id,
        'issued_component' as object_type,
        touched_orders.production_order_number as object_key,
        consumed.item_number,
        'component' as relation,
        touched_orders.status as object_status,
        null as ownership,
        true as is_started,
        touched_orders.scheduled_start_at as due_at,
        consumed.quantity,
        consumed.unit,
        null as own_value,
        null as own_currency,
        case
            when touched_orders.effective_from is null or touched_orders.scheduled_start_at < touched_orders.effective_from
                then 'use_up'
            else coalesce(touched_orders.disposition, 'quarantine')
        end as suggested_action,
        consumed.correlation_id,
    from touched_orders
    inner join leftover
        on touched_orders.change_number = leftover.change_number
        and touched_orders.plant_id = leftover.plant_id
    inner join consumed
        on touched_orders.plant_id = consumed.plant_id
        and touched_orders.production_order_number = consumed.production_order_number
        and leftover.item_number = consumed.item_number
    where consumed.quantity > 0

),

-- open orders of what the assembly goes into: they take the old as long as it is there
orders_above as (

    select
        changes.change_number,
        changes.plant_id,
        'production_order' as object_type,
        open_orders.production_order_number as object_key,
        open_orders.item_number,
        'above' as relation,
        open_orders.status as object_status,
        null as ownership,
        open_orders.is_started,
        open_orders.scheduled_start_at as due_at,
        open_orders.open_quantity as quantity,
        open_orders.base_unit as unit,
        null as own_value,
        null as own_currency,
        case
            when
                changes.effective_from is null
                or open_orders.scheduled_start_at < changes.effective_from
                or open_orders.is_started
                then 'use_up'
            else 'reschedule'
        end as suggested_action,
        open_orders.correlation_id,
    from changes
    inner join above
        on changes.change_number = above.change_number
        and changes.plant_id = above.plant_id
    inner join open_orders
        on above.plant_id = open_orders.plant_id
        and above.item_number = open_orders.item_number
    where not changes.is_settled and above.level > 0

),

planned as (

    select
        changes.change_number,
        changes.plant_id,
        'schedule_operation' as object_type,
        concat_ws('/', slots.schedule_id, slots.production_order_number, slots.operation_sequence) as object_key,
        slots.item_number,
        'assembly' as relation,
        'revision ' || slots.assumed_revision as object_status,
        null as ownership,
        false as is_started,
        slots.planned_start_at as due_at,
        slots.base_quantity as quantity,
        slots.base_unit as unit,
        null as own_value,
        null as own_currency,
        'reschedule' as suggested_action,
        slots.correlation_id,
    from changes
    inner join {{ ref('schedule_operation') }} as slots
        on changes.plant_id = slots.plant_id
        and changes.parent_item_number = slots.item_number
    inner join revisions as assumed
        on slots.item_number = assumed.item_number
        and slots.assumed_revision = assumed.revision
    where
        assumed.revision_sequence < changes.to_revision_sequence
        and slots.planned_start_at >= changes.effective_from

),

objects as (

    select * from purchase_lines
    union all by name
    select * from requisitions
    union all by name
    select * from reservations
    union all by name
    select * from stock
    union all by name
    select * from production_orders
    union all by name
    select * from issued
    union all by name
    select * from orders_above
    union all by name
    select * from planned

),

final as (

    select
        objects.change_number,
        objects.plant_id,
        objects.object_type,
        objects.object_key,
        objects.item_number,
        objects.relation,
        objects.object_status,
        objects.ownership,
        objects.is_started,
        objects.due_at,
        cast(objects.quantity as decimal(28, 6)) as quantity,
        objects.unit,
        coalesce(objects.own_value, {{ value_of('objects.quantity', 'costs.standard_cost') }}) as value,
        case when objects.own_value is not null then objects.own_currency else costs.currency end as currency,
        objects.suggested_action,
        objects.correlation_id,
    from objects
    left join costs
        on objects.plant_id = costs.plant_id
        and objects.item_number = costs.item_number
    where objects.quantity <> 0

)

select * from final
