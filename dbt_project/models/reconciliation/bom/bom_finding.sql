{%- set kinds = ['plm', 'erp', 'mes'] -%}

with

unauthorised as (

    select * from {{ ref('bom_unauthorised_change') }}

),

-- rule 37: a line that only the ERP has, by nobody's change, is that and not merely missing in the PLM
differences as (

    select differences.*
    from {{ ref('bom_line_difference') }} as differences
    anti join unauthorised
        on differences.plant_id = unauthorised.plant_id
        and differences.parent_item_number = unauthorised.parent_item_number
        and differences.component_item_number = unauthorised.component_item_number
        and differences.finding_class = 'missing_in_plm'
        and unauthorised.is_missing_in_plm

),

lines as (

    select * from {{ ref('bom_line_at_plant') }}

),

effective as (

    select * from {{ ref('effective_bom_line') }}

),

structure as (

    select * from {{ ref('item_structure') }}

),

cycles as (

    select * from {{ ref('bom_cycle') }}

),

items as (

    select
        item_number,
        lifecycle_status,
    from {{ ref('item') }}

),

systems as (

    select
        source_system,
        kind,
        line_identity,
    from {{ source('estate', 'system') }}

),

system_plants as (

    select
        source_system,
        plant_id,
    from {{ source('estate', 'system_plant') }}

),

extracts as (

    select
        source_system,
        entity,
    from {{ source('estate', 'extract') }}

),

rules as (

    {{ attribute_rules('bom_line') }}

),

-- what the shop floor did, whatever anybody's structure says: the newest order of the assembly that is over
executed as (

    select
        plant_id,
        made_item_number,
        item_number,
        arg_max(production_order_number, judged_at) as production_order_number,
        arg_max(consumed_quantity, judged_at) as consumed_quantity,
        arg_max(expected_quantity, judged_at) as expected_quantity,
    from {{ ref('production_consumption_comparison') }}
    where consumed_quantity is not null and verdict <> 'pending'
    group by plant_id, made_item_number, item_number

),

costs as (

    select
        item_number,
        plant_id,
        max(standard_cost) as standard_cost,
    from {{ ref('item_plant') }}
    group by item_number, plant_id

),

-- rules 8 and 19: a line without a quantity per piece in base units is never guessed; what to do depends on the reason
refused as (

    select
        lines.plant_id,
        lines.parent_item_number,
        lines.component_item_number,
        case when lines.refusal_reason in ('unit_not_convertible', 'header_unit_not_convertible') then 'unit' else 'quantity' end
            as finding_class,
        case lines.refusal_reason
            when 'unit_not_convertible' then 'unit'
            when 'header_unit_not_convertible' then 'header_unit'
            when 'quantity_too_large' then 'quantity'
            else 'base_quantity'
        end as attribute,
        'high' as severity,
        case lines.refusal_reason
            when 'unit_not_convertible' then lines.source_unit
            when 'header_unit_not_convertible' then lines.header_unit
            when 'quantity_too_large' then lines.source_quantity::varchar
            else lines.base_quantity::varchar
        end as source_value,
        case when systems.kind = 'plm' then source_value end as plm_value,
        case when systems.kind = 'erp' then source_value end as erp_value,
        case when systems.kind = 'mes' then source_value end as mes_value,
        -- a quantity that is wrong or too large itself is no measure of what is at stake
        case when lines.refusal_reason <> 'quantity_too_large' then lines.source_quantity end as quantity_at_stake,
        case lines.refusal_reason
            when 'unit_not_convertible'
                then
                    'Give the item a conversion from ' || lines.source_unit || ' to its base unit ' || lines.unit
                    || ', or correct the unit of the line.'
            when 'header_unit_not_convertible'
                then
                    'Give ' || lines.parent_item_number || ' a conversion from ' || lines.header_unit
                    || ' to its base unit, or correct the unit of the header.'
            when 'no_header'
                then
                    'Deliver the header of this bill (same plant, usage, alternative and revision as the line), or '
                    || 'correct the line: without it nobody knows how many pieces the quantity is for.'
            when 'base_quantity_not_positive'
                then 'Correct the base quantity of the header: how many pieces the quantities are for must be above 0.'
            else 'Correct the quantity of the line or the base quantity of its header: per piece it has too many digits.'
        end as suggested_action,
        to_json({
            'source_system': lines.source_system, 'line_id': lines.line_id, 'reason': lines.refusal_reason,
            'base_unit': lines.unit
        })::varchar as evidence,
    from lines
    inner join systems on lines.source_system = systems.source_system
    where lines.refusal_reason is not null

),

