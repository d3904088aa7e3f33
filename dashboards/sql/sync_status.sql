-- How much of what a plant shares with other systems agrees, by domain. Grain: plant, domain, product family.
with compared as (
    select plant_id, 'BOM' as domain, parent_item_number as item_number, is_match from mfg.bom_comparison
    union all
    select plant_id, 'Routing' as domain, item_number, is_match from mfg.routing_comparison
    union all
    select plant_id, 'Inventory' as domain, item_number, is_match from mfg.inventory_comparison
    union all
    select plant_id, 'Production' as domain, item_number, is_match from mfg.production_order_comparison
    union all
    -- A change waits for its day or is under way in order; it is not aligned where somebody has to act.
    select
        plant_id,
        'Change' as domain,
        parent_item_number as item_number,
        status not in ('blocked', 'overdue', 'deviated') as is_match
    from mfg.engineering_change_plant_status
    where status <> 'not_applicable'
    union all
    select
        p.plant_id,
        'Master data' as domain,
        p.item_number,
        not exists (
            select 1 from mfg.master_data_finding as f
            where f.item_number = p.item_number and (f.plant_id is null or f.plant_id = p.plant_id)
        ) as is_match
    from (select distinct plant_id, item_number from mfg.item_plant) as p
    union all
    select
        o.plant_id,
        'Fulfilment' as domain,
        o.item_number,
        not exists (
            select 1 from mfg.order_fulfilment_finding as f
            where f.plant_id = o.plant_id and f.object_key = o.sales_order_number || '/' || o.line_number
        ) as is_match
    from mfg.order_fulfilment as o
    union all
    select
        o.plant_id,
        'Procurement' as domain,
        o.item_number,
        not exists (
            select 1 from mfg.procurement_finding as f
            where f.plant_id = o.plant_id and f.object_key = o.object_key
        ) as is_match
    from mfg.open_object as o
    where o.object_type in ('purchase_order_line', 'purchase_requisition')
)

select
    c.plant_id,
    c.domain,
    coalesce(i.product_family, '(no family)') as product_family,
    count(*) as compared,
    count(*) filter (where c.is_match) as aligned
from compared as c
left join mfg.item as i on i.item_number = c.item_number
group by c.plant_id, c.domain, coalesce(i.product_family, '(no family)')
