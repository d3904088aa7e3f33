-- Engineering changes at plants with status, milestones and hours of each leg. Grain: change and plant.
select
    c.change_number,
    c.plant_id,
    c.title,
    c.status,
    c.change_status,
    case
        when c.status in ('blocked', 'overdue', 'deviated') then 'needs action'
        when c.status = 'synchronised' then 'synchronised'
        else 'on its way'
    end as progress,
    array_to_string(c.blocking_reasons, ', ') as blocking_reasons,
    c.parent_item_number,
    coalesce(i.product_family, '(no family)') as product_family,
    c.from_revision,
    c.to_revision,
    c.released_at,
    c.effective_from,
    c.ready_at,
    c.erp_observed_at,
    c.mes_observed_at,
    c.release_to_ready_hours,
    c.release_to_erp_hours,
    c.erp_to_mes_hours,
    c.propagation_hours,
    c.erp_state,
    c.mes_state,
    c.disposition
from mfg.engineering_change_plant_status as c
left join mfg.item as i on i.item_number = c.parent_item_number
where c.status <> 'not_applicable'
