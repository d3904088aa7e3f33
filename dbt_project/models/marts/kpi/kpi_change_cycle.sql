with

at_plants as (

    select
        change_number,
        raised_at,
        is_deferred,
        status,
        superseded_by_change_number,
        greatest(effective_from, erp_observed_at, mes_observed_at) as in_force_at,
    from {{ ref('engineering_change_plant_status') }}
    where is_applicable and change_status = 'released'

),

-- a change is in force when the last plant that it is meant for works to it; one that waits by decision has yet to
in_force as (

    select
        change_number,
        any_value(raised_at) as raised_at,
        max(in_force_at) as in_force_at,
    from at_plants
    group by change_number
    having bool_and(status = 'synchronised') and not bool_or(is_deferred)

),

cycles as (

    select
        cast(null as varchar) as plant_id,
        change_number,
        {{ elapsed_hours('raised_at', 'in_force_at') }} as hours,
    from in_force
    where {{ in_kpi_window('in_force_at') }}

),

-- whoever took an exception in hand shows in its state, or as the one who resolved it
by_hand as (

    select distinct json_extract_string(business_key, '$.change_number') as change_number
    from {{ source('ledger', 'exception') }}
    where
        domain = 'change'
        and (
            state in ('acknowledged', 'assigned', 'snoozed', 'accepted')
            or coalesce(resolved_by, 'platform') <> 'platform'
        )

),

untouched as (

    select
        cycles.plant_id,
        by_hand.change_number is null as is_untouched,
    from cycles
    left join by_hand on cycles.change_number = by_hand.change_number

),

median as (

    {{ kpi_percentile('change_cycle_time_p50', 'cycles', 'cycles.hours', 0.5) }}

),

slow as (

    {{ kpi_percentile('change_cycle_time_p90', 'cycles', 'cycles.hours', 0.9) }}

),

without_hands as (

    {{ kpi_rate('changes_propagated_without_intervention', 'untouched', 'untouched.is_untouched', family=false) }}

),

final as (

    select * from median
    union all
    select * from slow
    union all
    select * from without_hands

)

select * from final
