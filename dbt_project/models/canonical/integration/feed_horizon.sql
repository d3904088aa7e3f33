{{ config(materialized='view') }}

with

batches as (

    select
        source_system,
        extract_name,
        entity,
        extracted_at,
    from {{ source('platform', 'batch_manifest') }}
    where state = 'landed'

),

-- who delivers the same again has heard of everything until then, and nothing of it concerned the feed
deliveries as (

    select
        source_system,
        entity,
        extracted_at,
    from batches

    union all

    select
        batches.source_system,
        batches.entity,
        unchanged.extracted_at,
    from batches
    inner join {{ source('platform', 'feed_heard') }} as unchanged
        on batches.source_system = unchanged.source_system and batches.extract_name = unchanged.extract_name

),

systems as (

    select
        source_system,
        latency_seconds,
    from {{ source('estate', 'system') }}

),

final as (

    select
        deliveries.source_system,
        deliveries.entity,
        -- a database is read now, although its estate may be looked at from another instant
        least(max(deliveries.extracted_at), {{ as_of() }}) as delivered_until,
        least(max(deliveries.extracted_at), {{ as_of() }}) - to_seconds(any_value(systems.latency_seconds)) as heard_until,
    from deliveries
    inner join systems on deliveries.source_system = systems.source_system
    group by deliveries.source_system, deliveries.entity

)

select * from final
