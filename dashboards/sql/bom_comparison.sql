-- Bill lines of all systems side by side. Grain: plant, parent, component and occurrence.
select
    b.plant_id,
    b.parent_item_number,
    b.component_item_number,
    b.line_type,
    coalesce(i.product_family, '(no family)') as product_family,
    b.plm_quantity_per,
    b.erp_quantity_per,
    b.mes_quantity_per,
    b.erp_unit as unit,
    b.plm_effective_from,
    b.erp_effective_from,
    b.mes_effective_from,
    case
        when b.is_match then 'aligned'
        when b.is_missing_in_plm then 'missing in PLM'
        when b.is_missing_in_erp then 'missing in ERP'
        when b.is_missing_in_mes then 'missing in MES'
        else 'values differ'
    end as alignment,
    f.finding_classes,
    b.is_match
from mfg.bom_comparison as b
left join (
    select
        plant_id, parent_item_number, component_item_number,
        string_agg(distinct finding_class, ', ') as finding_classes
    from mfg.bom_finding
    group by plant_id, parent_item_number, component_item_number
) as f
    on f.plant_id = b.plant_id
    and f.parent_item_number = b.parent_item_number
    and f.component_item_number = b.component_item_number
left join mfg.item as i on i.item_number = b.parent_item_number
