{{ config(materialized='ephemeral') }}

with

current_rows as (

    {{ current_rows('purchase_order_acknowledgement') }}

),

final as (

    select
        source_system,
        event_id,
        purchase_order_number,
        line_number,
        acknowledgement_status,
        promised_at,
        promised_quantity,
        unit,
        unit_price,
        currency,
        event_at,
        batch_id,
        correlation_id,
        recorded_at,
    from current_rows

)

select * from final
