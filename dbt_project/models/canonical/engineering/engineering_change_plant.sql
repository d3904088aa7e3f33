with

final as (

    select
        source_system,
        change_number,
        plant_id,
        is_applicable,
        planned_effective_from,
        effective_serial_from,
        effective_serial_to,
        effective_lot_from,
        effective_lot_to,
        disposition,
        constraint_kind,
        release_gate,
        deferred_until,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_engineering_change_plant') }}

)

select * from final
