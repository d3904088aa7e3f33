-- Master data that differs from what its owner says, and numbers that name nothing. Grain: finding.
select
    f.finding_id,
    f.object_type,
    f.object_key,
    f.plant_id,
    f.item_number,
    coalesce(i.product_family, '(no family)') as product_family,
    f.finding_class,
    f.attribute,
    f.source_system,
    f.severity,
    array_position(array['critical', 'high', 'medium', 'low', 'info'], f.severity) as severity_rank,
    f.owner_role,
    f.owned_value,
    f.system_value,
    f.suggested_action
from mfg.master_data_finding as f
left join mfg.item as i on i.item_number = f.item_number
