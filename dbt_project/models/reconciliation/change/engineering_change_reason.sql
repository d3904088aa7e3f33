with

scope as (

    select * from {{ ref('engineering_change_scope') }}

),

structure as (

    select * from {{ ref('engineering_change_structure') }}

),

readiness as (

    select * from {{ ref('engineering_change_readiness') }}
    where not is_met

),

observation as (

    select * from {{ ref('engineering_change_observation') }}

),

of_bills as (

    select * from {{ ref('engineering_change_bill_reason') }}

),

revisions as (

    select
        item_number,
        revision,
        max(revision_sequence) as revision_sequence,
    from {{ ref('item_revision') }}
    group by item_number, revision

),

-- only what is released, meant for the plant and not put off can be blocked
asked as (

    select * from scope
    where is_applicable and is_released and not is_deferred

),

-- the same of a change that holds from a serial or lot on: a unit of before it was built to it
early_units as (

    select
        units.change_number,
        units.plant_id,
        'effectivity_conflict' as reason,
        string_agg(units.unit_number, ', ' order by units.unit_number asc)
        || case when count(*) = 1 then ' was' else ' were' end || ' built to the change, which holds from '
        || any_value(asked.first_unit_number) || ' on.' as detail,
        flatten(list(units.correlation_ids)) as correlation_ids,
    from {{ ref('engineering_change_unit') }} as units
    inner join asked
        on units.change_number = asked.change_number
        and units.plant_id = asked.plant_id
    where units.place = 'before' and units.built_to = 'new'
    group by units.change_number, units.plant_id

),

-- rule 35: what each system is seen to hold now, and whether it held the change before
seen as (

    select
        asked.change_number,
        asked.plant_id,
        asked.is_effective,
        asked.erp_system,
        asked.mes_system,
        bool_and(observation.structure_state = 'holds') filter (
            where observation.system_kind = 'erp' and observation.is_current
        ) as erp_holds,
        bool_and(observation.structure_state = 'holds') filter (
            where observation.system_kind = 'mes' and observation.is_current
        ) as mes_holds,
        bool_or(observation.structure_state = 'lacks') filter (
            where observation.system_kind = 'erp' and observation.is_current
        ) as erp_lacks,
        bool_or(observation.structure_state = 'lacks') filter (
            where observation.system_kind = 'mes' and observation.is_current
        ) as mes_lacks,
        flatten(list(observation.correlation_ids) filter (where observation.is_current)) as correlation_ids,
    from asked
    left join observation
        on asked.change_number = observation.change_number
        and asked.plant_id = observation.plant_id
    where asked.alters_structure and asked.effective_from is not null
    group by asked.change_number, asked.plant_id, asked.is_effective, asked.erp_system, asked.mes_system

),

-- before its day a change may be on its way; from then on, one system with it and one without it is dangerous
partial_updates as (

    select
        change_number,
        plant_id,
        'partial_update' as reason,
        case
            when coalesce(erp_lacks, true) then mes_system || ' has the change, ' || erp_system || ' hasn''t.'
            else erp_system || ' has the change, ' || mes_system || ' hasn''t.'
        end as detail,
        correlation_ids,
    from seen
    where
        is_effective
        and erp_system is not null
        and mes_system is not null
        and (
            (not coalesce(erp_lacks, true) and coalesce(mes_lacks, true))
            or (not coalesce(mes_lacks, true) and coalesce(erp_lacks, true))
        )

),

answers as (

    select
        asked.change_number,
        asked.plant_id,
        acknowledgements.target_system,
        acknowledgements.acknowledgement_state,
        acknowledgements.detail,
        acknowledgements.event_at,
        acknowledgements.correlation_id,
    from asked
    inner join {{ ref('sync_acknowledgement') }} as acknowledgements
        on asked.change_number = acknowledgements.object_key
        and acknowledgements.object_type = 'engineering_change'
        and (acknowledgements.plant_id is null or asked.plant_id = acknowledgements.plant_id)
        and acknowledgements.target_system in (asked.erp_system, asked.mes_system)
    -- rule 4: by when it happened, then by when it was written
    qualify row_number() over (
        partition by asked.change_number, asked.plant_id, acknowledgements.target_system
        order by acknowledgements.event_at desc, acknowledgements.recorded_at desc, acknowledgements.event_id desc
    ) = 1

),

