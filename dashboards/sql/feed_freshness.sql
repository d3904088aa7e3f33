-- The newest delivery of each feed, and how old it is at the instant that the published state describes.
-- Grain: source system and feed.
select
    b.source_system,
    b.extract_name,
    b.source_system || '.' || b.extract_name as feed,
    max(b.extracted_at) as extracted_at,
    round((extract(epoch from max(s.as_of) - max(b.extracted_at)) / 3600)::numeric, 1) as hours_behind,
    count(*) as batches,
    count(*) filter (where b.state = 'refused') as refused_batches,
    sum(b.rows_received) as rows_received,
    sum(b.rows_rejected) as rows_rejected
from mfg.batch_manifest as b
cross join mfg.serving as s
group by b.source_system, b.extract_name
