with

final as (

    select
        source_system,
        parent_item_number,
        plant_id,
        usage,
        alternative,
        revision,
        base_quantity,
        unit,
        status,
        effective_from,
        effective_to,
        lot_size_from,
        lot_size_to,
        engineering_change_number,
        native_parent_item_number,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_bom_header') }}

)

select * from final
