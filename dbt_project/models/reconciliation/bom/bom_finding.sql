{#- attribute, class, severity, condition, and the columns to show, for lines that PLM and another system both hold -#}
{%- set differences = [
    ('quantity', 'quantity', 'high', "not " ~ within_tolerance('plm_quantity_per', 'erp_quantity_per', 'bom_line.quantity'), 'quantity_per',
        'Correct the quantity in the ERP to the released one, or raise an engineering change.'),
    ('unit', 'unit', 'info', 'plm_source_unit <> erp_source_unit', 'source_unit',
        'Nothing is wrong while the units convert; use one unit to keep it so.'),
    ('is_fixed_quantity', 'fixed_quantity', 'medium', 'plm_is_fixed_quantity <> erp_is_fixed_quantity', 'is_fixed_quantity',
        'Agree whether the quantity is per order or per piece.'),
    ('component_scrap', 'scrap', 'medium', 'plm_scrap_fraction <> erp_scrap_fraction or plm_scrap_method <> erp_scrap_method',
        'scrap_fraction', 'Agree on the scrap allowance.'),
    ('is_phantom', 'phantom_flag', 'medium', 'plm_is_phantom <> erp_is_phantom', 'is_phantom',
        'Agree whether the component is built to stock at this plant.'),
    ('alternate_priority', 'alternate_priority', 'medium', 'plm_alternate_priority <> erp_alternate_priority',
        'alternate_priority', 'Agree which alternate is used first.'),
    ('component_revision', 'revision', 'high', 'plm_component_revision <> erp_component_revision', 'component_revision',
        'Bring the ERP to the released revision.'),
    ('effective_from', 'effectivity', 'medium',
        'plm_effective_from is distinct from erp_effective_from or plm_effective_to is distinct from erp_effective_to',
        'effective_from', 'Align the dates, or the plant changes over on another day than engineering meant.'),
    ('reference_designators', 'reference_designators', 'medium',
        'plm_reference_designators <> erp_reference_designators', 'reference_designators', 'Align the reference designators.'),
    ('position', 'position_only', 'info', 'plm_position <> erp_position', 'position',
        'Nothing to do: a renumbered position changes no requirement.'),
] -%}

with

comparison as (

    select * from {{ ref('bom_comparison') }}

),

lines as (

    select * from {{ ref('bom_line_at_plant') }}

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

tolerated as (

    {{ tolerated_attributes('bom_line') }}

),

costs as (

    select
        item_number,
        plant_id,
        max(standard_cost) as standard_cost,
    from {{ ref('item_plant') }}
    group by item_number, plant_id

),

missing as (

    select
        plant_id,
        parent_item_number,
        component_item_number,
        case when is_missing_in_plm then 'missing_in_plm' else 'missing_in_erp' end as finding_class,
        'line' as attribute,
        'high' as severity,
        plm_quantity_per::varchar as plm_value,
        erp_quantity_per::varchar as erp_value,
        mes_quantity_per::varchar as mes_value,
        coalesce(plm_quantity_per, erp_quantity_per, mes_quantity_per) as quantity_at_stake,
        case
            when is_missing_in_plm then 'Raise an engineering change for the line, or take it out of the ERP.'
            else 'Enter the released line in the ERP.'
        end as suggested_action,
        to_json({
            'plm_line': plm_line_id, 'erp_line': erp_line_id, 'mes_line': mes_line_id, 'occurrence': occurrence
        })::varchar as evidence,
    from comparison
    where is_missing_in_plm or is_missing_in_erp

),

{% for attribute, finding_class, severity, condition, column, action in differences -%}
    differing_{{ attribute }} as (

        select
            plant_id,
            parent_item_number,
            component_item_number,
            '{{ finding_class }}' as finding_class,
            '{{ attribute }}' as attribute,
            '{{ severity }}' as severity,
            plm_{{ column }}::varchar as plm_value,
            erp_{{ column }}::varchar as erp_value,
            mes_{{ column }}::varchar as mes_value,
            {{ 'abs(plm_quantity_per - erp_quantity_per)' if attribute == 'quantity' else 'cast(null as decimal(38, 12))' }}
                as quantity_at_stake,
            '{{ action }}' as suggested_action,
            to_json({ 'plm_line': plm_line_id, 'erp_line': erp_line_id, 'occurrence': occurrence })::varchar as evidence,
        from comparison
        where plm_source_system is not null and erp_source_system is not null and ({{ condition }})

    ),

{% endfor -%}
-- rule 36: what the estate tolerates is nobody's work
differing as (

    {% for difference in differences -%}
        {% if not loop.first %}union all
        {% endif %}select * from differing_{{ difference[0] }}
    {% endfor -%}

),

reported as (

    select differing.* from differing
    anti join tolerated on differing.plant_id = tolerated.plant_id and differing.attribute = tolerated.attribute

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
overlapping as (

    select
        a.plant_id,
        a.parent_item_number,
        a.component_item_number,
        case when (a.effective_from is not distinct from b.effective_from) then 'duplicate_line' else 'effectivity' end
            as finding_class,
        'effective_from' as attribute,
        'medium' as severity,
        case when systems.kind = 'plm' then a.line_id || ', ' || b.line_id end as plm_value,
        case when systems.kind = 'erp' then a.line_id || ', ' || b.line_id end as erp_value,
        case when systems.kind = 'mes' then a.line_id || ', ' || b.line_id end as mes_value,
        least(a.quantity_per, b.quantity_per) as quantity_at_stake,
        'End the older line where the newer one begins, or delete the double.' as suggested_action,
        to_json({
            'source_system': a.source_system, 'line_id': a.line_id, 'other_line_id': b.line_id,
            'from': greatest(a.effective_from, b.effective_from), 'to': least(a.effective_to, b.effective_to)
        })::varchar as evidence,
    from lines as a
    inner join systems on a.source_system = systems.source_system
    inner join lines as b
        on a.source_system = b.source_system
        and a.plant_id = b.plant_id
        and a.parent_item_number = b.parent_item_number
        and a.usage is not distinct from b.usage
        and a.alternative is not distinct from b.alternative
        and a.revision is not distinct from b.revision
        and a.line_type = b.line_type
        and a.line_id < b.line_id
    where
        case systems.line_identity
            when 'position' then coalesce(a.position, a.line_id) = coalesce(b.position, b.line_id)
            when 'reference_designator'
                then coalesce(a.reference_designators, a.line_id) = coalesce(b.reference_designators, b.line_id)
            else
                a.component_item_number = b.component_item_number
                and a.operation_sequence is not distinct from b.operation_sequence
        end
        and {{ periods_overlap('a.effective_from', 'a.effective_to', 'b.effective_from', 'b.effective_to') }}

),

-- rule 15
cycle as (

    select
        plant_id,
        cycle_path[1] as parent_item_number,
        cycle_path[2] as component_item_number,
        'cycle' as finding_class,
        'line' as attribute,
        'critical' as severity,
        null as plm_value,
        null as erp_value,
        null as mes_value,
        cast(null as decimal(38, 12)) as quantity_at_stake,
        'Take one of these lines out of the structure; until then nothing that holds it has a finite requirement.'
            as suggested_action,
        to_json({ 'path': cycle_path })::varchar as evidence,
    from cycles

),

mentioned_items as (

    select
        plant_id,
        parent_item_number,
        component_item_number,
        component_item_number as item_number,
        source_system,
    from structure
    union
    select
        plant_id,
        parent_item_number,
        null as component_item_number,
        parent_item_number as item_number,
        source_system,
    from structure

),

missing_item_master as (

    select
        mentioned_items.plant_id,
        mentioned_items.parent_item_number,
        mentioned_items.component_item_number,
        'missing_item_master' as finding_class,
        'item_number' as attribute,
        'high' as severity,
        case when systems.kind = 'plm' then mentioned_items.item_number end as plm_value,
        case when systems.kind = 'erp' then mentioned_items.item_number end as erp_value,
        case when systems.kind = 'mes' then mentioned_items.item_number end as mes_value,
        cast(null as decimal(38, 12)) as quantity_at_stake,
        'Create the item, or correct its number in the structure.' as suggested_action,
        to_json({ 'item_number': mentioned_items.item_number, 'source_system': mentioned_items.source_system })::varchar
            as evidence,
    from mentioned_items
    inner join systems on mentioned_items.source_system = systems.source_system
    left join items on mentioned_items.item_number = items.item_number
    where items.item_number is null

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

    select * from missing
    union all
    select * from reported
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
        {{ owner_role('bom', 'findings.finding_class') }} as owner_role,
        findings.plm_value,
        findings.erp_value,
        findings.mes_value,
        cast(round(findings.quantity_at_stake, 6) as decimal(28, 6)) as quantity_at_stake,
        cast(round(
            cast(findings.quantity_at_stake as decimal(28, 6)) * cast(costs.standard_cost as decimal(18, 6)), 4
        ) as decimal(28, 4)) as value_at_stake,
        findings.suggested_action,
        findings.evidence,
    from findings
    left join costs
        on findings.plant_id = costs.plant_id
        and findings.component_item_number = costs.item_number

)

select * from final
