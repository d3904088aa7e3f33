with

current_rows as (

    {{ current_rows('reason_code') }}

),

final as (

    select
        current_rows.source_system,
        current_rows.reason_code,
        current_rows.name,
        current_rows.batch_id,
        current_rows.correlation_id,
        current_rows.recorded_at,
    from current_rows

)

select * from final
