{%- set kinds = ['plm', 'erp', 'mes'] -%}
{%- set others = ['erp', 'mes'] -%}
{#- null says something in these, if both systems deliver them -#}
{%- set told = ['component_scrap', 'assembly_scrap', 'alternate_group', 'reference_designators'] -%}
{%- set compared = [
    'source_system', 'line_id', 'position', 'quantity_per', 'unit', 'source_unit', 'is_fixed_quantity', 'scrap_fraction',
    'scrap_method', 'assembly_scrap_fraction', 'is_phantom', 'operation_sequence', 'alternate_group',
    'alternate_priority', 'usage_probability', 'reference_designators', 'component_revision', 'revision',
    'effective_from', 'effective_to', 'engineering_change_in',
] -%}
with

lines as (

    select * from {{ ref('effective_bom_line') }}
    where kind in ('plm', 'erp', 'mes')

),

headers as (

    select distinct
        source_system,
        plant_id,
        parent_item_number,
    from {{ ref('bom_header') }}

),

items as (

    select
        item_number,
        current_revision,
    from {{ ref('item') }}

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

-- what a system doesn't deliver at all it says nothing about; null there is no value that differs
delivered_attributes as (

    select
        source_system,
        {%- for attribute in told %}
            bool_or(attribute = '{{ attribute }}') as tells_{{ attribute }},
        {%- endfor %}
    from {{ source('estate', 'delivered_attribute') }}
    where entity = 'bom_line'
    group by source_system

),

-- who could have the line: a kind of system that delivers no bills can't be missing one
plants as (

    select
        system_plants.plant_id,
        bool_or(systems.kind = 'plm') as has_plm,
        bool_or(systems.kind = 'erp') as has_erp,
        bool_or(systems.kind = 'mes') as has_mes,
    from extracts
    inner join systems on extracts.source_system = systems.source_system
    inner join system_plants on extracts.source_system = system_plants.source_system
    where extracts.entity = 'bom_line'
    group by system_plants.plant_id
    having count(distinct systems.kind) > 1

),

-- who has a bill of the assembly at all, whatever is in it
bills as (

    select
        plant_id,
        parent_item_number,
        bool_or(kind = 'plm') as plm_has_bill,
        bool_or(kind = 'erp') as erp_has_bill,
        bool_or(kind = 'mes') as mes_has_bill,
    from (
        select
            plant_id,
            parent_item_number,
            kind,
        from lines
        union all
        select
            system_plants.plant_id,
            headers.parent_item_number,
            systems.kind,
        from headers
        inner join systems on headers.source_system = systems.source_system
        inner join system_plants
            on headers.source_system = system_plants.source_system
            and headers.plant_id = system_plants.plant_id
    ) as known
    group by plant_id, parent_item_number

),

line_groups as (

    select
        plant_id,
        parent_item_number,
        component_item_number,
        line_type,
        concat_ws('|', plant_id, parent_item_number, component_item_number, line_type) as line_group,
    from lines
    group by plant_id, parent_item_number, component_item_number, line_type
    having
        count(*) filter (kind = 'plm') > 1 or count(*) filter (kind = 'erp') > 1 or count(*) filter (kind = 'mes') > 1

),

-- rule 7: hardly any component stands in a bill twice; where it does, the lines most alike are paired
repeated as materialized (

    select
        line_groups.line_group,
        row_number() over (order by line_groups.line_group, lines.source_system, lines.line_id) as line_ordinal,
        lines.source_system,
        lines.plant_id,
        lines.parent_item_number,
        lines.line_id,
        lines.kind,
        nullif({{ designator_set('lines.reference_designators') }}, []) as designators,
        lines.position,
        lines.operation_sequence,
        lines.quantity_per,
    from lines
    inner join line_groups
        on lines.plant_id = line_groups.plant_id
        and lines.parent_item_number = line_groups.parent_item_number
        and lines.component_item_number = line_groups.component_item_number
        and lines.line_type = line_groups.line_type

),

repeated_plm as (

    select
        *,
        line_ordinal as slot_ordinal,
    from repeated
    where kind = 'plm'

),

repeated_erp as (

    select * from repeated
    where kind = 'erp'

),

repeated_mes as (

    select * from repeated
    where kind = 'mes'

),

{{ line_pairs('erp', 'repeated_plm', 'repeated_erp') }},

slots as (

    select * from repeated_plm
    union all
    select
        repeated_erp.*,
        repeated_erp.line_ordinal as slot_ordinal,
    from repeated_erp
    anti join erp_pair on repeated_erp.line_ordinal = erp_pair.line_ordinal

),

{{ line_pairs('mes', 'slots', 'repeated_mes') }},

placed as (

    select
        repeated.source_system,
        repeated.plant_id,
        repeated.parent_item_number,
        repeated.line_id,
        dense_rank() over (
            partition by repeated.line_group
            order by coalesce(erp_pair.slot_ordinal, mes_pair.slot_ordinal, repeated.line_ordinal)
        ) as occurrence,
    from repeated
    left join erp_pair on repeated.line_ordinal = erp_pair.line_ordinal
    left join mes_pair on repeated.line_ordinal = mes_pair.line_ordinal

),

side_by_side as (

    select
        lines.plant_id,
        lines.parent_item_number,
        lines.component_item_number,
        lines.line_type,
        coalesce(placed.occurrence, 1) as occurrence,
        bool_or(lines.is_manufacturing_only) as is_manufacturing_only,
        {%- for kind in kinds %}
            {%- for column in compared %}
                any_value(lines.{{ column }}) filter (lines.kind = '{{ kind }}') as {{ kind }}_{{ column }},
            {%- endfor %}
        {%- endfor %}
    from lines
    left join placed
        on lines.source_system = placed.source_system
        and lines.plant_id = placed.plant_id
        and lines.parent_item_number = placed.parent_item_number
        and lines.line_id = placed.line_id
    group by
        lines.plant_id,
        lines.parent_item_number,
        lines.component_item_number,
        lines.line_type,
        coalesce(placed.occurrence, 1)

),

-- PLM is what the others are held against; for what only manufacturing knows it is the ERP
referenced as (

    select
        side_by_side.*,
        plants.has_plm,
        plants.has_erp,
        plants.has_mes,
        bills.plm_has_bill,
        bills.erp_has_bill,
        bills.mes_has_bill,
        items.current_revision,
        {%- for column in compared %}
            if(side_by_side.plm_source_system is null, side_by_side.erp_{{ column }}, side_by_side.plm_{{ column }})
                as ref_{{ column }},
        {%- endfor %}
    from side_by_side
    inner join plants on side_by_side.plant_id = plants.plant_id
    inner join bills
        on side_by_side.plant_id = bills.plant_id
        and side_by_side.parent_item_number = bills.parent_item_number
    left join items on side_by_side.component_item_number = items.item_number

),

-- rule 12: 1, 2 and 10, 20 are the same order; what one system lacks doesn't shift the rest
alternates as (

    select
        plant_id,
        parent_item_number,
        component_item_number,
        line_type,
        occurrence,
        {%- for other in others %}
            {%- for side in ['ref', other] %}
                if(
                    {{ other }}_alternate_group is null,
                    null,
                    dense_rank() over (
                        partition by
                            plant_id, parent_item_number, ref_alternate_group, {{ other }}_alternate_group is null
                        order by {{ side }}_alternate_priority asc nulls last
                    )
                ) as {{ 'ref_' ~ other if side == 'ref' else other }}_rank,
            {%- endfor %}
        {%- endfor %}
    from referenced
    where ref_alternate_group is not null

),

ranked as (

    select
        referenced.*,
        {%- for other in others %}
            {%- for attribute in told %}
                ref_delivered.tells_{{ attribute }} and {{ other }}_delivered.tells_{{ attribute }}
                    as {{ other }}_tells_{{ attribute }},
            {%- endfor %}
            alternates.ref_{{ other }}_rank,
            alternates.{{ other }}_rank,
        {%- endfor %}
    from referenced
    left join alternates
        on referenced.plant_id = alternates.plant_id
        and referenced.parent_item_number = alternates.parent_item_number
        and referenced.component_item_number = alternates.component_item_number
        and referenced.line_type = alternates.line_type
        and referenced.occurrence = alternates.occurrence
    left join delivered_attributes as ref_delivered on referenced.ref_source_system = ref_delivered.source_system
    {%- for other in others %}
        left join delivered_attributes as {{ other }}_delivered
            on referenced.{{ other }}_source_system = {{ other }}_delivered.source_system
    {%- endfor %}

),

judged as (

    select
        *,
        (
            has_plm and plm_has_bill and plm_source_system is null and not coalesce(is_manufacturing_only, false)
        ) as is_missing_in_plm,
        (has_erp and erp_has_bill and erp_source_system is null and plm_source_system is not null) as is_missing_in_erp,
        (
            has_mes and mes_has_bill and mes_source_system is null
            and (plm_source_system is not null or coalesce(is_manufacturing_only, false) or not plm_has_bill)
        ) as is_missing_in_mes,
        {% for other in others -%}
            case
                when {{ 'plm' if other == 'erp' else 'ref' }}_source_system is null or {{ other }}_source_system is null
                    then []::varchar[]
                else list_filter(
                    [
                        {% for attribute, condition in bom_line_conditions() -%}
                            case
                                when {{ condition | replace('{other}', other) }}
                                    then '{{ attribute }}'
                            end{{ ',' if not loop.last }}
                        {% endfor -%}
                    ],
                    lambda attribute: attribute is not null
                )
            end as {{ other }}_differences,
        {% endfor -%}
    from ranked

),

final as (

    select
        plant_id,
        parent_item_number,
        component_item_number,
        line_type,
        occurrence,
        coalesce(plm_line_id, erp_line_id, mes_line_id) as line_id,
        coalesce(is_manufacturing_only, false) as is_manufacturing_only,
        {%- for kind in kinds %}
            {%- for column in compared %}
                {{ kind }}_{{ column }},
            {%- endfor %}
        {%- endfor %}
        has_plm,
        has_erp,
        has_mes,
        plm_has_bill,
        erp_has_bill,
        mes_has_bill,
        is_missing_in_plm,
        is_missing_in_erp,
        is_missing_in_mes,
        erp_differences,
        mes_differences,
        -- another position or a unit that converts changes nothing that is built
        (
            is_missing_in_plm or is_missing_in_erp or is_missing_in_mes
            or len(list_filter(erp_differences || mes_differences, lambda one: one not in ('position', 'unit'))) > 0
        ) = false as is_match,
    from judged

)

select * from final