-- rule 2: two lines of one identity that hold at the same time
identified as (

    select
        lines.*,
        systems.kind,
        {{ line_identity_key('lines', 'systems') }} as line_identity_key,
    from lines
    inner join systems on lines.source_system = systems.source_system

),

overlapping as (

    select
        a.plant_id,
        a.parent_item_number,
        a.component_item_number,
        case when (a.effective_from is not distinct from b.effective_from) then 'duplicate_line' else 'effectivity' end
            as finding_class,
        'effective_from' as attribute,
        'medium' as severity,
        {% for kind in kinds -%}
            case when a.kind = '{{ kind }}' then a.line_id || ', ' || b.line_id end as {{ kind }}_value,
        {% endfor -%}
        least(a.quantity_per, b.quantity_per) as quantity_at_stake,
        'End the older line where the newer one begins, or delete the double.' as suggested_action,
        to_json({
            'source_system': a.source_system, 'line_id': a.line_id, 'other_line_id': b.line_id,
            'from': greatest(a.effective_from, b.effective_from), 'to': least(a.effective_to, b.effective_to)
        })::varchar as evidence,
    from identified as a
    inner join identified as b
        on a.source_system = b.source_system
        and a.plant_id = b.plant_id
        and a.parent_item_number = b.parent_item_number
        and a.usage is not distinct from b.usage
        and a.alternative is not distinct from b.alternative
        and a.revision is not distinct from b.revision
        and a.line_type = b.line_type
        and a.line_identity_key = b.line_identity_key
        and a.line_id < b.line_id
    where {{ periods_overlap('a.effective_from', 'a.effective_to', 'b.effective_from', 'b.effective_to') }}

),

-- rule 15: one finding per cycle and plant, whoever has it
cycle as (

    select
        cycles.plant_id,
        cycles.cycle_path[1] as parent_item_number,
        cycles.cycle_path[2] as component_item_number,
        'cycle' as finding_class,
        'line' as attribute,
        'critical' as severity,
        {% for kind in kinds -%}
            any_value(cycles.cycle_text) filter (systems.kind = '{{ kind }}') as {{ kind }}_value,
        {% endfor -%}
        cast(null as decimal(38, 12)) as quantity_at_stake,
        'Take one of these lines out of the structure; until then nothing that holds it has a finite requirement.'
            as suggested_action,
        to_json({
            'path': any_value(cycles.cycle_path), 'structures': list_sort(list(distinct cycles.structure))
        })::varchar as evidence,
    from cycles
    left join systems on cycles.structure = systems.source_system
    group by cycles.plant_id, cycles.cycle_path[1], cycles.cycle_path[2], cycles.cycle_text

),

mentioned_items as (

    select
        effective.plant_id,
        effective.parent_item_number,
        effective.component_item_number,
        effective.component_item_number as item_number,
        effective.kind,
    from effective
    union
    select
        effective.plant_id,
        effective.parent_item_number,
        null as component_item_number,
        effective.parent_item_number as item_number,
        effective.kind,
    from effective

),

-- what the plant's own ERP must have to plan, buy or book the item
planning_plants as (

    select distinct system_plants.plant_id
    from system_plants
    inner join systems on system_plants.source_system = systems.source_system
    inner join extracts on system_plants.source_system = extracts.source_system
    where systems.kind = 'erp' and extracts.entity = 'item_plant'

),

