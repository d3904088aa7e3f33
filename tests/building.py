"""A published home without Dagster: what a run lands, builds and publishes, without checks, expectations and ledger.

That is about half of what `mfg run` costs, for tests of what the models say. That a run does the same and more is
tested where runs are (`test_main_job`, `test_run_story`, `test_simulation`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

import duckdb

from mfg_assets import publish
from mfg_assets.estate.loader import load_estate
from mfg_assets.ingest import land_extract
from mfg_assets.publish.tables import published_tables
from mfg_assets.settings import Settings
from mfg_assets.suppliers import match_suppliers
from mfg_assets.warehouse import handover
from mfg_assets.warehouse.dbt import EXECUTABLE, ensure_parsed, environment_in_home


def build(estate_folder: Path, home: Path, only: Collection[str] = ()) -> Settings:
    """Land what the estate delivers into the home, build models and publish them, as of the estate's instant.

    Args:
        estate_folder: the estate.
        home: may be one that deliveries were landed in before.
        only: of these tables, with what they are made from; of all where none is named.
    """
    settings = Settings(home=home, estate=estate_folder)
    estate = load_estate(estate_folder)
    as_of = estate.now()
    for name, system in estate.systems.items():
        for extract in system.extracts:
            land_extract(estate, name, extract, settings)
    handover.prepare(settings, estate, as_of)
    match_suppliers(settings)
    manifest, target = ensure_parsed(settings), settings.warehouse_dir / "dbt_target"
    if not target.exists():
        target.mkdir()
        # with the last parse beside it dbt parses nothing
        shutil.copy(manifest.with_name("partial_parse.msgpack"), target)
    done = subprocess.run(
        [
            *(EXECUTABLE, "--quiet", "--no-use-colors", "build"),
            *("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"),
            *("--project-dir", str(settings.dbt_project_dir), "--target-path", str(target)),
            *(("--select", *(f"+{table}" for table in sorted(only))) if only else ()),
        ],
        env=os.environ | environment_in_home(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        query = "select table_schema || '.' || table_name from information_schema.tables"
        built = {relation for (relation,) in connection.execute(query).fetchall()}
    tables = [
        table
        for table in published_tables(target / "manifest.json")
        if table.relation in built and (not only or table.relation.split(".")[-1] in only)
    ]
    publish.publish(settings, tables, run_id="built", as_of=as_of)
    return settings
