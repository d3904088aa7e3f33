-- KPIs whose parts add up, so that any filter is computed anew as sum(numerator) / sum(denominator).
-- Grain: KPI, plant, product family, day. Product families first; what of a plant belongs to no family is a row, too.
-- A plant far west or east is a calendar day away from the others at the same run: its days are moved to theirs.
with latest as (
    select plant_id, max(day) as day from mfg.kpi where plant_id is not null group by plant_id
),

dated as (
    select
        k.kpi,
        k.plant_id,
        k.product_family,
        k.numerator,
        k.denominator,
        k.day + case when (select max(latest.day) from latest) - l.day = 1 then 1 else 0 end as day
    from mfg.kpi as k
    left join latest as l on l.plant_id = k.plant_id
    where k.breakdown is null and k.unit in ('ratio', 'count')
),

family as (
    select kpi, plant_id, day, sum(numerator) as numerator, sum(denominator) as denominator
    from dated
    where product_family is not null
    group by kpi, plant_id, day
)

select kpi, plant_id, product_family, day::timestamp as day, numerator, denominator
from dated
where product_family is not null
union all
select
    d.kpi,
    d.plant_id,
    '(no family)' as product_family,
    d.day::timestamp as day,
    d.numerator - coalesce(f.numerator, 0) as numerator,
    d.denominator - coalesce(f.denominator, 0) as denominator
from dated as d
left join family as f on f.kpi = d.kpi and f.plant_id is not distinct from d.plant_id and f.day = d.day
where
    d.product_family is null
    and (f.kpi is null or d.numerator <> f.numerator or d.denominator <> f.denominator)
