-- Records that their contract refused. Grain: record.
select
    d.dead_letter_id,
    d.source_system,
    d.extract_name,
    d.entity,
    array_to_string(d.reasons, ', ') as reasons,
    array_to_string(d.details, '; ') as details,
    d.state,
    d.source_file,
    d.source_row,
    d.received_at,
    d.payload
from mfg.dead_letter as d
