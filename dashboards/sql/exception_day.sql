-- How many exceptions were open at the end of each day (UTC), from when they were first seen and resolved.
-- Grain: exception and day on which it was open.
select
    d.day,
    e.exception_id,
    e.plant_id,
    e.domain,
    e.severity,
    array_position(array['critical', 'high', 'medium', 'low', 'info'], e.severity) as severity_rank,
    coalesce(e.owner_role, 'unassigned') as owner_role,
    coalesce(i.product_family, '(no family)') as product_family
from mfg.exception as e
cross join mfg.serving as s
cross join lateral generate_series(
    date_trunc('day', e.first_seen_at at time zone 'UTC'),
    date_trunc('day', least(coalesce(e.resolved_at - interval '1 day', s.as_of), s.as_of) at time zone 'UTC'),
    interval '1 day'
) as d(day)
left join mfg.item as i
    on i.item_number = coalesce(
        e.business_key::json ->> 'item_number', e.business_key::json ->> 'parent_item_number'
    )
where e.state <> 'accepted'
