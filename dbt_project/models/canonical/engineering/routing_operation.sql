with

final as (

    select
        source_system,
        item_number,
        plant_id,
        alternative,
        operation_sequence,
        work_center,
        setup_time,
        run_time,
        time_unit,
        yield_fraction,
        effective_from,
        effective_to,
        revision,
        work_instruction_number,
        work_instruction_version,
        native_item_number,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_routing_operation') }}

)

select * from final
