"""What Dagster shows of a table beside its rows."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import duckdb

from mfg_assets.defs.warehouse.table_metadata import cross_table, describe_tables
from mfg_assets.settings import Settings


def test_rows_are_counted_by_two_columns_and_cells_are_no_markup() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create table status as select * from (values ('P1', 'blocked'), ('P1', 'blocked'), ('P2', 'over|due'), "
            "('P2', null)) as t (plant_id, status)"
        )
        shown = cross_table(connection, "status", "plant_id", "status").md_str
    assert shown is not None
    assert shown.splitlines() == [
        "| plant_id |  | blocked | over\\|due |",
        "|---|---|---|---|",
        "| P1 | 0 | 2 | 0 |",
        "| P2 | 1 | 0 | 1 |",
    ]


def test_a_view_is_counted_by_the_table_that_it_names_and_no_other_view_is(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", threads=1)
    settings.warehouse_dir.mkdir(parents=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("create schema s; create table s.numbers as select range as n from range(7)")
        connection.execute("create view s.named as select 'N' || n as name from s.numbers")
        connection.execute("create view s.other as select n from s.numbers")
    nodes = [
        {"resource_type": "model", "schema": "s", "name": name, "columns": {}, "config": {"meta": meta}}
        for name, meta in {"numbers": {}, "named": {"rows_of": "numbers"}, "other": {}}.items()
    ]
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"nodes": {node["name"]: node for node in nodes}}))
    events = [dg.Output(None, output_name=f"s__{name}") for name in ("numbers", "named", "other")]
    found = {e.output_name: e.metadata or {} for e in describe_tables(events, settings, manifest)}
    assert {name: metadata.get("dagster/row_count") for name, metadata in found.items()} == {
        "s__numbers": dg.IntMetadataValue(7),
        "s__named": dg.IntMetadataValue(7),
        "s__other": None,
    }
    assert "| N0 |" in str(found["s__named"]["sample"].value)
