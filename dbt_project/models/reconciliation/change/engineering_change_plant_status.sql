with

scope as (

    select * from {{ ref('engineering_change_scope') }}

),

structure as (

    select * from {{ ref('engineering_change_structure') }}

),

observation as (

    select * from {{ ref('engineering_change_observation') }}

),

readiness as (

    select * from {{ ref('engineering_change_readiness') }}

),

reasons as (

    select * from {{ ref('engineering_change_reason') }}

),

outgoing as (

    select * from {{ ref('engineering_change_outgoing') }}

),

ready as (

    select
        change_number,
        plant_id,
        bool_and(is_met) as is_ready,
        max(met_at) as met_at,
        list_sort(list(distinct correlation_id) filter (where correlation_id is not null)) as evidence,
        list(distinct check_name order by check_name asc) filter (where not is_met) as unmet_checks,
    from readiness
    group by change_number, plant_id

),

-- from the next change of all of its components on, that one says what is to be held
passed as (

    select
        change_number,
        plant_id,
        bool_and(coalesce(superseded_from <= {{ as_of() }}, false)) as is_superseded,
        max(superseded_by_change_number) as superseded_by_change_number,
    from structure
    group by change_number, plant_id

),

kinds as (

    select unnest(['erp', 'mes']) as system_kind

),

-- the systems that should be seen to hold it, seen or not
targets as (

    select
        scope.change_number,
        scope.plant_id,
        kinds.system_kind,
        case kinds.system_kind when 'erp' then scope.erp_system else scope.mes_system end as source_system,
        scope.raised_at,
        scope.released_at,
        scope.is_released,
        scope.effectivity_kind,
    from scope
    cross join kinds

),

-- what a system's own log says that it wrote for the change: it held it then, if it doesn't now
logged as (

    select
        targets.change_number,
        targets.plant_id,
        targets.system_kind,
        min(change_log.changed_at) as logged_at,
    from targets
    inner join {{ ref('change_log') }} as change_log
        on targets.change_number = change_log.change_number
        and targets.source_system = change_log.source_system
        and (change_log.plant_id is null or targets.plant_id = change_log.plant_id)
    where change_log.object_type = 'bom_line'
    group by targets.change_number, targets.plant_id, targets.system_kind

),

-- Rule 35: what is held is the released structure. Of a change that isn't released or was withdrawn nobody knows it. What was
-- like it and was over at the release is no adoption; what stood already when the change was raised counts from there on.
seen as (

    select
        targets.*,
        observation.structure_state,
        observation.is_current,
        observation.held_from,
        observation.held_to,
        observation.first_seen_at,
        observation.last_seen_at,
        observation.correlation_ids,
        observation.structure_state = 'holds'
        and coalesce(observation.held_to > targets.released_at, true) as is_adopted,
        case
            when observation.held_from < targets.raised_at then targets.released_at else observation.held_from
        end as adopted_from,
    from targets
    left join observation
        on targets.change_number = observation.change_number
        and targets.plant_id = observation.plant_id
        and targets.system_kind = observation.system_kind
        and targets.is_released

),

by_kind as (

    select
        seen.change_number,
        seen.plant_id,
        seen.system_kind,
        min(seen.adopted_from) filter (where seen.is_adopted) as observed_at,
        min(seen.first_seen_at) filter (where seen.is_adopted) as first_seen_at,
        max(seen.last_seen_at) filter (where seen.is_adopted) as last_seen_at,
        coalesce(
            bool_and(seen.structure_state = 'holds') filter (where seen.is_current), any_value(seen.source_system) is null
        ) as holds,
        case when not holds then max(seen.held_to) filter (where seen.is_adopted) end as held_until,
        case
            when any_value(seen.source_system) is null then null
            else coalesce(
                min_by(seen.structure_state, seen.held_from) filter (where seen.is_current),
                case
                    when any_value(seen.effectivity_kind) in ('serial', 'lot') or not bool_or(seen.is_released)
                        then 'unknown'
                    else 'lacks'
                end
            )
        end as structure_state,
        coalesce(min_by(seen.correlation_ids, seen.held_from) filter (where seen.is_adopted), []) as evidence,
        not holds and (
            observed_at is not null
            or any_value(logged.logged_at)
            < min(seen.held_from) filter (where seen.is_current and seen.structure_state <> 'holds')
        ) as gave_up,
    from seen
    left join logged
        on seen.change_number = logged.change_number
        and seen.plant_id = logged.plant_id
        and seen.system_kind = logged.system_kind
    group by seen.change_number, seen.plant_id, seen.system_kind

),

