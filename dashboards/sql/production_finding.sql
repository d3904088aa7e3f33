-- Disagreements about production orders and lots. Grain: finding.
with findings as (
    select
        finding_id, plant_id, object_key, item_number, finding_class, severity, owner_role, quantity, unit,
        value_at_stake, currency, suggested_action
    from mfg.production_order_finding
    union all
    select
        finding_id, plant_id, object_key, item_number, finding_class, severity, owner_role, quantity, unit,
        null::numeric as value_at_stake, null as currency, suggested_action
    from mfg.lot_genealogy_gap
)

select
    f.finding_id,
    f.plant_id,
    f.object_key,
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
from findings as f
left join mfg.item as i on i.item_number = f.item_number
