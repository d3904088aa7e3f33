-- Disagreements in procurement. Grain: finding.
select
    f.finding_id,
    f.plant_id,
    f.object_key,
    f.supplier_number,
    f.item_number,
    coalesce(i.product_family, '(no family)') as product_family,
    f.finding_class,
    f.severity,
    array_position(array['critical', 'high', 'medium', 'low', 'info'], f.severity) as severity_rank,
    f.owner_role,
    f.quantity,
    f.unit,
    f.value_at_stake,
    f.currency,
    f.suggested_action
from mfg.procurement_finding as f
left join mfg.item as i on i.item_number = f.item_number
