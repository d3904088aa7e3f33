-- What the filters offer. Grain: plant and product family.
select distinct p.plant_id, coalesce(i.product_family, '(no family)') as product_family
from mfg.item_plant as p
left join mfg.item as i on i.item_number = p.item_number
