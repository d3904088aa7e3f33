with

rows_now as (

    select * from {{ ref('stg_purchase_order_line') }}

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
        purchase_order_number,
        line_number,
        item_number,
        revision,
        plant_id,
        quantity,
        unit,
        due_at,
        promised_at,
        unit_price,
        currency,
        received_quantity,
        rejected_quantity,
        stocked_quantity,
        cancelled_quantity,
        status,
        native_item_number,
        {{ to_base_unit('quantity') }} as base_quantity,
        {{ to_base_unit('received_quantity') }} as base_received_quantity,
        {{ to_base_unit('rejected_quantity') }} as base_rejected_quantity,
        {{ to_base_unit('stocked_quantity') }} as base_stocked_quantity,
        {{ to_base_unit('cancelled_quantity') }} as base_cancelled_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
