"""Suppliers that stand twice in the records: probabilistic linkage of their names, numbers and addresses.

Belongs here: what is compared and how much it weighs, matching, the table of pairs. Doesn't belong here: Dagster
(defs), the published tables made of the pairs (dbt).
"""

from mfg_assets.suppliers.match import CERTAIN, REVIEW, Matching, match_suppliers

__all__ = ["CERTAIN", "REVIEW", "Matching", "match_suppliers"]
