with

current_rows as (

    {{ current_rows('routing_operation') }}

),

item_ids as (

    select
        source_system,
        native_id,
        item_number,
    from {{ ref('item_native_id') }}

),

final as (

    select
        current_rows.source_system,
        coalesce(item_ids.item_number, current_rows.item_number) as item_number,
        current_rows.plant_id,
        current_rows.alternative,
        current_rows.operation_sequence,
        current_rows.work_center,
        current_rows.setup_time,
        current_rows.run_time,
        current_rows.time_unit,
        current_rows.yield_fraction,
        current_rows.effective_from,
        current_rows.effective_to,
        current_rows.revision,
        current_rows.work_instruction_number,
        current_rows.work_instruction_version,
        current_rows.item_number as native_item_number,
        current_rows.batch_id,
        current_rows.correlation_id,
        current_rows.recorded_at,
    from current_rows
    left join item_ids
        on current_rows.source_system = item_ids.source_system
        and current_rows.item_number = item_ids.native_id

)

select * from final
