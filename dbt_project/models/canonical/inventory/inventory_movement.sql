{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['source_system', 'event_id'],
    on_schema_change='sync_all_columns',
    pre_hook='{{ empty_unless_it_grows() }}',
    post_hook='{{ keep_what_it_was_built_from() }}'
) }}

with

rows_now as (

    {{ rows_to_build('inventory_movement') }}

),

factors as (

    {{ with_base_unit('rows_now') }}

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
