-- Postings of ERP and warehouse of the same event, with when and how they were matched. Grain: pair or single posting.
select
    m.plant_id,
    m.item_number,
    coalesce(i.product_family, '(no family)') as product_family,
    case m.match_state when 'matched' then 'in both' when 'erp_only' then 'ERP only' else 'warehouse only' end as posted,
    coalesce(m.matched_by, 'not matched') as matched_by,
    m.movement_class,
    coalesce(m.wms_event_at, m.erp_event_at) as event_at,
    m.erp_quantity,
    m.wms_quantity,
    m.unit,
    round((extract(epoch from m.erp_recorded_at - m.wms_recorded_at) / 3600)::numeric, 2) as erp_after_wms_hours
from mfg.inventory_movement_match as m
left join mfg.item as i on i.item_number = m.item_number
