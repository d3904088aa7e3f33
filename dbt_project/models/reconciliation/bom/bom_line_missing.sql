{%- set kinds = ['plm', 'erp', 'mes'] -%}

with

comparison as (

    select * from {{ ref('bom_comparison') }}

),

restructure as (

    select * from {{ ref('bom_restructure') }}

),

lines as (

    select * from {{ ref('bom_line_at_plant') }}

),

item_plants as (

    select distinct
        plant_id,
        item_number,
    from {{ ref('item_plant') }}

),

systems as (

    select
        source_system,
        kind,
    from {{ source('estate', 'system') }}

),

-- rule 17: what stands elsewhere in the structure is neither missing nor too much
moved_lines as (

    select
        compared_kind,
        plant_id,
        parent_item_number,
        component_item_number,
        bool_or(is_other) as is_moved_in_other,
        bool_or(not is_other) as is_moved_in_reference,
    from restructure
    where row_kind = 'line'
    group by compared_kind, plant_id, parent_item_number, component_item_number

),

lacking as (

    select
        comparison.*,
        comparison.is_missing_in_plm
        and not coalesce(erp_moves.is_moved_in_other, false)
        and not coalesce(mes_moves.is_moved_in_other, false) as lacks_plm,
        comparison.is_missing_in_erp and not coalesce(erp_moves.is_moved_in_reference, false) as lacks_erp,
        comparison.is_missing_in_mes and not coalesce(mes_moves.is_moved_in_reference, false) as lacks_mes,
        erp_moves.component_item_number is not null as is_moved_erp,
        mes_moves.component_item_number is not null as is_moved_mes,
        -- rule 12: another member of the group is there
        coalesce(comparison.plm_alternate_group is not null and bool_or(comparison.erp_source_system is not null) over (
            partition by comparison.plant_id, comparison.parent_item_number, comparison.plm_alternate_group
        ), false) as has_erp_alternate,
        coalesce(comparison.plm_alternate_group is not null and bool_or(comparison.mes_source_system is not null) over (
            partition by comparison.plant_id, comparison.parent_item_number, comparison.plm_alternate_group
        ), false) as has_mes_alternate,
    from comparison
    left join moved_lines as erp_moves
        on comparison.plant_id = erp_moves.plant_id
        and comparison.parent_item_number = erp_moves.parent_item_number
        and comparison.component_item_number = erp_moves.component_item_number
        and erp_moves.compared_kind = 'erp'
    left join moved_lines as mes_moves
        on comparison.plant_id = mes_moves.plant_id
        and comparison.parent_item_number = mes_moves.parent_item_number
        and comparison.component_item_number = mes_moves.component_item_number
        and mes_moves.compared_kind = 'mes'

),

missing as (

    select
        *,
        case when lacks_plm then 'plm' when lacks_erp then 'erp' else 'mes' end as lacking_kind,
        concat_ws(' and ', case when lacks_erp then 'the ERP' end, case when lacks_mes then 'the MES' end)
            as lacking_systems,
    from lacking
    where lacks_plm or lacks_erp or lacks_mes

),

-- the line is there, but for another time: what the lacking system has that nobody else has for that same period
other_periods as (

    select
        lines.plant_id,
        lines.parent_item_number,
        lines.component_item_number,
        systems.kind,
        lines.line_id,
        lines.effective_from,
        lines.effective_to,
    from lines
    inner join systems on lines.source_system = systems.source_system
    semi join missing
        on lines.plant_id = missing.plant_id
        and lines.parent_item_number = missing.parent_item_number
        and lines.component_item_number = missing.component_item_number
    where not {{ is_effective('lines.effective_from', 'lines.effective_to', as_of()) }}
    qualify count(distinct systems.kind) over (
        partition by
            lines.plant_id,
            lines.parent_item_number,
            lines.component_item_number,
            lines.effective_from,
            lines.effective_to
    ) = 1

),

nearest_periods as (

    select *
    from other_periods
    qualify row_number() over (
        partition by plant_id, parent_item_number, component_item_number, kind
        order by effective_from desc nulls last, line_id asc
    ) = 1

),

