{{ config(materialized='ephemeral') }}

with

current_rows as (

    {{ current_rows('engineering_change') }}

),

final as (

    select
        source_system,
        change_number,
        title,
        reason,
        status,
        raised_at,
        approved_at,
        released_at,
        requester,
        priority,
        urgency,
        change_class,
        batch_id,
        correlation_id,
        recorded_at,
    from current_rows

)

select * from final
