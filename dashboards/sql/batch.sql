-- Deliveries of the feeds. Grain: batch.
select
    b.batch_id,
    b.source_system,
    b.extract_name,
    b.entity,
    b.delivery,
    b.state,
    b.reason,
    b.rows_received,
    b.rows_landed,
    b.rows_rejected,
    b.extracted_at,
    b.landed_at
from mfg.batch_manifest as b
