-- The newest delivery of each feed, how old it is at the instant that the published state describes, and whether the
-- platform holds it to be late by the estate's own intervals. Grain: source system and feed.
with late as (
    select
        e.business_key::json ->> 'source_system' as source_system,
        e.business_key::json ->> 'extract_name' as extract_name
    from mfg.exception as e
    where e.class = 'late_feed' and e.state not in ('resolved', 'accepted')
    group by e.business_key::json ->> 'source_system', e.business_key::json ->> 'extract_name'
)

select
    b.source_system,
    b.extract_name,
    b.source_system || '.' || b.extract_name as feed,
    max(b.extracted_at) as extracted_at,
    round((extract(epoch from max(s.as_of) - max(b.extracted_at)) / 3600)::numeric, 1) as hours_behind,
    bool_or(l.extract_name is not null) as is_late,
    count(*) as batches,
    count(*) filter (where b.state = 'refused') as refused_batches,
    sum(b.rows_received) as rows_received,
    sum(b.rows_rejected) as rows_rejected
from mfg.batch_manifest as b
cross join mfg.serving as s
left join late as l on l.source_system = b.source_system and l.extract_name = b.extract_name
group by b.source_system, b.extract_name
