with

structure as (

    select * from {{ ref('engineering_change_structure') }}
    where effective_from is not null

),

systems as (

    select
        system_plant.source_system,
        system_plant.plant_id,
        systems.kind,
    from {{ source('estate', 'system_plant') }} as system_plant
    inner join {{ source('estate', 'system') }} as systems
        on system_plant.source_system = systems.source_system
    where systems.kind in ('erp', 'mes')

),

changed_parents as (

    select distinct
        plant_id,
        parent_item_number,
    from structure

),

-- what each system held of the changed bills, by its own word and by the deliveries
versions as (

    select
        history.*,
        systems.kind,
    from {{ ref('bom_line_history') }} as history
    inner join systems
        on history.source_system = systems.source_system
        and history.plant_id = systems.plant_id
    semi join changed_parents
        on history.plant_id = changed_parents.plant_id
        and history.parent_item_number = changed_parents.parent_item_number

),

-- since when a system is known to hold a bill of the assembly at all
begun as (

    select
        source_system,
        kind,
        plant_id,
        parent_item_number,
        min(recorded_from) as begun_at,
    from versions
    group by source_system, kind, plant_id, parent_item_number

),

deliveries as (

    select distinct
        batches.source_system,
        systems.plant_id,
        batches.extracted_at,
    from {{ source('platform', 'current_batch') }} as batches
    inner join {{ source('platform', 'batch_manifest') }} as manifests on batches.batch_id = manifests.batch_id
    inner join systems on batches.source_system = systems.source_system
    where manifests.entity = 'bom_line'

),

targets as (

    select
        structure.change_number,
        structure.plant_id,
        structure.parent_item_number,
        begun.source_system,
        begun.kind,
        any_value(structure.effective_from) as effective_from,
        any_value(begun.begun_at) as begun_at,
    from structure
    inner join begun
        on structure.plant_id = begun.plant_id
        and structure.parent_item_number = begun.parent_item_number
    group by
        structure.change_number, structure.plant_id, structure.parent_item_number, begun.source_system, begun.kind

),

-- Before the first delivery, a row that it has is known since its system wrote it. That it has no row of a component says
-- nothing of before: the row may have been there and gone.
first_delivery as (

    select
        source_system,
        plant_id,
        min(extracted_at) as heard_since,
    from deliveries
    group by source_system, plant_id

),

said_of_component as (

    select
        source_system,
        plant_id,
        parent_item_number,
        component_item_number,
        max(recorded_from) as said_since,
    from versions
    where began_as = 'initial' and version_number = 1
    group by source_system, plant_id, parent_item_number, component_item_number

),

known_from as (

    select
        structure.change_number,
        structure.plant_id,
        targets.source_system,
        max(coalesce(said_of_component.said_since, first_delivery.heard_since)) as known_from,
    from structure
    inner join targets
        on structure.change_number = targets.change_number
        and structure.plant_id = targets.plant_id
        and structure.parent_item_number = targets.parent_item_number
    left join first_delivery
        on targets.source_system = first_delivery.source_system
        and targets.plant_id = first_delivery.plant_id
    left join said_of_component
        on targets.source_system = said_of_component.source_system
        and structure.plant_id = said_of_component.plant_id
        and structure.parent_item_number = said_of_component.parent_item_number
        and structure.component_item_number = said_of_component.component_item_number
    group by structure.change_number, structure.plant_id, targets.source_system

),

moments as (

    select
        change_number,
        plant_id,
        source_system,
        begun_at as slice_from,
    from targets
    union
    select
        change_number,
        plant_id,
        source_system,
        known_from as slice_from,
    from known_from
    union
    select
        targets.change_number,
        targets.plant_id,
        targets.source_system,
        unnest([versions.recorded_from, versions.recorded_to]) as slice_from,
    from targets
    inner join structure
        on targets.change_number = structure.change_number
        and targets.plant_id = structure.plant_id
        and targets.parent_item_number = structure.parent_item_number
    inner join versions
        on targets.source_system = versions.source_system
        and structure.plant_id = versions.plant_id
        and structure.parent_item_number = versions.parent_item_number
        and structure.component_item_number = versions.component_item_number

),

slices as (

    select
        change_number,
        plant_id,
        source_system,
        slice_from,
        lead(slice_from) over (
            partition by change_number, plant_id, source_system order by slice_from asc
        ) as slice_to,
    from moments
    where slice_from is not null

),

