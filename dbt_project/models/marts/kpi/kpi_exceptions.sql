with

exceptions as (

    select
        plant_id,
        owner_role as breakdown,
        {{ elapsed_hours('opened_at', 'resolved_at') }} as hours_open,
        resolved_at <= due_at as is_in_time,
        coalesce(resolved_by, 'platform') <> 'platform' as is_by_hand,
    from {{ source('ledger', 'exception') }}
    where state = 'resolved' and {{ in_kpi_window('resolved_at') }}

),

by_hand as (

    select * from exceptions
    where is_by_hand

),

median as (

    {{ kpi_percentile('exception_resolution_time_p50', 'exceptions', 'exceptions.hours_open', 0.5, breakdown=true) }}

),

in_time as (

    {{ kpi_rate('exceptions_within_service_level', 'exceptions', 'exceptions.is_in_time', family=false, breakdown=true) }}

),

closed_by_hand as (

    {{ kpi_sum('exceptions_closed_by_hand', 'by_hand', '1', 'count', family=false, breakdown=true) }}

),

hours_by_hand as (

    {{ kpi_sum('exception_hours_closed_by_hand', 'by_hand', 'by_hand.hours_open', 'h', family=false, breakdown=true) }}

),

final as (

    select * from median
    union all
    select * from in_time
    union all
    select * from closed_by_hand
    union all
    select * from hours_by_hand

)

select * from final
