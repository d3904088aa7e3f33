-- Production orders of ERP and MES side by side with confirmations and postings. Grain: plant and order.
select
    o.plant_id,
    o.production_order_number,
    o.item_number,
    coalesce(i.product_family, '(no family)') as product_family,
    coalesce(o.erp_status, '(not in ERP)') as erp_status,
    coalesce(o.mes_status, '(not in MES)') as mes_status,
    o.erp_quantity,
    o.mes_quantity,
    o.confirmed_yield,
    o.confirmed_scrap,
    o.erp_posted_quantity,
    o.unposted_quantity,
    o.unconfirmed_quantity,
    o.unit,
    o.confirmations,
    o.last_confirmed_at,
    o.first_posted_at,
    round(o.downtime_seconds / 3600.0, 2) as downtime_hours,
    o.is_posting_pending,
    o.is_match,
    case when o.is_match then 'aligned' else 'differs' end as agreement
from mfg.production_order_comparison as o
left join mfg.item as i on i.item_number = o.item_number
