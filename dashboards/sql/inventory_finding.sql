-- Disagreements about stock, one for each cause. Grain: finding.
select
    f.finding_id,
    f.plant_id,
    f.location,
    f.item_number,
    coalesce(i.product_family, '(no family)') as product_family,
    f.lot_number,
    f.stock_status,
    f.ownership,
    f.finding_class,
    f.cause,
    f.severity,
    array_position(array['critical', 'high', 'medium', 'low', 'info'], f.severity) as severity_rank,
    f.quantity,
    f.unit,
    f.value_at_stake,
    f.currency,
    f.owner_role,
    f.suggested_action
from mfg.inventory_finding as f
left join mfg.item as i on i.item_number = f.item_number
