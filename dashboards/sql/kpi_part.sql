-- KPIs of a supplier, system, feed or role, and those that don't add up (percentiles, the oldest age).
-- Grain: KPI, plant, part, day; part is "all" for the whole. Days of plants far away as in kpi_day.
with latest as (
    select plant_id, max(day) as day from mfg.kpi where plant_id is not null group by plant_id
)

select
    k.kpi,
    k.plant_id,
    coalesce(k.breakdown, 'all') as part,
    (k.day + case when (select max(latest.day) from latest) - l.day = 1 then 1 else 0 end)::timestamp as day,
    k.day = max(k.day) over (partition by k.kpi, k.plant_id, k.breakdown) as is_newest,
    k.numerator,
    k.denominator,
    k.value,
    k.unit
from mfg.kpi as k
left join latest as l on l.plant_id = k.plant_id
where k.product_family is null
