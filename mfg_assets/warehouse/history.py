"""KPIs of the days before, taken back from what is published: the warehouse may be deleted at any time, they may not.

Belongs here: handing them over. Doesn't belong here: computing KPIs (dbt's marts).
"""

from __future__ import annotations

import duckdb

from mfg_assets.settings import Settings
from mfg_assets.warehouse.sql import identifier, path_literal

COLUMNS = {
    "kpi": "varchar",
    "plant_id": "varchar",
    "breakdown": "varchar",
    "product_family": "varchar",
    "day": "date",
    "numerator": "decimal(28, 6)",
    "denominator": "decimal(28, 6)",
    "value": "decimal(28, 6)",
    "unit": "varchar",
}


def replace_kpi_history(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """`platform.kpi_history`: the table `kpi` of the version in force; empty before there is one."""
    published = settings.published_dir / "current" / "kpi.parquet"
    selected = ", ".join(f"{identifier(name)}::{kind} as {identifier(name)}" for name, kind in COLUMNS.items())
    source = (
        f"read_parquet({path_literal(published)})"
        if published.is_file()
        else f"(select {', '.join(f'null as {identifier(name)}' for name in COLUMNS)} where false)"
    )
    connection.execute(f"create or replace table platform.kpi_history as select {selected} from {source}")
