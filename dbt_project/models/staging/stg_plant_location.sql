with

current_rows as (

    {{ current_rows('plant_location') }}

),

final as (

    select
        current_rows.source_system,
        current_rows.plant_id,
        current_rows.location,
        current_rows.name,
        current_rows.kind,
        current_rows.parent_location,
        current_rows.batch_id,
        current_rows.correlation_id,
        current_rows.recorded_at,
    from current_rows

)

select * from final