-- a change that holds from a serial or lot on is seen in what was built, not in a bill at a date
units as (

    select
        change_number,
        plant_id,
        min(made_at) filter (where place = 'in_range') as first_unit_at,
        count(*) filter (where place = 'in_range') as units_in_range,
        count(*) filter (where place = 'in_range' and built_to = 'new') as units_built_to_change,
        count(*) filter (where place = 'in_range' and built_to = 'old') as units_built_to_old,
        -- a change that was followed and isn't any more
        coalesce(
            max(made_at) filter (where place = 'in_range' and built_to = 'old')
            > min(made_at) filter (where place = 'in_range' and built_to = 'new'), false
        ) as units_went_back,
        list(unit_number order by made_at asc, unit_number asc) filter (where not is_as_expected)
            as units_built_otherwise,
    from {{ ref('engineering_change_unit') }}
    group by change_number, plant_id

),

told_reasons as (

    select
        change_number,
        plant_id,
        list(reason order by severity_rank asc) as blocking_reasons,
        string_agg(detail, ' ' order by severity_rank asc) as blocking_detail,
    from reasons
    group by change_number, plant_id

),

joined as (

    select
        scope.*,
        coalesce(told_reasons.blocking_reasons, []) as blocking_reasons,
        told_reasons.blocking_detail,
        case
            when coalesce(ready.is_ready, true) and scope.is_released
                then greatest(ready.met_at, scope.released_at)
        end as ready_at,
        coalesce(ready.evidence, []) as ready_evidence,
        coalesce(ready.unmet_checks, []) as unmet_checks,
        erp.observed_at as erp_observed_at,
        erp.first_seen_at as erp_first_seen_at,
        erp.last_seen_at as erp_last_seen_at,
        erp.held_until as erp_held_until,
        erp.structure_state as erp_state,
        erp.evidence as erp_evidence,
        erp.holds as erp_holds,
        erp.gave_up as erp_gave_up,
        mes.observed_at as mes_observed_at,
        mes.first_seen_at as mes_first_seen_at,
        mes.last_seen_at as mes_last_seen_at,
        mes.held_until as mes_held_until,
        mes.structure_state as mes_state,
        mes.evidence as mes_evidence,
        mes.holds as mes_holds,
        mes.gave_up as mes_gave_up,
        coalesce(passed.is_superseded, false) as is_superseded,
        passed.superseded_by_change_number,
        units.first_unit_at,
        coalesce(units.units_in_range, 0) as units_in_range,
        coalesce(units.units_built_to_change, 0) as units_built_to_change,
        coalesce(units.units_built_to_old, 0) as units_built_to_old,
        coalesce(units.units_went_back, false) as units_went_back,
        coalesce(units.units_built_otherwise, []) as units_built_otherwise,
        coalesce(outgoing.open_orders, 0) > 0 as has_open_procurement,
        coalesce(outgoing.stock_rows, 0) > 0 as has_stock,
        outgoing.settled_at,
        outgoing.moved_at,
        coalesce(outgoing.procurement_evidence, []) as procurement_evidence,
        coalesce(outgoing.stock_evidence, []) as stock_evidence,
    from scope
    left join told_reasons
        on scope.change_number = told_reasons.change_number
        and scope.plant_id = told_reasons.plant_id
    left join ready
        on scope.change_number = ready.change_number
        and scope.plant_id = ready.plant_id
    inner join by_kind as erp
        on scope.change_number = erp.change_number
        and scope.plant_id = erp.plant_id
        and erp.system_kind = 'erp'
    inner join by_kind as mes
        on scope.change_number = mes.change_number
        and scope.plant_id = mes.plant_id
        and mes.system_kind = 'mes'
    left join passed
        on scope.change_number = passed.change_number
        and scope.plant_id = passed.plant_id
    left join units
        on scope.change_number = units.change_number
        and scope.plant_id = units.plant_id
    left join outgoing
        on scope.change_number = outgoing.change_number
        and scope.plant_id = outgoing.plant_id

),

