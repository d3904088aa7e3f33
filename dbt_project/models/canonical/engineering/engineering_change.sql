with

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
    from {{ ref('stg_engineering_change') }}

)

select * from final
