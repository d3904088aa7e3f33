-- Exceptions with their age at the instant that the published state describes. Grain: exception.
select
    e.exception_id,
    e.plant_id,
    e.domain,
    e.class as exception_class,
    e.severity,
    array_position(array['critical', 'high', 'medium', 'low', 'info'], e.severity) as severity_rank,
    coalesce(e.owner_role, 'unassigned') as owner_role,
    e.assignee,
    e.state,
    e.state not in ('resolved', 'accepted') as is_open,
    e.state not in ('resolved', 'accepted') and e.due_at <= s.as_of as is_overdue,
    case
        when e.state in ('resolved', 'accepted') then 'closed'
        when e.due_at <= s.as_of then 'overdue'
        when e.due_at <= s.as_of + interval '1 day' then 'due within a day'
        else 'in time'
    end as timeliness,
    case
        when s.as_of - e.first_seen_at < interval '1 day' then '1 · under a day'
        when s.as_of - e.first_seen_at < interval '3 days' then '2 · 1 to 3 days'
        when s.as_of - e.first_seen_at < interval '7 days' then '3 · 3 to 7 days'
        else '4 · 7 days and more'
    end as age,
    e.first_seen_at,
    e.due_at,
    e.resolved_at,
    round((extract(epoch from coalesce(e.resolved_at, s.as_of) - e.first_seen_at) / 3600)::numeric, 1) as open_hours,
    coalesce(i.product_family, '(no family)') as product_family,
    k.item_number,
    e.business_key,
    e.value_at_stake,
    e.currency,
    e.suggested_action,
    e.evidence
from mfg.exception as e
cross join mfg.serving as s
left join mfg.engineering_change_plant_status as c
    on c.change_number = e.business_key::json ->> 'change_number' and c.plant_id = e.plant_id
cross join lateral (
    select
        coalesce(
            e.business_key::json ->> 'item_number',
            e.business_key::json ->> 'parent_item_number',
            c.parent_item_number
        ) as item_number
) as k
left join mfg.item as i on i.item_number = k.item_number
