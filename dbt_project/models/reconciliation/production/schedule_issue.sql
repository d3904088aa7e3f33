{{ config(materialized='view') }}

with

slots as (

    select
        source_system,
        schedule_id,
        plant_id,
        production_order_number,
        operation_sequence,
        item_number,
        planned_start_at,
        assumed_revision,
        assumed_bom_alternative,
        assumed_work_instruction_version,
        base_quantity,
        base_unit,
        recorded_at,
    from {{ ref('schedule_operation') }}

),

orders as (

    select
        plant_id,
        production_order_number,
        bom_alternative,
        quantity,
        judged_at,
        status,
    from {{ ref('production_order_posting') }}

),

-- what a revision's order is, its source says; where engineering tells revisions, nobody else is asked
revisions as (

    select
        revisions.item_number,
        revisions.revision,
        revisions.revision_sequence,
        revisions.effective_from,
        revisions.effective_to,
    from {{ ref('item_revision') }} as revisions
    inner join {{ source('estate', 'system') }} as systems on revisions.source_system = systems.source_system
    where coalesce(revisions.status, 'released') in ('released', 'superseded')
    qualify dense_rank() over (
        partition by revisions.item_number order by case systems.kind when 'plm' then 1 when 'erp' then 2 else 3 end
    ) = 1

),

routings as (

    select
        plant_id,
        item_number,
        operation_sequence,
        work_instruction_version,
        effective_from,
        effective_to,
    from {{ ref('routing_operation') }}
    where work_instruction_version is not null

),

open_slots as (

    select
        slots.*,
        orders.bom_alternative,
        orders.judged_at,
    from slots
    inner join orders
        on slots.plant_id = orders.plant_id
        and slots.production_order_number = orders.production_order_number
    where coalesce(orders.status, '') not in ('completed', 'closed', 'cancelled')

),

instructions as (

    select
        open_slots.source_system,
        open_slots.schedule_id,
        open_slots.plant_id,
        open_slots.production_order_number,
        open_slots.operation_sequence,
        list(distinct routings.work_instruction_version order by routings.work_instruction_version)
            as instruction_versions,
    from open_slots
    inner join routings
        on open_slots.plant_id = routings.plant_id
        and open_slots.item_number = routings.item_number
        and open_slots.operation_sequence = routings.operation_sequence
        and {{ is_effective('routings.effective_from', 'routings.effective_to', 'open_slots.judged_at') }}
    group by
        open_slots.source_system, open_slots.schedule_id, open_slots.plant_id, open_slots.production_order_number,
        open_slots.operation_sequence

),

-- rule 3: a plan is judged by what is effective when its order is to start
in_force as (

    select
        open_slots.*,
        revisions.revision as effective_revision,
        instructions.instruction_versions,
    from open_slots
    left join revisions
        on open_slots.item_number = revisions.item_number
        and {{ is_effective('revisions.effective_from', 'revisions.effective_to', 'open_slots.judged_at') }}
    left join instructions
        on open_slots.source_system = instructions.source_system
        and open_slots.schedule_id = instructions.schedule_id
        and open_slots.plant_id = instructions.plant_id
        and open_slots.production_order_number = instructions.production_order_number
        and open_slots.operation_sequence = instructions.operation_sequence
    qualify row_number() over (
        partition by
            open_slots.source_system, open_slots.schedule_id, open_slots.plant_id, open_slots.production_order_number,
            open_slots.operation_sequence
        order by revisions.revision_sequence desc nulls last, revisions.effective_from desc nulls last
    ) = 1

),

judged as (

    select
        *,
        coalesce(assumed_revision <> effective_revision, false) as is_old_revision,
        coalesce(assumed_bom_alternative <> bom_alternative, false) as is_other_alternative,
        coalesce(not list_contains(instruction_versions, assumed_work_instruction_version), false) as is_other_instruction,
    from in_force

),

final as (

    select
        plant_id,
        production_order_number as object_key,
        item_number,
        'stale_schedule' as finding_class,
        'high' as severity,
        max(base_quantity) as quantity,
        any_value(base_unit) as unit,
        json_object(
            'schedule', any_value(schedule_id), 'operations', list(operation_sequence order by operation_sequence),
            'planned_start_at', strftime(min(planned_start_at), '%Y-%m-%dT%H:%M:%SZ'),
            'judged_at', strftime(any_value(judged_at), '%Y-%m-%dT%H:%M:%SZ'),
            'assumed_revision', any_value(assumed_revision), 'effective_revision', any_value(effective_revision),
            'assumed_bom_alternative', any_value(assumed_bom_alternative), 'order_bom_alternative', any_value(bom_alternative),
            'assumed_work_instruction_version', any_value(assumed_work_instruction_version),
            'effective_work_instruction_versions', any_value(instruction_versions)
        ) as evidence,
        'Plan the order anew: the plan rests on a definition that will not be in force when it starts.' as suggested_action,
    from judged
    where is_old_revision or is_other_alternative or is_other_instruction
    group by plant_id, production_order_number, item_number

)

select * from final
