-- What has to be done about engineering changes at plants. Grain: finding.
select
    f.finding_id,
    f.change_number,
    f.plant_id,
    f.finding_class,
    f.severity,
    array_position(array['critical', 'high', 'medium', 'low', 'info'], f.severity) as severity_rank,
    f.owner_role,
    f.status,
    f.parent_item_number,
    coalesce(i.product_family, '(no family)') as product_family,
    f.effective_from,
    f.value_at_stake,
    f.currency,
    f.suggested_action
from mfg.engineering_change_finding as f
left join mfg.item as i on i.item_number = f.parent_item_number