missing_item_master as (

    select
        mentioned_items.plant_id,
        mentioned_items.parent_item_number,
        mentioned_items.component_item_number,
        'missing_item_master' as finding_class,
        'item_number' as attribute,
        'high' as severity,
        {% for kind in kinds -%}
            any_value(mentioned_items.item_number) filter (mentioned_items.kind = '{{ kind }}') as {{ kind }}_value,
        {% endfor -%}
        cast(null as decimal(38, 12)) as quantity_at_stake,
        case
            when bool_or(items.item_number is null) then 'Create the item, or correct its number in the structure.'
            else 'Create the item''s data for this plant in its ERP, or take it out of the structure.'
        end as suggested_action,
        to_json({
            'item_number': mentioned_items.item_number,
            'kinds': list_sort(list(distinct mentioned_items.kind)),
            'is_known_elsewhere': bool_or(items.item_number is not null)
        })::varchar as evidence,
    from mentioned_items
    left join items on mentioned_items.item_number = items.item_number
    left join planning_plants on mentioned_items.plant_id = planning_plants.plant_id
    left join costs
        on mentioned_items.plant_id = costs.plant_id
        and mentioned_items.item_number = costs.item_number
    where items.item_number is null or (planning_plants.plant_id is not null and costs.item_number is null)
    group by
        mentioned_items.plant_id,
        mentioned_items.parent_item_number,
        mentioned_items.component_item_number,
        mentioned_items.item_number

),

superseded_component_in_use as (

    select
        structure.plant_id,
        structure.parent_item_number,
        structure.component_item_number,
        'superseded_component_in_use' as finding_class,
        'lifecycle_status' as attribute,
        'medium' as severity,
        items.lifecycle_status as plm_value,
        null as erp_value,
        null as mes_value,
        structure.quantity_per as quantity_at_stake,
        'Replace the component, or end the line.' as suggested_action,
        to_json({ 'lifecycle_status': items.lifecycle_status, 'line_id': structure.line_id })::varchar as evidence,
    from structure
    inner join items on structure.component_item_number = items.item_number
    where items.lifecycle_status in ('superseded', 'obsolete')

),

findings as (

    select * from differences
    union all
    select * exclude (source_system, altered_at, seen_at, is_missing_in_plm) from unauthorised
    union all
    select * exclude (source_value) from refused
    union all
    select * from overlapping
    union all
    select * from cycle
    union all
    select * from missing_item_master
    union all
    select * from superseded_component_in_use

),

final as (

    select
        {{ finding_id('findings.finding_class', [
            'findings.plant_id', 'findings.parent_item_number', 'findings.component_item_number', 'findings.attribute',
            'findings.evidence']) }} as finding_id,
        findings.plant_id,
        findings.parent_item_number,
        findings.component_item_number,
        findings.finding_class,
        findings.attribute,
        findings.severity,
        -- rule 36: the attribute's steward, else who answers for the class
        coalesce(rules.steward, {{ owner_role('bom', 'findings.finding_class') }}) as owner_role,
        findings.plm_value,
        findings.erp_value,
        findings.mes_value,
        cast(round(findings.quantity_at_stake, 6) as decimal(28, 6)) as quantity_at_stake,
        cast(round(
            cast(findings.quantity_at_stake as decimal(28, 6)) * cast(costs.standard_cost as decimal(18, 6)), 4
        ) as decimal(28, 4)) as value_at_stake,
        coalesce(rules.conflict = 'block', false) as is_blocking,
        executed.production_order_number as executed_in_order,
        executed.consumed_quantity as executed_quantity,
        executed.expected_quantity as expected_quantity,
        findings.suggested_action,
        findings.evidence,
    from findings
    left join rules
        on findings.plant_id = rules.plant_id
        and findings.attribute = rules.attribute
    left join costs
        on findings.plant_id = costs.plant_id
        and findings.component_item_number = costs.item_number
    left join executed
        on findings.plant_id = executed.plant_id
        and findings.parent_item_number = executed.made_item_number
        and findings.component_item_number = executed.item_number

)

select * from final