missing_classified as (

    select
        missing.*,
        nearest_periods.line_id as other_line_id,
        nearest_periods.effective_from as other_from,
        nearest_periods.effective_to as other_to,
        case
            when nearest_periods.line_id is not null then 'effectivity'
            when missing.lacking_kind = 'plm' then 'missing_in_plm'
            when missing.lacking_kind = 'erp' and missing.has_erp_alternate then 'alternate_missing'
            when missing.lacking_kind = 'erp' then 'missing_in_erp'
            when missing.has_mes_alternate then 'alternate_missing'
            else 'missing_in_mes'
        end as finding_class,
    from missing
    left join nearest_periods
        on missing.plant_id = nearest_periods.plant_id
        and missing.parent_item_number = nearest_periods.parent_item_number
        and missing.component_item_number = nearest_periods.component_item_number
        and missing.lacking_kind = nearest_periods.kind

),

missing_lines as (

    select
        plant_id,
        parent_item_number,
        component_item_number,
        finding_class,
        case when finding_class = 'effectivity' then 'effective_from' else 'line' end as attribute,
        case when finding_class in ('effectivity', 'alternate_missing') then 'medium' else 'high' end as severity,
        {% for kind in kinds -%}
            case
                when finding_class <> 'effectivity' then {{ kind }}_quantity_per::varchar
                when lacking_kind = '{{ kind }}' then {{ period_text('other_from', 'other_to') }}
                when {{ kind }}_source_system is not null
                    then {{ period_text(kind ~ '_effective_from', kind ~ '_effective_to') }}
            end as {{ kind }}_value,
        {% endfor -%}
        coalesce(plm_quantity_per, erp_quantity_per, mes_quantity_per) as quantity_at_stake,
        case
            when finding_class = 'effectivity'
                then 'Align the dates, or the plant changes over on another day than engineering meant.'
            when finding_class = 'missing_in_plm' then 'Raise an engineering change for the line, or take it out again.'
            when finding_class = 'alternate_missing' then 'Enter the released alternate in ' || lacking_systems || '.'
            else 'Enter the released line in ' || lacking_systems || '.'
        end as suggested_action,
        to_json({
            'plm_line': plm_line_id, 'erp_line': erp_line_id, 'mes_line': mes_line_id, 'other_period_line': other_line_id,
            'occurrence': occurrence
        })::varchar as evidence,
    from missing_classified

),

-- a system without the bill at all: one finding, and only where the plant's ERP knows the assembly
bills_compared as (

    select
        plant_id,
        parent_item_number,
        bool_or(plm_source_system is not null) as has_plm_lines,
        bool_or(erp_source_system is not null) as has_erp_lines,
        bool_or(erp_source_system is not null and not is_manufacturing_only) as has_own_erp_lines,
        bool_or(plm_has_bill) as plm_has_bill,
        bool_or(erp_has_bill) as erp_has_bill,
        bool_or(has_plm) as has_plm,
        bool_or(has_erp) as has_erp,
    from comparison
    group by plant_id, parent_item_number

),

missing_bills as (

    select
        bills_compared.plant_id,
        bills_compared.parent_item_number,
        null as component_item_number,
        case when bills_compared.has_plm_lines then 'missing_in_erp' else 'missing_in_plm' end as finding_class,
        'bill' as attribute,
        'high' as severity,
        case when bills_compared.has_plm_lines then 'a bill' end as plm_value,
        case when bills_compared.has_erp_lines then 'a bill' end as erp_value,
        null as mes_value,
        cast(null as decimal(38, 12)) as quantity_at_stake,
        case
            when bills_compared.has_plm_lines
                then 'Enter the released bill in the ERP, or say in the PLM that it is not for this plant.'
            else 'Release the bill in the PLM, or declare its lines as manufacturing''s own.'
        end as suggested_action,
        to_json({ 'parent_item_number': bills_compared.parent_item_number })::varchar as evidence,
    from bills_compared
    where
        (
            bills_compared.has_plm and bills_compared.has_own_erp_lines
            and not bills_compared.has_plm_lines and not bills_compared.plm_has_bill
        )
        or (
            bills_compared.has_erp and bills_compared.has_plm_lines and not bills_compared.erp_has_bill
            and exists (
                select 1 from item_plants
                where
                    item_plants.plant_id = bills_compared.plant_id
                    and item_plants.item_number = bills_compared.parent_item_number
            )
        )

),

findings as (

    select * from missing_lines
    union all
    select * from missing_bills

),

final as (

    select
        plant_id,
        parent_item_number,
        component_item_number,
        finding_class,
        attribute,
        severity,
        plm_value,
        erp_value,
        mes_value,
        quantity_at_stake,
        suggested_action,
        evidence,
    from findings

)

select * from final
