with

changes as (

    select * from {{ ref('engineering_change') }}

),

applied as (

    select * from {{ ref('engineering_change_plant') }}

),

plants as (

    select
        plant_id,
        timezone,
        currency,
    from {{ source('estate', 'plant') }}

),

system_plants as (

    select
        system_plant.source_system,
        system_plant.plant_id,
        systems.kind,
    from {{ source('estate', 'system_plant') }} as system_plant
    inner join {{ source('estate', 'system') }} as systems
        on system_plant.source_system = systems.source_system

),

targets as (

    select
        plant_id,
        min(source_system) filter (where kind = 'erp') as erp_system,
        min(source_system) filter (where kind = 'mes') as mes_system,
    from system_plants
    group by plant_id

),

-- when the PLM first said that the plant is concerned; later versions of the row only say it again
told as (

    select
        source_system,
        change_number,
        plant_id,
        min(recorded_at) as applicable_at,
    from {{ source('landing', 'engineering_change_plant') }}
    where not coalesce(is_deleted, false)
    group by source_system, change_number, plant_id

),

-- the one revision that the change makes of the assembly
revised as (

    select
        source_system,
        change_number,
        item_number as parent_item_number,
        from_revision,
        to_revision,
    from {{ ref('engineering_change_item') }}
    where to_revision is not null
    qualify row_number() over (partition by source_system, change_number order by line_id asc) = 1

),

altered as (

    select
        source_system,
        change_number,
        min(parent_item_number) as parent_item_number,
    from {{ ref('engineering_change_item') }}
    where action <> 'revise' and parent_item_number is not null
    group by source_system, change_number

),

final as (

    select
        changes.change_number,
        applied.plant_id,
        changes.source_system,
        changes.title,
        changes.reason,
        changes.status as change_status,
        changes.urgency,
        changes.change_class,
        coalesce(altered.parent_item_number, revised.parent_item_number) as parent_item_number,
        revised.from_revision,
        revised.to_revision,
        altered.change_number is not null as alters_structure,
        changes.raised_at,
        changes.approved_at,
        changes.released_at,
        -- only what is released asks anything of a plant; what was withdrawn asks for the structure of before
        changes.status = 'released' and changes.released_at <= {{ as_of() }} as is_released,
        changes.status in ('cancelled', 'withdrawn') as is_withdrawn,
        told.applicable_at,
        applied.is_applicable as is_applicable,
        applied.release_gate,
        coalesce(applied.release_gate = 'deferred', false)
        and (applied.deferred_until is null or applied.deferred_until > {{ as_of() }}) as is_deferred,
        applied.deferred_until,
        applied.planned_effective_from as effective_from,
        coalesce(applied.planned_effective_from <= {{ as_of() }}, false) as is_effective,
        -- what has to be ready is asked of the change's first day, and once that has come, of the present
        greatest(applied.planned_effective_from, {{ as_of() }}) as judged_at,
        -- a day beats a serial, a serial a lot, where PLM gives more than one
        case
            when applied.planned_effective_from is not null then 'date'
            when applied.effective_serial_from is not null then 'serial'
            when applied.effective_lot_from is not null then 'lot'
        end as effectivity_kind,
        coalesce(applied.effective_serial_from, applied.effective_lot_from) as first_unit_number,
        case
            when applied.effective_serial_from is not null then applied.effective_serial_to
            else applied.effective_lot_to
        end as last_unit_number,
        applied.effective_serial_from,
        applied.effective_serial_to,
        applied.effective_lot_from,
        applied.effective_lot_to,
        applied.disposition,
        applied.constraint_kind,
        plants.timezone,
        plants.currency,
        targets.erp_system,
        targets.mes_system,
        changes.correlation_id as change_correlation_id,
        applied.correlation_id as plant_correlation_id,
    from changes
    inner join applied
        on changes.source_system = applied.source_system
        and changes.change_number = applied.change_number
    left join plants on applied.plant_id = plants.plant_id
    left join targets on applied.plant_id = targets.plant_id
    left join told
        on applied.source_system = told.source_system
        and applied.change_number = told.change_number
        and applied.plant_id = told.plant_id
    left join revised
        on changes.source_system = revised.source_system
        and changes.change_number = revised.change_number
    left join altered
        on changes.source_system = altered.source_system
        and changes.change_number = altered.change_number
    -- a number stands for one change; where two systems hold it, the newest statement counts
    qualify row_number() over (
        partition by changes.change_number, applied.plant_id
        order by changes.recorded_at desc, changes.source_system asc
    ) = 1

)

select * from final
