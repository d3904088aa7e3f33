"""The main job as a person starts it, on a manufacturer of four items whose results can be worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from mfg_assets import publish
from mfg_assets.settings import Settings
from tests.running import Home, mfg


@pytest.fixture(scope="module")
def mini(mini_copy: Callable[[str], Home]) -> Home:
    """A home after its first run."""
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
