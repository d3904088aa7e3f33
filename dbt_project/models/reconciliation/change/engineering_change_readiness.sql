with recursive

scope as (

    select * from {{ ref('engineering_change_scope') }}
    where is_applicable and not is_withdrawn

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

items as (

    select
        item_number,
        item_type,
        procurement_type,
    from {{ ref('item') }}

),

item_ids as (

    select * from {{ ref('item_native_id') }}

),

lines as (

    select
        bom_lines.*,
        systems.kind,
    from {{ ref('bom_line_at_plant') }} as bom_lines
    inner join systems on bom_lines.source_system = systems.source_system

),

delivered as (

    select distinct entity
    from {{ source('estate', 'extract') }}

),

incoming as (

    select
        structure.change_number,
        structure.plant_id,
        structure.parent_item_number,
        structure.component_item_number as item_number,
        scope.judged_at,
        scope.erp_system,
    from structure
    inner join scope
        on structure.change_number = scope.change_number
        and structure.plant_id = scope.plant_id
    where structure.is_new

),

-- since when the plant's ERP has had master data of what comes in
masters as (

    {{ told_versions('item_plant', ['item_number', 'plant_id'], ['planning_status']) }}

),

masters_now as (

    select
        masters.plant_id,
        coalesce(item_ids.item_number, masters.item_number) as item_number,
        min(masters.written_at) as met_at,
        min_by(masters.correlation_id, masters.written_at) as correlation_id,
    from masters
    inner join systems on masters.source_system = systems.source_system
    left join item_ids
        on masters.source_system = item_ids.source_system
        and masters.item_number = item_ids.native_id
    where
        masters.told_until is null
        and systems.kind = 'erp'
        and coalesce(masters.planning_status, 'active') not in ('blocked', 'obsolete')
    group by masters.plant_id, coalesce(item_ids.item_number, masters.item_number)

),

approvals as (

    {{ told_versions(
        'approved_manufacturer',
        ['item_number', 'supplier_number', 'manufacturer', 'manufacturer_part_number', 'plant_id'],
        ['status', 'effective_from', 'effective_to']) }}

),

approvals_now as (

    select
        incoming.change_number,
        incoming.plant_id,
        incoming.item_number,
        min(greatest(approvals.written_at, approvals.effective_from)) as met_at,
        min_by(approvals.correlation_id, approvals.written_at) as correlation_id,
    from approvals
    left join item_ids
        on approvals.source_system = item_ids.source_system
        and approvals.item_number = item_ids.native_id
    inner join incoming
        on coalesce(item_ids.item_number, approvals.item_number) = incoming.item_number
        and (approvals.plant_id is null or approvals.plant_id = incoming.plant_id)
    where
        approvals.told_until is null
        and coalesce(approvals.status, 'approved') in ('approved', 'conditional')
        and {{ is_effective('approvals.effective_from', 'approvals.effective_to', 'incoming.judged_at') }}
    group by incoming.change_number, incoming.plant_id, incoming.item_number

),

-- rule 19: wherever the component stands in the assembly's bills, its unit leads to its base unit
unit_lines as (

    select
        incoming.change_number,
        incoming.plant_id,
        incoming.item_number,
        count(*) filter (where lines.refusal_reason = 'unit_not_convertible') as refused,
        string_agg(distinct lines.source_system || ': ' || lines.source_unit, ', ') filter (
            where lines.refusal_reason = 'unit_not_convertible'
        ) as refused_units,
        min(lines.correlation_id) filter (where lines.refusal_reason = 'unit_not_convertible') as correlation_id,
    from incoming
    inner join lines
        on incoming.plant_id = lines.plant_id
        and incoming.parent_item_number = lines.parent_item_number
        and incoming.item_number = lines.component_item_number
    group by incoming.change_number, incoming.plant_id, incoming.item_number

),

-- rule 15: on the edges that one system has in force at one date in one plant. Every item once, so the walk ends.
walk as (

    select
        scope.change_number,
        scope.plant_id,
        lines.source_system,
        scope.parent_item_number as start_item,
        lines.component_item_number as item_number,
        scope.judged_at,
    from scope
    inner join lines
        on scope.plant_id = lines.plant_id
        and scope.parent_item_number = lines.parent_item_number
    where
        scope.alters_structure
        and scope.effective_from is not null
        and {{ may_count('lines', 'scope.judged_at') }}
        and lines.line_type = 'component'
    union
    select
        walk.change_number,
        walk.plant_id,
        walk.source_system,
        walk.start_item,
        lines.component_item_number as item_number,
        walk.judged_at,
    from walk
    inner join lines
        on walk.source_system = lines.source_system
        and walk.plant_id = lines.plant_id
        and walk.item_number = lines.parent_item_number
    where
        walk.item_number <> walk.start_item
        and {{ may_count('lines', 'walk.judged_at') }}
        and lines.line_type = 'component'

),

cycles as (

    select
        change_number,
        plant_id,
        string_agg(distinct source_system, ', ') as source_systems,
    from walk
    where item_number = start_item
    group by change_number, plant_id

),

-- what the plant does to make the assembly on that day, and by which instructions
routed as (

    select
        scope.change_number,
        scope.plant_id,
        scope.parent_item_number as item_number,
        count(routings.item_number) as operations,
        min(routings.recorded_at) as met_at,
        min(routings.correlation_id) as correlation_id,
        count(routings.work_instruction_version) as instructions,
        string_agg(distinct routings.work_instruction_number || ' ' || routings.work_instruction_version, ', ') filter (
            where documents.status is distinct from 'released' and documents.status is distinct from 'superseded'
        ) as unreleased,
        max(documents.recorded_at) as instructed_at,
        min(documents.correlation_id) as instruction_correlation_id,
    from scope
    left join {{ ref('routing_operation') }} as routings
        on scope.plant_id = routings.plant_id
        and scope.parent_item_number = routings.item_number
        and {{ is_effective('routings.effective_from', 'routings.effective_to', 'scope.judged_at') }}
    left join {{ ref('document') }} as documents
        on routings.work_instruction_number = documents.document_number
        and routings.work_instruction_version = documents.version
        and routings.item_number = documents.item_number
    group by scope.change_number, scope.plant_id, scope.parent_item_number

),

-- PLM's own dates contradict the change: another change has taken out what this one takes out, or takes out at once what
-- this one brings in
contradictions as (

    select
        structure.change_number,
        structure.plant_id,
        structure.component_item_number as item_number,
        bool_or(
            (structure.is_old and structure.quantity_per_before is null)
            or (structure.is_new and structure.expected_quantity_per is null)
        ) as is_contradicted,
    from structure
    inner join scope
        on structure.change_number = scope.change_number
        and structure.plant_id = scope.plant_id
    where scope.effective_from is not null and scope.is_released and not scope.is_deferred
    group by structure.change_number, structure.plant_id, structure.component_item_number

),

checks as (

    select
        incoming.change_number,
        incoming.plant_id,
        'item_master' as check_name,
        incoming.item_number,
        masters_now.item_number is not null as is_met,
        masters_now.met_at,
        case
            when masters_now.item_number is null
                then incoming.item_number || ' has no master data in ' || coalesce(incoming.erp_system, 'the ERP') || '.'
        end as detail,
        masters_now.correlation_id,
    from incoming
    left join masters_now
        on incoming.plant_id = masters_now.plant_id
        and incoming.item_number = masters_now.item_number
    where 'item_plant' in (select delivered.entity from delivered)
    union all
    select
        unit_lines.change_number,
        unit_lines.plant_id,
        'unit' as check_name,
        unit_lines.item_number,
        unit_lines.refused = 0 as is_met,
        null as met_at,
        case
            when unit_lines.refused > 0
                then unit_lines.item_number || ' has no conversion to its base unit (' || unit_lines.refused_units || ').'
        end as detail,
        unit_lines.correlation_id,
    from unit_lines
    union all
    select
        incoming.change_number,
        incoming.plant_id,
        'approved_source' as check_name,
        incoming.item_number,
        approvals_now.item_number is not null as is_met,
        approvals_now.met_at,
        case
            when approvals_now.item_number is null
                then 'Nobody is approved to make ' || incoming.item_number || ' for this plant.'
        end as detail,
        approvals_now.correlation_id,
    from incoming
    inner join items on incoming.item_number = items.item_number
    left join approvals_now
        on incoming.change_number = approvals_now.change_number
        and incoming.plant_id = approvals_now.plant_id
        and incoming.item_number = approvals_now.item_number
    where
        (items.item_type = 'bought' or items.procurement_type = 'buy')
        and 'approved_manufacturer' in (select delivered.entity from delivered)
    union all
    select
        routed.change_number,
        routed.plant_id,
        'routing' as check_name,
        routed.item_number,
        routed.operations > 0 as is_met,
        routed.met_at,
        case when routed.operations = 0 then routed.item_number || ' has no routing at this plant.' end as detail,
        routed.correlation_id,
    from routed
    where 'routing_operation' in (select delivered.entity from delivered)
    union all
    select
        routed.change_number,
        routed.plant_id,
        'work_instruction' as check_name,
        routed.item_number,
        routed.unreleased is null as is_met,
        routed.instructed_at as met_at,
        case when routed.unreleased is not null then 'Not released: ' || routed.unreleased || '.' end as detail,
        routed.instruction_correlation_id as correlation_id,
    from routed
    where routed.instructions > 0 and 'document' in (select delivered.entity from delivered)
    union all
    select
        scope.change_number,
        scope.plant_id,
        'no_cycle' as check_name,
        scope.parent_item_number as item_number,
        cycles.change_number is null as is_met,
        null as met_at,
        case
            when cycles.change_number is not null
                then scope.parent_item_number || ' holds itself in ' || cycles.source_systems || '.'
        end as detail,
        null as correlation_id,
    from scope
    left join cycles
        on scope.change_number = cycles.change_number
        and scope.plant_id = cycles.plant_id
    where scope.alters_structure and scope.effective_from is not null
    union all
    select
        contradictions.change_number,
        contradictions.plant_id,
        'effectivity' as check_name,
        contradictions.item_number,
        not contradictions.is_contradicted as is_met,
        null as met_at,
        case
            when contradictions.is_contradicted
                then
                    'The PLM''s bill doesn''t agree with what this change does to ' || contradictions.item_number
                    || ' on its day: another change overlaps.'
        end as detail,
        null as correlation_id,
    from contradictions

),

final as (

    select distinct
        change_number,
        plant_id,
        check_name,
        item_number,
        is_met,
        case when is_met then met_at end as met_at,
        detail,
        correlation_id,
    from checks

)

select * from final