judged as (

    select
        *,
        case
            when is_withdrawn or not is_applicable
                then case when len(blocking_reasons) > 0 then 'blocked' else 'not_applicable' end
            when is_deferred then case when len(blocking_reasons) > 0 then 'blocked' else 'pending' end
            when not is_released then 'pending'
            when units_went_back then 'deviated'
            when
                alters_structure and not is_superseded
                and (
                    erp_gave_up and not list_has_any(blocking_reasons, ['effectivity_conflict', 'unit_incompatible'])
                    and erp_state = 'lacks'
                    or mes_gave_up and mes_state = 'lacks'
                )
                then 'deviated'
            when len(blocking_reasons) > 0 then 'blocked'
            when effectivity_kind in ('serial', 'lot')
                then case
                    when units_in_range = 0 then 'pending'
                    when units_built_to_old > 0 then 'overdue'
                    when units_built_to_change = units_in_range then 'synchronised'
                    else 'in_progress'
                end
            -- a change that alters no bill asks for nothing that a system could be seen to hold
            when not alters_structure or is_superseded or (erp_holds and mes_holds)
                then case when is_effective then 'synchronised' else 'pending' end
            when is_effective then 'overdue'
            when erp_holds or mes_holds then 'in_progress'
            else 'pending'
        end as status,
    from joined

),

final as (

    select
        change_number,
        plant_id,
        status,
        blocking_reasons,
        blocking_detail,
        title,
        change_status,
        parent_item_number,
        from_revision,
        to_revision,
        alters_structure,
        is_applicable,
        is_deferred,
        deferred_until,
        constraint_kind,
        disposition,
        -- from a serial or lot on: the first of them makes the day
        coalesce(effective_from, first_unit_at) as effective_from,
        effectivity_kind,
        effective_serial_from,
        effective_serial_to,
        effective_lot_from,
        effective_lot_to,
        units_in_range,
        units_built_to_change,
        units_built_otherwise,
        timezone,
        superseded_by_change_number,
        erp_system,
        mes_system,
        erp_state,
        mes_state,
        raised_at,
        approved_at,
        released_at,
        case when is_applicable then applicable_at end as applicable_at,
        ready_at,
        unmet_checks,
        erp_observed_at,
        erp_first_seen_at,
        erp_last_seen_at,
        erp_held_until,
        mes_observed_at,
        mes_first_seen_at,
        mes_last_seen_at,
        mes_held_until,
        case
            when is_applicable and is_released and not is_deferred and not has_open_procurement
                then greatest(released_at, settled_at)
        end as procurement_aligned_at,
        case
            when
                is_applicable and is_released and not is_deferred and (is_effective or units_in_range > 0)
                and not has_stock
                then greatest(effective_from, first_unit_at, moved_at)
        end as stock_disposed_at,
        {{ hours_between('released_at', 'ready_at') }} as release_to_ready_hours,
        {{ hours_between('released_at', 'erp_observed_at') }} as release_to_erp_hours,
        {{ hours_between('erp_observed_at', 'mes_observed_at') }} as erp_to_mes_hours,
        -- from the release until the last of both systems was seen to hold it
        case
            when
                (erp_system is null or erp_observed_at is not null)
                and (mes_system is null or mes_observed_at is not null)
                then {{ hours_between('released_at', 'greatest(erp_observed_at, mes_observed_at)') }}
        end as propagation_hours,
        change_correlation_id as released_evidence,
        plant_correlation_id as applicable_evidence,
        ready_evidence,
        erp_evidence,
        mes_evidence,
        procurement_evidence,
        stock_evidence,
    from judged

)

select * from final
