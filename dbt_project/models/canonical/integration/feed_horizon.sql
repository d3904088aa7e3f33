{{ config(materialized='view') }}

with

batches as (

    select
        source_system,
        entity,
        extracted_at,
    from {{ source('platform', 'batch_manifest') }}
    where state = 'landed'

),

systems as (

    select
        source_system,
        latency_seconds,
    from {{ source('estate', 'system') }}

),

final as (

    select
        batches.source_system,
        batches.entity,
        -- a database is read now, although its estate may be looked at from another instant
        least(max(batches.extracted_at), {{ as_of() }}) as delivered_until,
        least(max(batches.extracted_at), {{ as_of() }}) - to_seconds(any_value(systems.latency_seconds)) as heard_until,
    from batches
    inner join systems on batches.source_system = systems.source_system
    group by batches.source_system, batches.entity

)

select * from final
