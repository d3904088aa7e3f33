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

    {{ rows_to_build('production_confirmation') }}

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
