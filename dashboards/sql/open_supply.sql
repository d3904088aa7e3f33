-- Open purchase order lines and requisitions with the day they are due. Grain: plant, object and item.
select
    o.plant_id,
    replace(o.object_type, '_', ' ') as object_type,
    o.object_key,
    o.item_number,
    coalesce(i.product_family, '(no family)') as product_family,
    o.due_at,
    case
        when o.due_at < s.as_of then 'overdue'
        when o.due_at < s.as_of + interval '7 days' then 'due within 7 days'
        else 'later'
    end as timeliness,
    o.quantity,
    o.unit,
    o.value,
    o.currency
from mfg.open_object as o
cross join mfg.serving as s
left join mfg.item as i on i.item_number = o.item_number
where o.object_type in ('purchase_order_line', 'purchase_requisition')
