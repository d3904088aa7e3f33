{#- Findings about a line that its owner's value mends. What else is found about it has to be decided by people first. -#}
{%- set mended = [
    'missing_in_erp', 'missing_in_mes', 'quantity', 'revision', 'effectivity', 'alternate_missing', 'alternate_priority',
    'reference_designators', 'scrap', 'fixed_quantity', 'phantom_flag',
] -%}
{#- The same thing worded otherwise; it changes nothing that is built. -#}
{%- set immaterial = ['position_only', 'structural_equivalent'] -%}

with

targets as (

    select
        system_plant.source_system as target_system,
        system_plant.plant_id,
        systems.kind as target_kind,
    from {{ source('estate', 'system_plant') }} as system_plant
    inner join {{ source('estate', 'system') }} as systems on system_plant.source_system = systems.source_system
    where systems.kind in ('erp', 'mes')

),

lines as (

    select * from {{ ref('bom_line_at_plant') }}
    where
        line_type <> 'text'
        and (effective_to is null or effective_to > {{ as_of() }})
        and (
            coalesce(header_status, 'released') = 'released'
            or (header_status = 'superseded' and effective_to is not null)
        )

),

-- what a target is seen to hold, from now on
held as (

    select
        targets.target_system,
        targets.target_kind,
        lines.*,
    from lines
    inner join targets
        on lines.source_system = targets.target_system
        and lines.plant_id = targets.plant_id
    where lines.refusal_reason is null

),

-- a plant that keeps no bill of an assembly isn't sent one: whether it makes it is its own decision
held_bills as (

    select distinct
        target_system,
        target_kind,
        plant_id,
        parent_item_number,
    from held

),

-- rule 36: what it has to hold, attribute by attribute of the system that is believed
asked as (

    select
        held_bills.target_system,
        held_bills.target_kind,
        reconciled.*,
    from {{ ref('reconciled_bom_line') }} as reconciled
    inner join held_bills
        on reconciled.plant_id = held_bills.plant_id
        and reconciled.parent_item_number = held_bills.parent_item_number
    -- only lines that count from now on, of bills that are released
    semi join lines
        on reconciled.source_system = lines.source_system
        and reconciled.plant_id = lines.plant_id
        and reconciled.parent_item_number = lines.parent_item_number
        and reconciled.usage is not distinct from lines.usage
        and reconciled.alternative is not distinct from lines.alternative
        and reconciled.revision is not distinct from lines.revision
        and reconciled.line_id = lines.line_id
    where
        held_bills.target_system <> reconciled.source_system
        and (reconciled.effective_to is null or reconciled.effective_to > {{ as_of() }})

),

-- bills of which somebody else is believed than the target itself
asked_bills as (

    select distinct
        target_system,
        plant_id,
        parent_item_number,
    from asked

),

{{ bill_quantity_differences('asked', 'held') }},

tolerated as (

    select
        plant_id,
        attribute,
    from ({{ attribute_rules('bom_line') }}) as rules
    where conflict = 'tolerate'

),

-- what the reconciliation found in the lines of today beside their quantities
by_attribute as (

    select
        targets.target_system,
        compared.plant_id,
        compared.parent_item_number,
        compared.component_item_number,
        list_sort(list(distinct compared.attribute)) as attributes,
    from (
        {% for kind in ['erp', 'mes'] -%}
            select
                '{{ kind }}' as kind,
                plant_id,
                parent_item_number,
                component_item_number,
                unnest({{ kind }}_differences) as attribute,
            from {{ ref('bom_comparison') }}
            {% if not loop.last %}union all{% endif %}
        {% endfor -%}
    ) as compared
    inner join targets
        on compared.plant_id = targets.plant_id
        and compared.kind = targets.target_kind
    anti join tolerated
        on compared.plant_id = tolerated.plant_id
        and compared.attribute = tolerated.attribute
    where compared.attribute not in ('position', 'unit')
    group by targets.target_system, compared.plant_id, compared.parent_item_number, compared.component_item_number

),

differing as (

    select
        held_bills.target_system,
        held_bills.target_kind,
        held_bills.plant_id,
        held_bills.parent_item_number,
        coalesce(by_quantity.component_item_number, by_attribute.component_item_number) as component_item_number,
        by_quantity.differs_from,
        coalesce(by_attribute.attributes, []) as attributes,
    from by_quantity
    full join by_attribute
        on by_quantity.target_system = by_attribute.target_system
        and by_quantity.plant_id = by_attribute.plant_id
        and by_quantity.parent_item_number = by_attribute.parent_item_number
        and by_quantity.component_item_number = by_attribute.component_item_number
    inner join held_bills
        on held_bills.target_system = coalesce(by_quantity.target_system, by_attribute.target_system)
        and held_bills.plant_id = coalesce(by_quantity.plant_id, by_attribute.plant_id)
        and held_bills.parent_item_number = coalesce(by_quantity.parent_item_number, by_attribute.parent_item_number)
    semi join asked_bills
        on held_bills.target_system = asked_bills.target_system
        and held_bills.plant_id = asked_bills.plant_id
        and held_bills.parent_item_number = asked_bills.parent_item_number

),

-- the changes that ask for a component and that the target doesn't hold
unsettled as (

    select
        differing.target_system,
        differing.plant_id,
        differing.parent_item_number,
        differing.component_item_number,
        structure.change_number,
        structure.effective_from,
        gates.hold_reasons,
        -- rule 35: not before the ERP is seen to hold it
        differing.target_kind = 'mes' and gates.erp_system is not null and gates.erp_state <> 'holds' as waits_for_erp,
    from differing
    inner join {{ ref('engineering_change_structure') }} as structure
        on differing.plant_id = structure.plant_id
        and differing.parent_item_number = structure.parent_item_number
        and differing.component_item_number = structure.component_item_number
    inner join {{ ref('release_gate') }} as gates
        on structure.change_number = gates.change_number
        and structure.plant_id = gates.plant_id
    where
        coalesce(structure.superseded_from > {{ as_of() }}, true)
        and case when differing.target_kind = 'erp' then gates.erp_state else gates.mes_state end <> 'holds'

),

-- a change comes whole or not at all: one that shares a component of the bill with a change that is held is held too
entangled as (

    select distinct
        open_ones.target_system,
        open_ones.plant_id,
        open_ones.parent_item_number,
    from unsettled as open_ones
    inner join unsettled as held_ones
        on open_ones.target_system = held_ones.target_system
        and open_ones.plant_id = held_ones.plant_id
        and open_ones.parent_item_number = held_ones.parent_item_number
        and open_ones.component_item_number = held_ones.component_item_number
    where len(open_ones.hold_reasons) = 0 and len(held_ones.hold_reasons) > 0

),

by_change as (

    select
        unsettled.target_system,
        unsettled.plant_id,
        unsettled.parent_item_number,
        unsettled.component_item_number,
        list_sort(list(distinct unsettled.change_number)) as change_numbers,
        min(unsettled.effective_from) as effective_from,
        list_sort(list_distinct(
            flatten(list(unsettled.hold_reasons))
            || case when bool_or(unsettled.waits_for_erp) then ['waits_for_erp'] else [] end
            || case when bool_or(entangled.target_system is not null) then ['entangled_change'] else [] end
        )) as hold_reasons,
    from unsettled
    left join entangled
        on unsettled.target_system = entangled.target_system
        and unsettled.plant_id = entangled.plant_id
        and unsettled.parent_item_number = entangled.parent_item_number
    group by
        unsettled.target_system, unsettled.plant_id, unsettled.parent_item_number, unsettled.component_item_number

),

findings as (

    select
        plant_id,
        parent_item_number,
        component_item_number,
        list(distinct finding_class) filter (
            where not list_contains({{ mended + immaterial }}, finding_class)
        ) as undecided,
        bool_or(list_contains({{ mended }}, finding_class)) as is_mended,
        bool_or(is_blocking) as is_blocking,
    from {{ ref('bom_finding') }}
    where finding_class not in ('net_requirement', 'structural_equivalent')
    group by plant_id, parent_item_number, component_item_number

),

-- who alters a structure without a change, or builds it in circles, is asked before anything of the bill is put back
bills_in_question as (

    select
        plant_id,
        parent_item_number,
        list(distinct finding_class) as reasons,
    from {{ ref('bom_finding') }}
    where
        finding_class in ('cycle', 'duplicate_line')
        or (finding_class = 'unauthorised_change' and component_item_number is null)
    group by plant_id, parent_item_number

),

before_lines as (

    select
        held.target_system,
        held.plant_id,
        held.parent_item_number,
        held.component_item_number,
        {{ bill_lines_json('held') }} as lines,
    from held
    group by held.target_system, held.plant_id, held.parent_item_number, held.component_item_number

),

after_lines as (

    select
        asked.target_system,
        asked.plant_id,
        asked.parent_item_number,
        asked.component_item_number,
        {{ bill_lines_json('asked') }} as lines,
    from asked
    group by asked.target_system, asked.plant_id, asked.parent_item_number, asked.component_item_number

),

judged as (

    select
        differing.target_system,
        differing.target_kind,
        differing.plant_id,
        differing.parent_item_number,
        differing.component_item_number,
        by_change.change_numbers,
        coalesce(by_change.effective_from, differing.differs_from) as effective_from,
        list_sort(list_distinct(
            case when differing.differs_from is not null then ['quantity'] else [] end || differing.attributes
        )) as attributes,
        case
            when by_change.change_numbers is not null then by_change.hold_reasons
            else list_sort(list_distinct(
                coalesce(findings.undecided, [])
                || coalesce(bills_in_question.reasons, [])
                || case when findings.is_blocking then ['blocking_conflict'] else [] end
                || case
                    when differing.target_kind = 'mes' and erp_differing.target_system is not null
                        then ['waits_for_erp']
                    else []
                end
            ))
        end as hold_reasons,
        before_lines.lines as before_json,
        after_lines.lines as after_json,
    from differing
    left join by_change
        on differing.target_system = by_change.target_system
        and differing.plant_id = by_change.plant_id
        and differing.parent_item_number = by_change.parent_item_number
        and differing.component_item_number = by_change.component_item_number
    left join findings
        on differing.plant_id = findings.plant_id
        and differing.parent_item_number = findings.parent_item_number
        and differing.component_item_number = findings.component_item_number
    left join bills_in_question
        on differing.plant_id = bills_in_question.plant_id
        and differing.parent_item_number = bills_in_question.parent_item_number
    left join differing as erp_differing
        on erp_differing.target_kind = 'erp'
        and differing.plant_id = erp_differing.plant_id
        and differing.parent_item_number = erp_differing.parent_item_number
        and differing.component_item_number = erp_differing.component_item_number
    left join before_lines
        on differing.target_system = before_lines.target_system
        and differing.plant_id = before_lines.plant_id
        and differing.parent_item_number = before_lines.parent_item_number
        and differing.component_item_number = before_lines.component_item_number
    left join after_lines
        on differing.target_system = after_lines.target_system
        and differing.plant_id = after_lines.plant_id
        and differing.parent_item_number = after_lines.parent_item_number
        and differing.component_item_number = after_lines.component_item_number
    -- what no change asks for and no finding speaks of is another wording of the same
    where by_change.change_numbers is not null or coalesce(findings.is_mended or len(findings.undecided) > 0, false)

),

final as (

    select distinct
        target_system,
        target_kind,
        plant_id,
        'bom_header' as object_type,
        plant_id || '|' || parent_item_number as object_key,
        parent_item_number as item_number,
        component_item_number as change_key,
        case when change_numbers is not null then 'engineering_change' else 'correction' end as cause,
        coalesce(change_numbers, []) as change_numbers,
        attributes,
        effective_from,
        hold_reasons,
        before_json,
        after_json,
    from judged
    where before_json is distinct from after_json

)

select * from final
