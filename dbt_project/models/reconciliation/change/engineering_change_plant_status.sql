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

by_kind as (

    select
        change_number,
        plant_id,
        system_kind,
        min(held_from) filter (where structure_state = 'holds') as first_held_at,
        min(first_seen_at) filter (where structure_state = 'holds') as first_seen_at,
        max(last_seen_at) filter (where structure_state = 'holds') as last_seen_at,
        max(held_to) filter (where structure_state = 'holds') as last_held_until,
        coalesce(bool_and(structure_state = 'holds') filter (where is_current), false) as holds,
        min_by(structure_state, held_from) filter (where is_current) as structure_state,
        min(held_from) filter (where is_current and structure_state <> 'holds') as not_held_since,
        min_by(correlation_ids, held_from) filter (where structure_state = 'holds') as evidence,
    from observation
    group by change_number, plant_id, system_kind

),

-- what a system's own log says that it wrote for the change: it held it then, if it doesn't now
logged as (

    select
        scope.change_number,
        scope.plant_id,
        min(change_log.changed_at) filter (where change_log.source_system = scope.erp_system) as erp_logged_at,
        min(change_log.changed_at) filter (where change_log.source_system = scope.mes_system) as mes_logged_at,
    from scope
    inner join {{ ref('change_log') }} as change_log
        on scope.change_number = change_log.change_number
        and (change_log.plant_id is null or scope.plant_id = change_log.plant_id)
    where change_log.object_type = 'bom_line'
    group by scope.change_number, scope.plant_id

),

-- what goes out of the plant altogether: its orders have to end and its stock to go
outgoing as (

    select
        change_number,
        plant_id,
        component_item_number as item_number,
        effective_from,
    from structure
    where is_old and not is_new and not is_still_used

),

supply as (

    select
        plant_id,
        item_number,
        due_at,
        coalesce(status, 'open') in ('draft', 'pending', 'approved', 'open') as is_open,
        recorded_at,
        correlation_id,
    from {{ ref('purchase_order_line') }}
    union all
    select
        plant_id,
        item_number,
        due_at,
        status in ('open', 'approved') as is_open,
        recorded_at,
        correlation_id,
    from {{ ref('purchase_requisition') }}

),

procurement as (

    select
        outgoing.change_number,
        outgoing.plant_id,
        count(*) filter (where supply.is_open) as open_orders,
        max(supply.recorded_at) filter (where not supply.is_open) as settled_at,
        list_sort(list(distinct supply.correlation_id)) as evidence,
    from outgoing
    inner join supply
        on outgoing.plant_id = supply.plant_id
        and outgoing.item_number = supply.item_number
    where supply.due_at is null or outgoing.effective_from is null or supply.due_at >= outgoing.effective_from
    group by outgoing.change_number, outgoing.plant_id

),

stock as (

    select
        outgoing.change_number,
        outgoing.plant_id,
        count(*) filter (where state.on_hand <> 0 or coalesce(state.in_transit, 0) <> 0) as stock_rows,
    from outgoing
    inner join {{ ref('inventory_state') }} as state
        on outgoing.plant_id = state.plant_id
        and outgoing.item_number = state.item_number
    group by outgoing.change_number, outgoing.plant_id

),

last_movement as (

    select
        outgoing.change_number,
        outgoing.plant_id,
        max(movements.event_at) as moved_at,
        max_by(movements.correlation_id, movements.event_at) as evidence,
    from outgoing
    inner join {{ ref('inventory_movement') }} as movements
        on outgoing.plant_id = movements.from_plant_id
        and outgoing.item_number = movements.item_number
    group by outgoing.change_number, outgoing.plant_id

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
        erp.first_held_at as erp_observed_at,
        erp.first_seen_at as erp_first_seen_at,
        erp.last_seen_at as erp_last_seen_at,
        case when not coalesce(erp.holds, false) then erp.last_held_until end as erp_held_until,
        coalesce(erp.structure_state, case
            when scope.erp_system is null then null
            when scope.effectivity_kind in ('serial', 'lot') then 'unknown'
            else 'lacks'
        end) as erp_state,
        coalesce(erp.evidence, []) as erp_evidence,
        mes.first_held_at as mes_observed_at,
        mes.first_seen_at as mes_first_seen_at,
        mes.last_seen_at as mes_last_seen_at,
        case when not coalesce(mes.holds, false) then mes.last_held_until end as mes_held_until,
        coalesce(mes.structure_state, case
            when scope.mes_system is null then null
            when scope.effectivity_kind in ('serial', 'lot') then 'unknown'
            else 'lacks'
        end) as mes_state,
        coalesce(mes.evidence, []) as mes_evidence,
        coalesce(erp.holds, scope.erp_system is null) as erp_holds,
        coalesce(mes.holds, scope.mes_system is null) as mes_holds,
        (not coalesce(erp.holds, true) and (
            erp.first_held_at is not null or logged.erp_logged_at < erp.not_held_since
        )) as erp_gave_up,
        (not coalesce(mes.holds, true) and (
            mes.first_held_at is not null or logged.mes_logged_at < mes.not_held_since
        )) as mes_gave_up,
        coalesce(passed.is_superseded, false) as is_superseded,
        passed.superseded_by_change_number,
        units.first_unit_at,
        coalesce(units.units_in_range, 0) as units_in_range,
        coalesce(units.units_built_to_change, 0) as units_built_to_change,
        coalesce(units.units_built_to_old, 0) as units_built_to_old,
        coalesce(units.units_went_back, false) as units_went_back,
        coalesce(units.units_built_otherwise, []) as units_built_otherwise,
        coalesce(procurement.open_orders, 0) > 0 as has_open_procurement,
        coalesce(stock.stock_rows, 0) > 0 as has_stock,
        procurement.settled_at,
        last_movement.moved_at,
        coalesce(procurement.evidence, []) as procurement_evidence,
        case when last_movement.evidence is not null then [last_movement.evidence] else [] end as stock_evidence,
    from scope
    left join told_reasons
        on scope.change_number = told_reasons.change_number
        and scope.plant_id = told_reasons.plant_id
    left join ready
        on scope.change_number = ready.change_number
        and scope.plant_id = ready.plant_id
    left join by_kind as erp
        on scope.change_number = erp.change_number
        and scope.plant_id = erp.plant_id
        and erp.system_kind = 'erp'
    left join by_kind as mes
        on scope.change_number = mes.change_number
        and scope.plant_id = mes.plant_id
        and mes.system_kind = 'mes'
    left join logged
        on scope.change_number = logged.change_number
        and scope.plant_id = logged.plant_id
    left join passed
        on scope.change_number = passed.change_number
        and scope.plant_id = passed.plant_id
    left join units
        on scope.change_number = units.change_number
        and scope.plant_id = units.plant_id
    left join procurement
        on scope.change_number = procurement.change_number
        and scope.plant_id = procurement.plant_id
    left join stock
        on scope.change_number = stock.change_number
        and scope.plant_id = stock.plant_id
    left join last_movement
        on scope.change_number = last_movement.change_number
        and scope.plant_id = last_movement.plant_id

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
