"""The table of pairs in the warehouse, as dbt reads it.

Belongs here: its columns. Doesn't belong here: filling it (`match`).
"""

from __future__ import annotations

import duckdb

SCHEMA = "matching"


def ensure_table(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Make the table of pairs, empty, where there is none: dbt reads it even if nobody has matched yet."""
    warehouse.execute(f"create schema if not exists {SCHEMA}")
    warehouse.execute(
        f"""
        create table if not exists {SCHEMA}.supplier_pair (
            supplier_a varchar, supplier_b varchar, match_probability decimal(9, 6), match_weight decimal(9, 3),
            cluster_id varchar, band varchar, weights varchar, agreements varchar, name_a varchar, name_b varchar
        )
        """
    )
    warehouse.execute(f"create table if not exists {SCHEMA}.state (content_hash varchar, weights varchar)")
