"""The main job as a person starts it, on a manufacturer of four items whose results can be worked out by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from mfg_assets import publish
from mfg_assets.settings import PROJECT_ROOT, Settings
from tests.mini import DATA, write
from tests.running import Home, mfg


@pytest.fixture(scope="module")
def mini(mini_copy: Callable[[str], Home]) -> Home:
    """A home after its first run, which the tests of this module change in order."""
    return mini_copy("main-job")


def _rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(folder / "home" / "published" / "current" / "marts.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _version(folder: Path) -> str:
    current = publish.status(Settings(home=folder / "home")).current
    assert current is not None
    return current.content_hash


def test_every_record_lands_or_is_a_dead_letter(mini: Home) -> None:
    rows = _rows(
        mini[0],
        "select entity, rows_received, rows_landed, rows_rejected from batch_manifest order by entity",
    )
    assert rows == [
        ("bom_header", 2, 2, 0),
        ("bom_line", 4, 4, 0),
        ("inventory_balance", 3, 2, 1),
        ("inventory_movement", 4, 4, 0),
        ("item", 4, 4, 0),
    ]
    reasons = _rows(mini[0], "select reasons, payload ->> 'quantity', source_row from dead_letter")
    assert reasons == [(["not_castable"], "five", 3)]


def test_of_what_nobody_delivers_nothing_is_checked(mini: Home) -> None:
    """Most of the canonical model's entities, at most manufacturers: their checks would be half of a run's time."""
    results = json.loads((mini[0] / "home" / "warehouse" / "dbt_target" / "run_results.json").read_text())["results"]
    names = [result["unique_id"].split(".")[2] for result in results]
    checked = {name.removeprefix("contract_holds_") for name in names if name.startswith("contract_holds_")}
    assert checked == {"bom_header", "bom_line", "inventory_balance", "inventory_movement", "item"}
    assert {"key_holds_bom_header", "key_holds_shipment"} & set(names) == {"key_holds_bom_header"}
    # the tables are there all the same
    with duckdb.connect(str(mini[0] / "home" / "warehouse" / "mfg.duckdb"), read_only=True) as connection:
        tables = {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
    assert tables >= {"engineering_change", "shipment"}


def test_a_bike_needs_64_spokes_today(mini: Home) -> None:
    rows = _rows(
        mini[0],
        "select component_item_number, quantity_per_root from item_requirement "
        "where root_item_number = 'BIKE' order by 1",
    )
    assert [(item, float(quantity)) for item, quantity in rows] == [("FRAME", 1), ("SPOKE", 64), ("WHEEL", 2)]  # type: ignore[arg-type]


def test_balance_and_ledger_differ_by_three_wheels(mini: Home) -> None:
    rows = _rows(mini[0], "select item_number, difference from inventory_comparison where difference <> 0 order by 1")
    assert [(item, abs(float(quantity))) for item, quantity in rows if item != "SPOKE"] == [("WHEEL", 3)]  # type: ignore[arg-type]


def test_the_second_run_lands_nothing_publishes_nothing_and_says_so(mini: Home) -> None:
    folder, environment = mini
    before = _version(folder)
    done = mfg(environment, "run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "unchanged" in done.stdout.lower() or "nothing" in done.stdout.lower()
    assert _version(folder) == before
    assert len(list((folder / "home" / "published" / "versions").iterdir())) == 1


def test_a_changed_file_changes_what_depends_on_it_and_nothing_else(mini: Home) -> None:
    folder, environment = mini
    write(folder / "data" / "erp" / "stock_20250302.csv", DATA["erp/stock_20250301.csv"].replace("17,0", "20,0"))
    done = mfg(environment, "run")
    assert done.returncode == 0, done.stdout + done.stderr
    current = publish.status(Settings(home=folder / "home")).current
    assert current is not None
    changed = set(current.tables_changed)
    assert {"inventory_comparison", "inventory_state", "batch_manifest"} <= changed
    assert not changed & {"item", "bom_line", "reconciled_bom_line", "item_requirement", "procurement_finding"}


def test_rule_33_a_refused_batch_leaves_yesterdays_state(mini: Home) -> None:
    folder, environment = mini
    before = _rows(folder, "select * from inventory_state order by all")
    bad = DATA["erp/stock_20250301.csv"].replace("10,0", "ten").replace("17,0", "seventeen")
    write(folder / "data" / "erp" / "stock_20250303.csv", bad)
    done = mfg(environment, "run")
    assert "refused" in done.stdout.lower()
    assert _rows(folder, "select * from inventory_state order by all") == before
    assert _rows(folder, "select state from batch_manifest where rows_rejected = 3") == [("refused",)]


def _refused(mini: Home, setting: str, source: Path, check: str) -> str:
    """Run with one setting pointing elsewhere; the version in force must stay. Returns what was printed."""
    folder, environment = mini
    before, versions = _version(folder), len(list((folder / "home" / "published" / "versions").iterdir()))
    done = mfg({**environment, setting: str(source)}, "run")
    assert done.returncode == 1, done.stdout + done.stderr
    assert _version(folder) == before
    assert len(list((folder / "home" / "published" / "versions").iterdir())) == versions
    status = mfg(environment, "publish", "status")
    assert check in status.stdout, status.stdout
    assert "\x1b[" not in status.stdout
    assert check in done.stdout
    assert "refused" in done.stdout.lower()
    return done.stdout


def _failed_evaluations(folder: Path) -> set[str]:
    with dg.DagsterInstance.from_config(str(folder / "home" / "dagster")) as instance:
        records = instance.get_event_records(dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION))
        evaluations = [r.event_log_entry.asset_check_evaluation for r in records]
    return {e.check_name for e in evaluations if e is not None and not e.passed}


def test_a_blocking_expectation_that_fails_refuses_the_publication(mini: Home, tmp_path: Path) -> None:
    suites = shutil.copytree(PROJECT_ROOT / "expectations", tmp_path / "expectations")
    with (suites / "item.yaml").open("a") as suite:
        suite.write(
            "  - {name: no_bikes, type: unexpected_rows, severity: blocking, description: Bikes are not allowed., "
            "query: \"select * from {batch} where item_number = 'BIKE'\"}\n"
        )
    _refused(mini, "MFG_EXPECTATIONS", suites, "canonical.item.no_bikes")
    assert "no_bikes" in _failed_evaluations(mini[0])


def test_a_blocking_dbt_test_that_fails_refuses_the_publication_and_is_on_record(mini: Home, tmp_path: Path) -> None:
    project = shutil.copytree(
        PROJECT_ROOT / "dbt_project", tmp_path / "dbt_project", ignore=shutil.ignore_patterns("target", "logs")
    )
    (project / "tests" / "no_frames.sql").write_text("select * from {{ ref('item') }} where item_number = 'FRAME'\n")
    printed = _refused(mini, "MFG_DBT_PROJECT", project, "no_frames")
    assert "Traceback" not in printed
    assert "no_frames" in _failed_evaluations(mini[0])


def test_a_lost_landed_file_stops_the_run_instead_of_emptying_the_tables(mini: Home) -> None:
    folder, environment = mini
    before = _version(folder)
    rows = next((folder / "home" / "landing" / "bom_line").glob("*/*/rows.parquet"))
    kept = rows.read_bytes()
    rows.unlink()
    done = mfg(environment, "run", "--full-refresh")
    assert done.returncode == 1, done.stdout + done.stderr
    assert str(rows) in done.stdout + done.stderr
    assert _version(folder) == before
    rows.write_bytes(kept)
