with

final as (

    select
        source_system,
        item_number,
        effective_from,
        effective_to,
        price,
        currency,
        native_item_number,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_item_price') }}

)

select * from final
