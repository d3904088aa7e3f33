with

batches as (

    select
        source_system,
        extract_name,
        state,
        landed_at,
        lag(state) over by_time as state_before,
        min(landed_at) filter (where state = 'landed') over (
            partition by source_system, extract_name
            order by landed_at asc, batch_id asc
            rows between 1 following and unbounded following
        ) as recovered_at,
    from {{ ref('batch_manifest') }}
    window by_time as (partition by source_system, extract_name order by landed_at asc, batch_id asc)

),

-- from the first refused delivery of a feed to the next one that was accepted
recovered as (

    select
        cast(null as varchar) as plant_id,
        source_system as breakdown,
        {{ elapsed_hours('landed_at', 'recovered_at') }} as hours,
    from batches
    where state = 'refused' and state_before is distinct from 'refused' and {{ in_kpi_window('recovered_at') }}

),

final as (

    {{ kpi_percentile('recovery_time_p50', 'recovered', 'recovered.hours', 0.5, breakdown=true) }}
    union all
    {{ kpi_percentile('recovery_time_p95', 'recovered', 'recovered.hours', 0.95, breakdown=true) }}

)

select * from final
