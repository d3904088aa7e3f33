-- Stock of every system side by side. Grain: plant, location, item, lot, stock status and ownership.
select
    c.plant_id,
    c.location,
    c.item_number,
    coalesce(i.product_family, '(no family)') as product_family,
    c.lot_number,
    c.stock_status,
    c.ownership,
    c.erp_quantity,
    c.wms_quantity,
    c.ledger_quantity,
    c.difference,
    c.unit,
    c.value_at_stake,
    c.currency,
    case when c.is_match then 'within tolerance' else 'differs' end as agreement,
    c.is_match,
    c.balance_as_of
from mfg.inventory_comparison as c
left join mfg.item as i on i.item_number = c.item_number
