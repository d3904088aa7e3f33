with

final as (

    select
        source_system,
        item_number,
        supplier_number,
        manufacturer,
        manufacturer_part_number,
        plant_id,
        status,
        effective_from,
        effective_to,
        preference,
        native_item_number,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_approved_manufacturer') }}

)

select * from final
