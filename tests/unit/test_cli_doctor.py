"""`mfg doctor` on homes that are whole and on homes that are damaged in one way each."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mfg_assets.cli.app import app
from mfg_assets.estate.loader import load_estate
from mfg_assets.ingest import land_extract
from mfg_assets.settings import Settings, get_settings
from tests.bills import publish_bills
from tests.mini import write_mini


def doctor(*arguments: str) -> tuple[int, dict[tuple[str, str], dict[str, str]]]:
    """Exit code, and what was found by area and name."""
    result = CliRunner().invoke(app, ["doctor", "--format", "csv", *arguments])
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert rows or arguments, result.output
    return result.exit_code, {(row["area"], row["name"]): row for row in rows}


@pytest.fixture
def environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Sets variables for one test."""
    for name in ("MFG_ESTATE", "MFG_DAGSTER_URL", "MFG_SERVING_URL"):
        monkeypatch.delenv(name, raising=False)
    get_settings.cache_clear()
    return monkeypatch


def test_an_empty_home_is_in_order_and_is_not_created(environment: pytest.MonkeyPatch, home: Path) -> None:
    code, found = doctor()
    assert code == 0, found
    assert not home.exists()
    assert found["landing", "batches"]["detail"] == "nothing has landed yet"


def test_only_problems_says_so_when_there_are_none(environment: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(app, ["doctor", "--only-problems"])
    assert result.exit_code == 0
    assert "Nothing is wrong." in result.stdout


def test_a_variable_that_nobody_reads_is_taken_for_a_slip(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("MFG_MEMORY_LIMTI", "1GB")
    code, found = doctor()
    assert code == 1
    assert found["configuration", "MFG_MEMORY_LIMTI"]["fix"] == "did you mean MFG_MEMORY_LIMIT?"


def test_secrets_are_masked_wherever_they_appear(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("MFG_DAGSTER_URL", "postgresql://dagster:s3cret@127.0.0.1:1/dagster")
    environment.setenv("MFG_SERVING_URL", "user=mfg password=s3cret host=/nonexistent")
    get_settings.cache_clear()
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "s3cret" not in result.output
    assert "postgresql://***@127.0.0.1:1/dagster" in result.stdout
    assert "start the server, or correct MFG_DAGSTER_URL" in result.stdout


def test_an_estate_that_does_not_load_is_shown_with_its_first_problem(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    estate = write_mini(tmp_path)
    (estate / "estate.yaml").write_text("name: Mini\nplnts: []\n")
    environment.setenv("MFG_ESTATE", str(estate))
    get_settings.cache_clear()
    code, found = doctor()
    assert code == 1
    assert "estate.yaml" in found["estate", str(estate)]["detail"]


def test_a_missing_source_folder_names_the_system(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    estate = write_mini(tmp_path)
    environment.setenv("MFG_ESTATE", str(estate))
    get_settings.cache_clear()
    assert doctor()[1]["estate", "wms"]["state"] == "ok"
    (tmp_path / "data" / "wms").rename(tmp_path / "data" / "gone")
    code, found = doctor()
    assert (code, found["estate", "wms"]["state"]) == (1, "wrong")
    assert "systems/wms.yaml" in found["estate", "wms"]["fix"]


@pytest.fixture
def landed(environment: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> Settings:
    """A home in which the mini estate's balances have landed: two rows, one dead letter."""
    estate = load_estate(write_mini(tmp_path))
    land_extract(estate, "erp", "inventory_balance", settings)
    return settings


def test_whole_batches_are_counted(landed: Settings) -> None:
    code, found = doctor()
    assert code == 0
    assert found["landing", "batches"]["detail"] == "1 batches whole, 2 rows landed, 1 rejected"


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("landing/*/*/*/rows.parquet", "rows.parquet are missing"),
        ("landing/*/*/*/manifest.json", "has no manifest"),
        ("dead_letters/*/*.parquet", "its dead letters are missing"),
    ],
)
def test_a_missing_file_of_a_batch_is_found(landed: Settings, pattern: str, words: str) -> None:
    (file,) = landed.home_path.glob(pattern)
    file.unlink()
    code, found = doctor()
    assert code == 1
    assert words in found["landing", "batches"]["detail"]


def test_rows_that_are_not_as_many_as_the_manifest_says_are_found(landed: Settings) -> None:
    (file,) = landed.landing_dir.glob("*/*/*/manifest.json")
    manifest = json.loads(file.read_text())
    file.write_text(json.dumps(manifest | {"rows_landed": 7}))
    code, found = doctor()
    assert code == 1
    assert "hold 2 rows, the manifest says 7" in found["landing", "batches"]["detail"]


def test_a_damaged_manifest_is_found(landed: Settings) -> None:
    (file,) = landed.landing_dir.glob("*/*/*/manifest.json")
    file.write_text(file.read_text()[:40])
    assert "is damaged" in doctor()[1]["landing", "batches"]["detail"]


def test_what_a_killed_run_left_behind_is_worth_a_note(landed: Settings) -> None:
    (manifest,) = landed.landing_dir.glob("*/*/*/manifest.json")
    (manifest.parent.parent / ".tmp-abc-1").mkdir()
    code, found = doctor()
    assert (code, found["landing", "leftovers"]["state"]) == (0, "note")


def test_a_whole_snapshot_is_in_order_and_a_cut_one_is_not(environment: pytest.MonkeyPatch, settings: Settings) -> None:
    folder = publish_bills(settings)
    assert doctor()[1]["published", folder.name]["state"] == "ok"
    (folder / "item.parquet").unlink()
    code, found = doctor()
    assert code == 1
    assert "item.parquet is missing" in found["published", folder.name]["detail"]
    assert "--full-refresh" in found["published", folder.name]["fix"]


def test_a_refusal_newer_than_the_version_in_force_is_wrong(
    environment: pytest.MonkeyPatch, settings: Settings
) -> None:
    from mfg_assets.publish import record_refusal

    publish_bills(settings)
    record_refusal(settings, "run-2", ["canonical.item.key_holds"], now=datetime(2100, 1, 1, tzinfo=UTC))
    code, found = doctor()
    assert code == 1
    assert "canonical.item.key_holds" in found["published", "refusal"]["detail"]


def test_the_process_that_holds_the_warehouse_is_named(environment: pytest.MonkeyPatch, settings: Settings) -> None:
    publish_bills(settings)
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(settings.warehouse_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        exit_code, found = doctor()
        assert exit_code == 1
        assert f"end process {holder.pid}" in found["locks", "warehouse"]["fix"]
    finally:
        holder.communicate("\n", timeout=20)
    assert doctor()[1]["locks", "warehouse"]["state"] == "ok"


def test_a_run_under_way_is_a_note_and_the_warehouse_is_left_alone(
    environment: pytest.MonkeyPatch, settings: Settings
) -> None:
    code = (
        "import sys; from pathlib import Path; from mfg_assets.settings import Settings\n"
        "from mfg_assets.warehouse import lock\n"
        "with lock.held(Settings(home=Path(sys.argv[1]))): print('held', flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(settings.home_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        exit_code, found = doctor()
        assert exit_code == 0
        assert found["locks", "run"]["state"] == "note"
        assert f"process {holder.pid}" in found["locks", "run"]["detail"]
        assert ("locks", "warehouse") not in found
    finally:
        holder.communicate("\n", timeout=20)


def test_a_home_that_cannot_be_a_folder_is_wrong(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    environment.setenv("MFG_HOME", str(tmp_path / "file" / "home"))
    get_settings.cache_clear()
    code, found = doctor()
    assert code == 1
    assert "can't be written" in next(row["detail"] for (area, _), row in found.items() if area == "disk")
