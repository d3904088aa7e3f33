-- What changes touch at plants now: stock, orders, reservations. Grain: change, plant and object.
select
    m.change_number,
    m.plant_id,
    m.object_type,
    m.object_key,
    m.item_number,
    coalesce(i.product_family, '(no family)') as product_family,
    m.object_status,
    m.due_at,
    m.quantity,
    m.unit,
    m.value,
    m.currency,
    m.suggested_action
from mfg.engineering_change_impact as m
left join mfg.item as i on i.item_number = m.item_number
