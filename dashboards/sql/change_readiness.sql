-- What has to be there before a plant can follow a change. Grain: change, plant, check and item.
select
    r.change_number,
    r.plant_id,
    r.check_name,
    r.item_number,
    coalesce(i.product_family, '(no family)') as product_family,
    case when r.is_met then 'met' else 'not met' end as outcome,
    r.met_at,
    r.detail
from mfg.engineering_change_readiness as r
left join mfg.item as i on i.item_number = r.item_number
