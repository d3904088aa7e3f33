{#- Column of routing_comparison → the contract's attribute; times are in minutes. -#}
{%- set attributes = {
    'work_center': 'work_center',
    'setup_minutes': 'setup_time',
    'run_minutes': 'run_time',
    'yield_fraction': 'yield_fraction',
    'revision': 'revision',
    'work_instruction_number': 'work_instruction_number',
    'work_instruction_version': 'work_instruction_version',
    'effective_from': 'effective_from',
    'effective_to': 'effective_to',
} -%}

with

comparison as (

    select
        *,
        {%- for column in attributes %}
            if(reference_kind = 'plm', plm_{{ column }}, erp_{{ column }}) as ref_{{ column }},
        {%- endfor %}
        if(reference_kind = 'plm', plm_source_system, erp_source_system) as ref_source_system,
    from {{ ref('routing_comparison') }}

),

targets as (

    select
        system_plant.source_system as target_system,
        system_plant.plant_id,
        systems.kind as target_kind,
    from {{ source('estate', 'system_plant') }} as system_plant
    inner join {{ source('estate', 'system') }} as systems on system_plant.source_system = systems.source_system
    inner join {{ source('estate', 'extract') }} as extracts on system_plant.source_system = extracts.source_system
    where systems.kind in ('erp', 'mes') and extracts.entity = 'routing_operation'

),

rules as (

    {{ attribute_rules('routing_operation') }}

),

priorities as (

    {{ owner_priorities('routing_operation', attributes.values() | list) }}

),

-- an operation that the target doesn't have
missing as (

    {% for kind in ['erp', 'mes'] -%}
        select
            '{{ kind }}' as target_kind,
            plant_id,
            item_number,
            alternative,
            operation_sequence,
            ref_source_system,
            'operation' as attribute,
            null::varchar as before_json,
            to_json({
                {%- for column in attributes %}
                    '{{ column }}': {{ routing_value('ref', column) }}{{ ',' if not loop.last }}
                {%- endfor %}
            })::varchar as after_json,
            reference_kind = 'plm' and '{{ kind }}' = 'mes' and is_missing_in_erp as waits_for_erp,
        from comparison
        where is_missing_in_{{ kind }} and ref_source_system is not null
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- all values of both sides
values_of as (

    {% for kind in ['erp', 'mes'] -%}
        select
            '{{ kind }}' as target_kind,
            plant_id,
            item_number,
            alternative,
            operation_sequence,
            ref_source_system,
            {{ kind }}_differences as differences,
            reference_kind = 'plm' and '{{ kind }}' = 'mes' as follows_erp,
            is_missing_in_erp,
            erp_differences,
            unnest([
                {%- for column, attribute in attributes.items() %}
                    {
                        'attribute': '{{ attribute }}',
                        'held': {{ routing_value(kind, column) }},
                        'asked': {{ routing_value('ref', column) }}
                    }{{ ',' if not loop.last }}
                {%- endfor %}
            ], recursive := true),
        from comparison
        where len({{ kind }}_differences) > 0
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

-- a value that differs; within tolerances none does (rule 38)
differing as (

    select
        target_kind,
        plant_id,
        item_number,
        alternative,
        operation_sequence,
        ref_source_system,
        attribute,
        to_json(held)::varchar as before_json,
        to_json(asked)::varchar as after_json,
        follows_erp and (is_missing_in_erp or list_contains(erp_differences, attribute)) as waits_for_erp,
    from values_of
    where list_contains(differences, attribute)

),

asked as (

    select * from missing
    union all
    select * from differing

),

-- rule 36: only towards a system that isn't believed before the one whose value it is
ranked as (

    select
        plant_id,
        source_system,
        unnest([
            {%- for attribute in attributes.values() %}
                { 'attribute': '{{ attribute }}', 'priority': {{ attribute }}_priority }{{ ',' if not loop.last }}
            {%- endfor %}
        ], recursive := true),
    from priorities

),

-- an operation is built by a revision: while a change of the assembly is held at the plant, so is its routing
held_changes as (

    select
        gates.plant_id,
        statuses.parent_item_number as item_number,
        list(distinct gates.change_number) as change_numbers,
    from {{ ref('release_gate') }} as gates
    inner join {{ ref('engineering_change_plant_status') }} as statuses
        on gates.change_number = statuses.change_number
        and gates.plant_id = statuses.plant_id
    where gates.is_asked and len(gates.hold_reasons) > 0
    group by gates.plant_id, statuses.parent_item_number

),

final as (

    select
        targets.target_system,
        asked.target_kind,
        asked.plant_id,
        'routing_operation' as object_type,
        concat_ws('|', asked.plant_id, asked.item_number, asked.alternative, asked.operation_sequence) as object_key,
        asked.item_number,
        asked.attribute as change_key,
        'correction' as cause,
        coalesce(held_changes.change_numbers, []) as change_numbers,
        [asked.attribute] as attributes,
        null::timestamptz as effective_from,
        case when held_changes.item_number is not null then ['held_change'] else [] end
        || case when rules.conflict = 'block' then ['blocking_conflict'] else [] end
        || case when asked.waits_for_erp then ['waits_for_erp'] else [] end as hold_reasons,
        asked.before_json,
        asked.after_json,
    from asked
    inner join targets
        on asked.plant_id = targets.plant_id
        and asked.target_kind = targets.target_kind
    left join rules
        on asked.plant_id = rules.plant_id
        and asked.attribute = rules.attribute
    left join ranked as own
        on targets.target_system = own.source_system
        and asked.plant_id = own.plant_id
        and asked.attribute = own.attribute
    left join ranked as reference
        on asked.ref_source_system = reference.source_system
        and asked.plant_id = reference.plant_id
        and asked.attribute = reference.attribute
    left join held_changes
        on asked.plant_id = held_changes.plant_id
        and asked.item_number = held_changes.item_number
    where
        coalesce(rules.conflict, 'report') <> 'tolerate'
        and coalesce(own.priority >= reference.priority, true)
        and targets.target_system <> asked.ref_source_system

)

select * from final
