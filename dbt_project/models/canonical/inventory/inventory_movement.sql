with

rows_now as (

    select * from {{ ref('stg_inventory_movement') }}

),

items as (

    select
        item_number,
        base_unit,
    from {{ ref('item') }}

),

item_units as (

    select
        item_number,
        unit,
        numerator,
        denominator,
    from {{ ref('item_unit') }}

),

-- rule 19: null where the unit can't be converted, never 1:1. An item without a master record keeps its own unit.
factors as (

    select
        rows_now.*,
        coalesce(items.base_unit, rows_now.unit) as base_unit,
        case when items.item_number is null then 1 else item_units.numerator end as numerator,
        case when items.item_number is null then 1 else item_units.denominator end as denominator,
    from rows_now
    left join items on rows_now.item_number = items.item_number
    left join item_units
        on rows_now.item_number = item_units.item_number
        and rows_now.unit = item_units.unit

),

final as (

    select
        source_system,
        event_id,
        movement_type,
        movement_class,
        item_number,
        quantity,
        unit,
        from_plant_id,
        to_plant_id,
        from_location,
        to_location,
        from_status,
        to_status,
        from_lot,
        to_lot,
        serial_number,
        from_ownership,
        to_ownership,
        reference_type,
        reference_number,
        reference_line,
        reversal_of,
        event_at,
        posting_date,
        amount,
        currency,
        native_item_number,
        {{ to_base_unit('quantity') }} as base_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
