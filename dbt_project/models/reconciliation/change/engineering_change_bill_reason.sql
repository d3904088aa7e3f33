{{ config(materialized='ephemeral') }}

with

scope as (

    select * from {{ ref('engineering_change_scope') }}

),

structure as (

    select * from {{ ref('engineering_change_structure') }}

),

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

lines as (

    select
        bom_lines.*,
        systems.kind,
    from {{ ref('bom_line_at_plant') }} as bom_lines
    inner join systems on bom_lines.source_system = systems.source_system
    where systems.kind in ('erp', 'mes')

),

-- only what is released, meant for the plant and not put off can be blocked
asked as (

    select * from scope
    where is_applicable and is_released and not is_deferred

),

-- what the plant's systems hold of the change's components now
held_lines as (

    select
        structure.change_number,
        structure.plant_id,
        structure.component_item_number,
        structure.is_old,
        structure.is_new,
        structure.expected_quantity_per,
        structure.quantity_per_before,
        asked.effective_from as change_effective_from,
        lines.source_system,
        lines.kind,
        lines.line_id,
        lines.quantity_per,
        {{ plain_number('lines.quantity_per') }} as held_text,
        {{ plain_number('structure.expected_quantity_per') }} as expected_text,
        lines.effective_from,
        lines.effective_to,
        coalesce(lines.effective_from = asked.effective_from, false) as begins_with_change,
        coalesce(lines.effective_to = asked.effective_from, false) as ends_with_change,
        lines.engineering_change_in,
        lines.engineering_change_out,
        lines.refusal_reason,
        lines.correlation_id,
    from structure
    inner join asked
        on structure.change_number = asked.change_number
        and structure.plant_id = asked.plant_id
    inner join lines
        on structure.plant_id = lines.plant_id
        and structure.parent_item_number = lines.parent_item_number
        and structure.component_item_number = lines.component_item_number
    where asked.effective_from is not null

),

-- rule 1: what comes in begins, and what goes out ends, at the change's first instant
shifted as (

    select
        change_number,
        plant_id,
        source_system,
        case
            when is_new and engineering_change_in = change_number and not begins_with_change
                then 'begins ' || coalesce(effective_from::varchar, 'without a date')
            when is_old and engineering_change_out = change_number and not ends_with_change
                then 'ends ' || coalesce(effective_to::varchar, 'never')
            when
                is_new and not is_old and engineering_change_in is null
                and effective_from > change_effective_from
                then 'begins ' || effective_from::varchar
            when
                is_old and not is_new and engineering_change_out is null
                and effective_to > change_effective_from
                then 'ends ' || effective_to::varchar
        end as shift,
        component_item_number,
        correlation_id,
    from held_lines
    where shift is not null

),

effectivity_conflicts as (

    select
        shifted.change_number,
        shifted.plant_id,
        'effectivity_conflict' as reason,
        string_agg(
            distinct shifted.component_item_number || ' ' || shifted.shift || ' in ' || shifted.source_system, '; '
        ) as detail,
        list(distinct shifted.correlation_id) as correlation_ids,
    from shifted
    group by shifted.change_number, shifted.plant_id

),

known_changes as (

    select distinct
        change_number,
        plant_id,
    from scope
    where is_released and is_applicable

),

-- rule 37: the line neither is as it was nor as it was released, and no change stands behind it
altered as (

    select
        held_lines.change_number,
        held_lines.plant_id,
        'unauthorised_change' as reason,
        string_agg(
            distinct held_lines.component_item_number || ': ' || held_lines.held_text || ' in '
            || held_lines.source_system || ' instead of ' || coalesce(held_lines.expected_text, 'none'), '; '
        ) as detail,
        list(distinct held_lines.correlation_id) as correlation_ids,
    from held_lines
    left join known_changes
        on held_lines.engineering_change_in = known_changes.change_number
        and held_lines.plant_id = known_changes.plant_id
    where
        held_lines.is_new
        and known_changes.change_number is null
        and held_lines.refusal_reason is null
        and {{ is_effective('held_lines.effective_from', 'held_lines.effective_to', 'held_lines.change_effective_from') }}
        and not {{ within_tolerance(
            'held_lines.quantity_per', 'held_lines.expected_quantity_per', 'bom_line.quantity') }}
        and not {{ within_tolerance(
            'held_lines.quantity_per', 'held_lines.quantity_per_before', 'bom_line.quantity') }}
    group by held_lines.change_number, held_lines.plant_id

),

-- lines that a change brought in or took out
followed as (

    select
        plant_id,
        source_system,
        correlation_id,
        unnest([engineering_change_in, engineering_change_out]) as change_number,
    from lines

),

-- a plant that follows a change that isn't for it, was put off there, or was taken back
uncalled as (

    select
        scope.change_number,
        scope.plant_id,
        'unauthorised_change' as reason,
        min(followed.source_system) || ' follows the change although it is ' || any_value(
            case
                when scope.is_withdrawn then 'taken back'
                when not scope.is_applicable then 'not for this plant'
                else 'put off here'
            end
        ) || '.' as detail,
        list(distinct followed.correlation_id) as correlation_ids,
    from scope
    inner join followed
        on scope.plant_id = followed.plant_id
        and scope.change_number = followed.change_number
    where scope.is_withdrawn or not scope.is_applicable or scope.is_deferred
    group by scope.change_number, scope.plant_id

),

final as (

    select * from effectivity_conflicts
    union all by name
    select * from altered
    union all by name
    select * from uncalled

)

select * from final
