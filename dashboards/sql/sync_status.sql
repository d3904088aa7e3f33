-- What plants share with other systems, and whether it agrees, by domain. Grain: what is compared.
with compared as (
    select
        plant_id,
        'BOM' as domain,
        parent_item_number as item_number,
        parent_item_number || ' / ' || component_item_number as compared_object,
        is_match
    from mfg.bom_comparison
    union all
    select
        plant_id,
        'Routing' as domain,
        item_number,
        item_number || ' / ' || operation_sequence as compared_object,
        is_match
    from mfg.routing_comparison
    union all
    select
        plant_id,
        'Inventory' as domain,
        item_number,
        concat_ws(' / ', location, item_number, lot_number, stock_status, ownership) as compared_object,
        is_match
    from mfg.inventory_comparison
    union all
    select plant_id, 'Production' as domain, item_number, production_order_number as compared_object, is_match
    from mfg.production_order_comparison
    union all
    -- A change waits for its day or is under way in order; it is not aligned where somebody has to act.
    select
        plant_id,
        'Change' as domain,
        parent_item_number as item_number,
        change_number as compared_object,
        status not in ('blocked', 'overdue', 'deviated') as is_match
    from mfg.engineering_change_plant_status
    where status <> 'not_applicable'
    union all
    select
        p.plant_id,
        'Master data' as domain,
        p.item_number,
        p.item_number as compared_object,
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
        o.sales_order_number || '/' || o.line_number as compared_object,
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
        o.object_key as compared_object,
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
    c.compared_object,
    c.item_number,
    coalesce(i.product_family, '(no family)') as product_family,
    c.is_match as is_aligned
from compared as c
left join mfg.item as i on i.item_number = c.item_number
