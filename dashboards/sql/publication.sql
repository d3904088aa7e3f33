-- Versions of the published state. Grain: version.
select p.version, p.published_at, p.as_of, p.rows_added, p.rows_removed, p.rows_changed, p.published_by, p.reason
from mfg.publication as p
