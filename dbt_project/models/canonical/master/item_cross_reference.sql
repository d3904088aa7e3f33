with

final as (

    select
        source_system,
        system,
        native_id,
        item_number,
        kind,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_item_cross_reference') }}

)

select * from final
