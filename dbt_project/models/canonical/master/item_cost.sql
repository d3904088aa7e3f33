with

final as (

    select
        source_system,
        item_number,
        plant_id,
        effective_from,
        effective_to,
        standard_cost,
        currency,
        native_item_number,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_item_cost') }}

)

select * from final
