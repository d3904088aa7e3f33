with

final as (

    select
        source_system,
        plant_id,
        location,
        name,
        kind,
        parent_location,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_plant_location') }}

)

select * from final