unavailable as (

    select
        answers.change_number,
        answers.plant_id,
        'target_unavailable' as reason,
        string_agg(answers.target_system || ': ' || coalesce(answers.detail, answers.acknowledgement_state), '; ')
            as detail,
        list(distinct answers.correlation_id) as correlation_ids,
    from answers
    inner join seen
        on answers.change_number = seen.change_number
        and answers.plant_id = seen.plant_id
    where
        answers.acknowledgement_state in ('failed', 'rejected')
        and not coalesce(
            case when answers.target_system = seen.erp_system then seen.erp_holds else seen.mes_holds end, false
        )
    group by answers.change_number, answers.plant_id

),

-- rule 3: each order by its own start; both systems' orders count, as either may be worked to
old_orders as (

    select
        asked.change_number,
        asked.plant_id,
        'open_orders_on_old_revision' as reason,
        'Orders on ' || asked.parent_item_number || ' before revision ' || any_value(asked.to_revision) || ': '
        || string_agg(distinct orders.production_order_number, ', ') as detail,
        list(distinct orders.correlation_id) as correlation_ids,
    from asked
    inner join {{ ref('production_order') }} as orders
        on asked.plant_id = orders.plant_id
        and asked.parent_item_number = orders.item_number
    inner join revisions as ordered
        on orders.item_number = ordered.item_number
        and orders.revision = ordered.revision
    inner join revisions as released
        on asked.parent_item_number = released.item_number
        and asked.to_revision = released.revision
    where
        orders.status in ('planned', 'released')
        and orders.scheduled_start_at >= asked.effective_from
        and ordered.revision_sequence < released.revision_sequence
    group by asked.change_number, asked.plant_id, asked.parent_item_number

),

stock as (

    select
        plant_id,
        item_number,
        sum(base_quantity) as quantity,
        list(distinct correlation_id) as correlation_ids,
    from {{ ref('inventory_balance') }}
    where base_quantity > 0
    group by plant_id, item_number

),

-- once somebody has decided what becomes of it, it blocks no more
regulated as (

    select
        asked.change_number,
        asked.plant_id,
        'regulated_stock' as reason,
        'Nobody has decided what becomes of the stock of ' || string_agg(distinct structure.component_item_number, ', ')
        || ', which is under regulation.' as detail,
        list_distinct(flatten(list(stock.correlation_ids))) as correlation_ids,
    from asked
    inner join structure
        on asked.change_number = structure.change_number
        and asked.plant_id = structure.plant_id
    inner join stock
        on structure.plant_id = stock.plant_id
        and structure.component_item_number = stock.item_number
    where
        asked.constraint_kind = 'regulated_stock'
        and asked.disposition is null
        and structure.is_old
        and not structure.is_new
    group by asked.change_number, asked.plant_id

),

unready as (

    select
        readiness.change_number,
        readiness.plant_id,
        case readiness.check_name
            when 'item_master' then 'missing_item_master'
            when 'unit' then 'unit_incompatible'
            when 'approved_source' then 'no_approved_source'
            when 'no_cycle' then 'bom_cycle'
            when 'effectivity' then 'effectivity_conflict'
        end as reason,
        string_agg(distinct readiness.detail, ' ') as detail,
        list(distinct readiness.correlation_id) filter (where readiness.correlation_id is not null) as correlation_ids,
    from readiness
    inner join asked
        on readiness.change_number = asked.change_number
        and readiness.plant_id = asked.plant_id
    -- a routing or an instruction that isn't there keeps the change from being ready, and has no reason of its own
    where readiness.check_name not in ('routing', 'work_instruction')
    group by readiness.change_number, readiness.plant_id, readiness.check_name

),

reasons as (

    select * from unready
    union all by name
    select * from of_bills
    union all by name
    select * from early_units
    union all by name
    select * from partial_updates
    union all by name
    select * from unavailable
    union all by name
    select * from old_orders
    union all by name
    select * from regulated

),

-- the order in which they are told: what is built wrong first, what can't be built next, what only waits last
final as (

    select
        change_number,
        plant_id,
        reason,
        case reason
            when 'bom_cycle' then 1
            when 'partial_update' then 2
            when 'unauthorised_change' then 3
            when 'missing_item_master' then 4
            when 'unit_incompatible' then 5
            when 'effectivity_conflict' then 6
            when 'open_orders_on_old_revision' then 7
            when 'target_unavailable' then 8
            when 'no_approved_source' then 9
            when 'regulated_stock' then 10
        end as severity_rank,
        string_agg(detail, ' ') as detail,
        coalesce(
            list_sort(list_distinct(flatten(list(correlation_ids) filter (where correlation_ids is not null)))), []
        ) as correlation_ids,
    from reasons
    group by change_number, plant_id, reason

)

select * from final