-- what the system held of each component at the change's first instant, as it stood in each slice of time
held_in_bill as (

    select
        slices.change_number,
        slices.plant_id,
        slices.source_system,
        slices.slice_from,
        structure.parent_item_number,
        structure.component_item_number,
        versions.usage,
        versions.alternative,
        versions.revision,
        sum(versions.quantity_per) filter (
            where {{ may_count('versions', 'structure.effective_from') }}
        ) as quantity_from,
        bool_or(versions.effective_from > structure.effective_from) as begins_later,
        count(*) filter (where versions.quantity_per is null) as refused_lines,
        list(versions.correlation_id order by versions.correlation_id asc) as correlation_ids,
    from slices
    inner join structure
        on slices.change_number = structure.change_number
        and slices.plant_id = structure.plant_id
    inner join versions
        on slices.source_system = versions.source_system
        and structure.plant_id = versions.plant_id
        and structure.parent_item_number = versions.parent_item_number
        and structure.component_item_number = versions.component_item_number
        and slices.slice_from >= versions.recorded_from
        and (versions.recorded_to is null or slices.slice_from < versions.recorded_to)
    group by all

),

held as (

    select
        change_number,
        plant_id,
        source_system,
        slice_from,
        parent_item_number,
        component_item_number,
        max(quantity_from) as quantity_from,
        bool_or(begins_later) as begins_later,
        sum(refused_lines) as refused_lines,
        flatten(list(correlation_ids)) as correlation_ids,
    from held_in_bill
    group by change_number, plant_id, source_system, slice_from, parent_item_number, component_item_number

),

-- rule 38: within the tolerance of a line's quantity is equal
compared as (

    select
        slices.change_number,
        slices.plant_id,
        slices.source_system,
        slices.slice_from,
        slices.slice_to,
        structure.component_item_number,
        coalesce(held.refused_lines, 0) = 0
        and {{ within_tolerance('structure.expected_quantity_per', 'held.quantity_from', 'bom_line.quantity') }}
            as is_as_expected,
        coalesce(held.refused_lines, 0) = 0
        and not coalesce(structure.is_new and held.begins_later, false)
        and {{ within_tolerance('structure.quantity_per_before', 'held.quantity_from', 'bom_line.quantity') }}
            as is_as_before,
        held.correlation_ids,
    from slices
    inner join structure
        on slices.change_number = structure.change_number
        and slices.plant_id = structure.plant_id
    left join held
        on slices.change_number = held.change_number
        and slices.plant_id = held.plant_id
        and slices.source_system = held.source_system
        and slices.slice_from = held.slice_from
        and structure.parent_item_number = held.parent_item_number
        and structure.component_item_number = held.component_item_number

),

judged as (

    select
        compared.change_number,
        compared.plant_id,
        compared.source_system,
        compared.slice_from,
        compared.slice_to,
        case
            when compared.slice_from < any_value(known_from.known_from) then 'unknown'
            when bool_and(compared.is_as_expected) then 'holds'
            when bool_and(compared.is_as_before) then 'lacks'
            else 'differs'
        end as structure_state,
        list_sort(list_distinct(flatten(
            list(compared.correlation_ids) filter (where compared.correlation_ids is not null)
        ))) as correlation_ids,
    from compared
    left join known_from
        on compared.change_number = known_from.change_number
        and compared.plant_id = known_from.plant_id
        and compared.source_system = known_from.source_system
    group by
        compared.change_number, compared.plant_id, compared.source_system, compared.slice_from, compared.slice_to

),

turned as (

    select
        *,
        coalesce(
            structure_state is distinct from lag(structure_state) over (
                partition by change_number, plant_id, source_system order by slice_from asc
            ), true
        )::integer as is_turn,
    from judged

),

numbered as (

    select
        *,
        sum(is_turn) over (
            partition by change_number, plant_id, source_system order by slice_from asc
        ) as state_number,
    from turned

),

periods as (

    select
        change_number,
        plant_id,
        source_system,
        state_number,
        any_value(structure_state) as structure_state,
        min(slice_from) as held_from,
        case when bool_or(slice_to is null) then null else max(slice_to) end as held_to,
        min_by(correlation_ids, slice_from) as correlation_ids,
    from numbered
    group by change_number, plant_id, source_system, state_number

),

final as (

    select
        periods.change_number,
        periods.plant_id,
        periods.source_system,
        targets.kind as system_kind,
        periods.structure_state,
        periods.held_from,
        periods.held_to,
        min(deliveries.extracted_at) as first_seen_at,
        max(deliveries.extracted_at) as last_seen_at,
        periods.held_to is null as is_current,
        any_value(periods.correlation_ids) as correlation_ids,
    from periods
    inner join targets
        on periods.change_number = targets.change_number
        and periods.plant_id = targets.plant_id
        and periods.source_system = targets.source_system
    -- the deliveries that showed it: those made while it was so
    left join deliveries
        on periods.source_system = deliveries.source_system
        and periods.plant_id = deliveries.plant_id
        and periods.held_from <= deliveries.extracted_at
        and (periods.held_to is null or periods.held_to > deliveries.extracted_at)
    group by
        periods.change_number, periods.plant_id, periods.source_system, targets.kind, periods.structure_state,
        periods.held_from, periods.held_to

)

select * from final
