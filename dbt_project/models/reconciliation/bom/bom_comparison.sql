{%- set kinds = ['plm', 'erp', 'mes'] -%}
{%- set compared = [
    'source_system', 'line_id', 'position', 'quantity_per', 'unit', 'source_unit', 'is_fixed_quantity', 'scrap_fraction',
    'scrap_method', 'is_phantom', 'operation_sequence', 'alternate_priority', 'reference_designators',
    'component_revision', 'effective_from', 'effective_to', 'engineering_change_in',
] -%}

with

lines as (

    select * from {{ ref('effective_bom_line') }}

),

-- who could have the line: a kind of system that delivers no bills can't be missing one
delivering as (

    select distinct
        system_plants.plant_id,
        systems.kind,
    from {{ source('estate', 'extract') }} as extracts
    inner join {{ source('estate', 'system') }} as systems on extracts.source_system = systems.source_system
    inner join {{ source('estate', 'system_plant') }} as system_plants
        on extracts.source_system = system_plants.source_system
    where extracts.entity = 'bom_line'

),

plants as (

    select
        plant_id,
        bool_or(kind = 'plm') as has_plm,
        bool_or(kind = 'erp') as has_erp,
        bool_or(kind = 'mes') as has_mes,
    from delivering
    group by plant_id
    having count(*) > 1

),

-- rule 7: the lines of one component are paired by operation and quantity, never by position number alone
numbered as (

    select
        *,
        row_number() over (
            partition by plant_id, parent_item_number, component_item_number, line_type, kind
            order by operation_sequence asc nulls last, quantity_per asc nulls last, source_system asc, line_id asc
        ) as occurrence,
    from lines
    where kind in ('plm', 'erp', 'mes')

),

side_by_side as (

    select
        numbered.plant_id,
        numbered.parent_item_number,
        numbered.component_item_number,
        numbered.line_type,
        numbered.occurrence,
        bool_or(numbered.is_manufacturing_only) as is_manufacturing_only,
        plants.has_plm,
        plants.has_erp,
        plants.has_mes,
        {%- for kind in kinds %}
            {%- for column in compared %}
                any_value(numbered.{{ column }}) filter (numbered.kind = '{{ kind }}') as {{ kind }}_{{ column }},
            {%- endfor %}
        {%- endfor %}
    from numbered
    inner join plants on numbered.plant_id = plants.plant_id
    group by
        numbered.plant_id,
        numbered.parent_item_number,
        numbered.component_item_number,
        numbered.line_type,
        numbered.occurrence,
        plants.has_plm,
        plants.has_erp,
        plants.has_mes

),

judged as (

    select
        *,
        (has_plm and plm_source_system is null and not coalesce(is_manufacturing_only, false)) as is_missing_in_plm,
        (has_erp and erp_source_system is null) as is_missing_in_erp,
        (has_mes and mes_source_system is null) as is_missing_in_mes,
        {% for other in ['erp', 'mes'] -%}
            (
                plm_source_system is not null and {{ other }}_source_system is not null
                and not {{ within_tolerance('plm_quantity_per', other ~ '_quantity_per', 'bom_line.quantity') }}
            ) as differs_{{ other }}_quantity,
            (
                plm_source_system is not null and {{ other }}_source_system is not null
                and (
                    plm_is_fixed_quantity <> {{ other }}_is_fixed_quantity
                    or coalesce(plm_is_phantom <> {{ other }}_is_phantom, false)
                    or coalesce(plm_scrap_fraction <> {{ other }}_scrap_fraction, false)
                    or coalesce(plm_alternate_priority <> {{ other }}_alternate_priority, false)
                    or coalesce(plm_component_revision <> {{ other }}_component_revision, false)
                    or plm_effective_from is distinct from {{ other }}_effective_from
                    or plm_effective_to is distinct from {{ other }}_effective_to
                )
            ) as differs_{{ other }}_attributes,
        {% endfor -%}
    from side_by_side

),

final as (

    select
        plant_id,
        parent_item_number,
        component_item_number,
        line_type,
        occurrence,
        coalesce(plm_line_id, erp_line_id, mes_line_id) as line_id,
        {%- for kind in kinds %}
            {%- for column in compared %}
                {{ kind }}_{{ column }},
            {%- endfor %}
        {%- endfor %}
        is_missing_in_plm,
        is_missing_in_erp,
        is_missing_in_mes,
        (
            is_missing_in_plm or is_missing_in_erp or is_missing_in_mes
            or differs_erp_quantity or differs_erp_attributes
            or differs_mes_quantity or differs_mes_attributes
        ) = false as is_match,
    from judged

)

select * from final
