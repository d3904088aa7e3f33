{%- set kinds = ['plm', 'erp', 'mes'] -%}
{%- set others = ['erp', 'mes'] -%}
{%- set compared = [
    'source_system', 'work_center', 'setup_minutes', 'run_minutes', 'time_unit', 'yield_fraction', 'revision',
    'work_instruction_number', 'work_instruction_version', 'effective_from', 'effective_to',
] -%}
{#- attribute of routing_operation → when the other system's value differs from the reference's -#}
{%- set differences = [
    ('work_center', 'ref_work_center <> {other}_work_center'),
    ('setup_time', 'ref_setup_minutes is not null and {other}_setup_minutes is not null and not '
        ~ within_tolerance('ref_setup_minutes', '{other}_setup_minutes', 'routing_operation.setup_time')),
    ('run_time', 'ref_run_minutes is not null and {other}_run_minutes is not null and not '
        ~ within_tolerance('ref_run_minutes', '{other}_run_minutes', 'routing_operation.run_time')),
    ('yield_fraction', 'ref_yield_fraction is not null and {other}_yield_fraction is not null and not '
        ~ within_tolerance('ref_yield_fraction', '{other}_yield_fraction', 'routing_operation.yield_fraction')),
    ('revision', 'ref_revision <> {other}_revision'),
    ('work_instruction_number', 'ref_work_instruction_number <> {other}_work_instruction_number'),
    ('work_instruction_version', 'ref_work_instruction_number = {other}_work_instruction_number and '
        ~ 'ref_work_instruction_version <> {other}_work_instruction_version'),
    ('effective_from', 'ref_effective_from <> {other}_effective_from'),
    ('effective_to', 'ref_effective_to is distinct from {other}_effective_to'),
] -%}

with

operations as (

    select * from {{ ref('routing_operation') }}

),

systems as (

    select
        source_system,
        kind,
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

units as (

    select
        code,
        numerator,
        denominator,
    from {{ ref('unit_of_measure_unece') }}
    where dimension = 'time' and numerator is not null

),

documents as (

    select
        item_number,
        document_number,
        version,
        status,
        effective_from,
        recorded_at,
    from {{ ref('document') }}

),

-- who could have the operation: a kind of system that delivers no routings can't be missing one
plants as (

    select
        system_plants.plant_id,
        bool_or(systems.kind = 'plm') as has_plm,
        bool_or(systems.kind = 'erp') as has_erp,
        bool_or(systems.kind = 'mes') as has_mes,
    from extracts
    inner join systems on extracts.source_system = systems.source_system
    inner join system_plants on extracts.source_system = system_plants.source_system
    where extracts.entity = 'routing_operation'
    group by system_plants.plant_id

),

-- rule 3; an operation of no plant holds at every plant that its system serves. Rule 19: all times in minutes.
in_effect as (

    select
        operations.source_system,
        systems.kind,
        system_plants.plant_id,
        operations.item_number,
        operations.alternative,
        operations.operation_sequence,
        operations.work_center,
        operations.time_unit,
        {{ decimal_divide('operations.setup_time * units.numerator', 'units.denominator * 60', 6, 6) }} as setup_minutes,
        {{ decimal_divide('operations.run_time * units.numerator', 'units.denominator * 60', 6, 6) }} as run_minutes,
        operations.yield_fraction,
        operations.revision,
        operations.work_instruction_number,
        operations.work_instruction_version,
        operations.effective_from,
        operations.effective_to,
    from operations
    inner join systems on operations.source_system = systems.source_system
    inner join system_plants
        on operations.source_system = system_plants.source_system
        and (operations.plant_id is null or operations.plant_id = system_plants.plant_id)
    left join units on operations.time_unit = units.code
    where
        systems.kind in ('plm', 'erp', 'mes')
        and {{ is_effective('operations.effective_from', 'operations.effective_to', as_of()) }}
    -- what is said of the plant counts before what is said of all, and the latest before what it replaces
    qualify row_number() over (
        partition by
            systems.kind,
            system_plants.plant_id,
            operations.item_number,
            operations.alternative,
            operations.operation_sequence
        order by
            operations.plant_id asc nulls last,
            operations.effective_from desc nulls last,
            operations.recorded_at desc,
            operations.source_system asc
    ) = 1

),

-- a system with one routing for an item needn't give it a name
named as (

    select
        *,
        coalesce(alternative, '1') as alternative_key,
    from in_effect

),

-- the released version of an instruction that holds: the last to begin
released_documents as (

    select
        item_number,
        document_number,
        version,
    from documents
    where
        status = 'released'
        and (effective_from is null or effective_from <= {{ as_of() }})
    qualify row_number() over (
        partition by item_number, document_number
        order by effective_from desc nulls last, recorded_at desc, version desc
    ) = 1

),

routings as (

    select
        plant_id,
        item_number,
        bool_or(kind = 'plm') as plm_has_routing,
        bool_or(kind = 'erp') as erp_has_routing,
        bool_or(kind = 'mes') as mes_has_routing,
    from named
    group by plant_id, item_number

),

side_by_side as (

    select
        plant_id,
        item_number,
        alternative_key as alternative,
        operation_sequence,
        {%- for kind in kinds %}
            {%- for column in compared %}
                any_value({{ column }}) filter (kind = '{{ kind }}') as {{ kind }}_{{ column }},
            {%- endfor %}
        {%- endfor %}
    from named
    group by plant_id, item_number, alternative_key, operation_sequence

),

-- PLM is what the others are held against; where it has no routing of the item, the ERP
referenced as (

    select
        side_by_side.*,
        plants.has_plm,
        plants.has_erp,
        plants.has_mes,
        routings.plm_has_routing,
        routings.erp_has_routing,
        routings.mes_has_routing,
        if(routings.plm_has_routing, 'plm', 'erp') as reference_kind,
        released_documents.version as released_work_instruction_version,
        {%- for column in compared %}
            if(routings.plm_has_routing, side_by_side.plm_{{ column }}, side_by_side.erp_{{ column }}) as ref_{{ column }},
        {%- endfor %}
    from side_by_side
    inner join plants on side_by_side.plant_id = plants.plant_id
    inner join routings
        on side_by_side.plant_id = routings.plant_id
        and side_by_side.item_number = routings.item_number
    left join released_documents
        on side_by_side.item_number = released_documents.item_number
        and coalesce(
            side_by_side.plm_work_instruction_number,
            side_by_side.erp_work_instruction_number,
            side_by_side.mes_work_instruction_number
        ) = released_documents.document_number

),

judged as (

    select
        *,
        plm_has_routing and plm_source_system is null as is_missing_in_plm,
        has_erp and erp_source_system is null and (plm_source_system is not null or (not plm_has_routing and mes_has_routing))
            as is_missing_in_erp,
        has_mes and mes_has_routing and mes_source_system is null and ref_source_system is not null as is_missing_in_mes,
        {% for other in others -%}
            if(
                ref_source_system is null or {{ other }}_source_system is null or reference_kind = '{{ other }}',
                []::varchar[],
                list_filter(
                    [
                        {% for attribute, condition in differences -%}
                            case when {{ condition | replace('{other}', other) }} then '{{ attribute }}' end{{ ',' if not loop.last }}
                        {% endfor -%}
                    ],
                    lambda attribute: attribute is not null
                )
            ) as {{ other }}_differences,
        {% endfor -%}
    from referenced

),

-- an instruction may be equal everywhere and out of date everywhere
final as (

    select
        plant_id,
        item_number,
        alternative,
        operation_sequence,
        {%- for kind in kinds %}
            {%- for column in compared %}
                {{ kind }}_{{ column }},
            {%- endfor %}
        {%- endfor %}
        released_work_instruction_version,
        reference_kind,
        is_missing_in_plm,
        is_missing_in_erp,
        is_missing_in_mes,
        erp_differences,
        mes_differences,
        {% for kind in kinds -%}
            coalesce({{ kind }}_work_instruction_version <> released_work_instruction_version, false) as is_{{ kind }}_outdated,
        {% endfor -%}
        (
            is_missing_in_plm or is_missing_in_erp or is_missing_in_mes
            or len(erp_differences) > 0 or len(mes_differences) > 0
            or is_plm_outdated or is_erp_outdated or is_mes_outdated
        ) = false as is_match,
    from judged

)

select * from final
