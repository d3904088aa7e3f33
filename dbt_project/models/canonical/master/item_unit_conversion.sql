with

final as (

    select
        source_system,
        item_number,
        alternative_unit,
        numerator,
        denominator,
        native_item_number,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_item_unit_conversion') }}

)

select * from final
