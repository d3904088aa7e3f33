-- Disagreements about bills and routings with each system's value. Grain: finding.
with findings as (
    select
        finding_id, 'BOM' as kind, plant_id, parent_item_number as item_number, component_item_number as part,
        finding_class, attribute, severity, owner_role, plm_value, erp_value, mes_value, quantity_at_stake,
        suggested_action
    from mfg.bom_finding
    union all
    select
        finding_id, 'Routing' as kind, plant_id, item_number, operation_sequence::text as part,
        finding_class, attribute, severity, owner_role, plm_value, erp_value, mes_value,
        null::numeric as quantity_at_stake, suggested_action
    from mfg.routing_finding
)

select
    f.finding_id,
    f.kind,
    f.plant_id,
    f.item_number,
    f.part,
    coalesce(i.product_family, '(no family)') as product_family,
    f.finding_class,
    f.attribute,
    f.severity,
    array_position(array['critical', 'high', 'medium', 'low', 'info'], f.severity) as severity_rank,
    f.owner_role,
    f.plm_value,
    f.erp_value,
    f.mes_value,
    f.quantity_at_stake,
    f.suggested_action
from findings as f
left join mfg.item as i on i.item_number = f.item_number
