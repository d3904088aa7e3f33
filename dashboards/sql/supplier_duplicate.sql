-- Pairs of supplier numbers that are probably one firm. Grain: pair.
select
    d.finding_id, d.supplier_a, d.name_a, d.supplier_b, d.name_b, d.match_probability, d.band, d.severity,
    d.owner_role, d.suggested_action
from mfg.supplier_duplicate as d
