with

rows_now as (

    select * from {{ ref('stg_schedule_operation') }}

),

factors as (

    {{ with_base_unit('rows_now') }}

),

final as (

    select
        source_system,
        schedule_id,
        production_order_number,
        plant_id,
        operation_sequence,
        item_number,
        work_center,
        planned_start_at,
        planned_end_at,
        assumed_revision,
        assumed_bom_alternative,
        assumed_work_instruction_version,
        quantity,
        unit,
        native_item_number,
        {{ to_base_unit('quantity') }} as base_quantity,
        base_unit,
        batch_id,
        correlation_id,
        recorded_at,
    from factors

)

select * from final
