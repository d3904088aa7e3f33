with

rows_now as (

    select * from {{ ref('stg_production_confirmation') }}

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
        production_order_number,
        plant_id,
        operation_sequence,
        item_number,
        yield_quantity,
        scrap_quantity,
        rework_quantity,
        unit,
        reason_code,
        event_at,
        operator_hash,
        erp_posting_reference,
        native_item_number,
        {{ to_base_unit('yield_quantity') }} as base_yield_quantity,
        {{ to_base_unit('scrap_quantity') }} as base_scrap_quantity,
        {{ to_base_unit('rework_quantity') }} as base_rework_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
