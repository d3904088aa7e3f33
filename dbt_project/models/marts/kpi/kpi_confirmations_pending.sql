with

-- What came in within the interface's latency is under way, not pending.
confirmations as (

    select
        confirmation.plant_id,
        item.product_family,
        {{ elapsed_hours('confirmation.event_at', as_of()) }} as age,
    from {{ ref('production_confirmation') }} as confirmation
    inner join {{ source('estate', 'system') }} as system
        on confirmation.source_system = system.source_system
    left join {{ ref('item') }} as item
        on confirmation.item_number = item.item_number
    where
        confirmation.erp_posting_reference is null
        and confirmation.event_at + to_seconds(coalesce(system.latency_seconds, 0)) <= {{ as_of() }}

),

-- A plant where nothing is pending has a zero, not a gap.
plants as (

    select distinct
        plant_id,
        cast(null as varchar) as product_family,
        cast(null as decimal(28, 6)) as age,
        0 as pending,
    from {{ ref('production_confirmation') }}
    union all
    select
        plant_id,
        product_family,
        age,
        1 as pending,
    from confirmations

),

pending as (

    {{ kpi_sum('confirmations_pending_posting', 'plants', 'plants.pending', 'count') }}

),

oldest as (

    {{ kpi_percentile('confirmations_pending_posting_oldest_age', 'plants', 'plants.age', 1, family=true) }}

),

final as (

    select * from pending
    union all
    select * from oldest

)

select * from final
