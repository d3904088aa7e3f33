with

rows_now as (

    select * from {{ ref('stg_production_order') }}

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
        production_order_number,
        plant_id,
        item_number,
        revision,
        bom_alternative,
        quantity,
        unit,
        completed_quantity,
        scrapped_quantity,
        scrap_reason,
        scheduled_start_at,
        scheduled_end_at,
        due_at,
        actual_start_at,
        actual_end_at,
        status,
        status_source,
        native_item_number,
        {{ to_base_unit('quantity') }} as base_quantity,
        {{ to_base_unit('completed_quantity') }} as base_completed_quantity,
        {{ to_base_unit('scrapped_quantity') }} as base_scrapped_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
