with

rows_now as (

    select * from {{ ref('stg_purchase_order_acknowledgement') }}

),

-- An answer names only the line, often from another system than the order's: a supplier portal. Where systems disagree
-- about the line's item or plant, the answer takes neither.
order_lines as (

    select
        purchase_order_number,
        line_number,
        case when count(distinct item_number) = 1 then any_value(item_number) end as item_number,
        case when count(distinct plant_id) = 1 then any_value(plant_id) end as plant_id,
    from {{ ref('purchase_order_line') }}
    group by purchase_order_number, line_number

),

resolved as (

    select
        rows_now.*,
        order_lines.item_number,
        order_lines.plant_id,
    from rows_now
    left join order_lines
        on rows_now.purchase_order_number = order_lines.purchase_order_number
        and rows_now.line_number = order_lines.line_number

),

factors as (

    {{ with_base_unit('resolved') }}

),

final as (

    select
        source_system,
        event_id,
        purchase_order_number,
        line_number,
        plant_id,
        item_number,
        acknowledgement_status,
        promised_at,
        promised_quantity,
        unit,
        unit_price,
        currency,
        event_at,
        -- without an item there is no base unit, so nothing to compare with
        case when item_number is not null then {{ to_base_unit('promised_quantity') }} end as base_promised_quantity,
        case when item_number is not null then base_unit end as base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
