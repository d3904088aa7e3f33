-- What orders took against what their bill calls for. Grain: plant, order and component.
select
    c.plant_id,
    c.production_order_number,
    c.made_item_number,
    c.item_number,
    coalesce(i.product_family, '(no family)') as product_family,
    c.verdict,
    c.expected_quantity,
    c.consumed_quantity,
    c.unit,
    c.judged_at
from mfg.production_consumption_comparison as c
left join mfg.item as i on i.item_number = c.made_item_number
