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

    {{ rows_to_build('material_consumption') }}

),

factors as (

    {{ with_base_unit('rows_now') }}

),

final as (

    select
        source_system,
        event_id,
        production_order_number,
        plant_id,
        operation_sequence,
        item_number,
        quantity,
        unit,
        lot_number,
        serial_number,
        event_at,
        consumption_kind,
        confirmation_event_id,
        native_item_number,
        {{ to_base_unit('quantity') }} as base_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
