"""`mfg dead-letters` on records that really were refused."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mfg_assets.cli.app import app
from mfg_assets.estate.loader import load_estate
from mfg_assets.ingest import land_extract
from mfg_assets.settings import Settings, get_settings
from tests.mini import write, write_mini


def mfg(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["dead-letters", *arguments])


@pytest.fixture
def refused(settings: Settings, tmp_path: Path) -> Settings:
    """A home in which two balances were refused: a text for a quantity, in a record full of traps."""
    estate = write_mini(tmp_path)
    write(
        tmp_path / "data" / "erp" / "stock_20250301.csv",
        """
        place;item;quantity;unit;moment
        A1;FRAME;10,0;EA;2025-03-01T00:00:00
        A1;WHEEL;17,0;EA;2025-03-01T00:00:00
        A1;SPOKE;=cmd|' /C calc'!A0;EA;2025-03-01T00:00:00
        A1;\x1b[2J\x07[red]RIM;five;EA;2025-03-01T00:00:00
        """,
    )
    land_extract(load_estate(estate), "erp", "inventory_balance", settings)
    return settings


def listed() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(mfg("list", "--format", "csv").stdout)))


def test_without_dead_letters_it_says_so(home: Path) -> None:
    result = mfg("list")
    assert (result.exit_code, result.stdout) == (0, "No dead letters.\n")
    assert json.loads(mfg("list", "--format", "json").stdout) == []


def test_each_refused_record_is_listed_with_its_reason(refused: Settings) -> None:
    rows = listed()
    assert [(r["source_system"], r["entity"], r["source_row"], r["reasons"]) for r in rows] == [
        ("erp", "inventory_balance", "3", '["not_castable"]'),
        ("erp", "inventory_balance", "4", '["not_castable"]'),
    ]
    shown = mfg("list").stdout
    assert "not_castable" in shown
    assert "stock_20250301.csv" in shown


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (["--system", "erp"], 2),
        (["--system", "plm"], 0),
        (["--entity", "inventory_balance", "--reason", "not_castable"], 2),
        (["--reason", "x' or 1=1 --"], 0),
        (["--batch", "../../etc"], 0),
        (["--limit", "1"], 1),
    ],
)
def test_filters_are_values(refused: Settings, filters: list[str], count: int) -> None:
    result = mfg("list", "--format", "json", *filters)
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)) == count


def test_a_list_that_is_cut_says_so(refused: Settings) -> None:
    assert "first 1 rows" in mfg("list", "--limit", "1").stderr
    assert mfg("list", "--limit", "2").stderr == ""
    assert mfg("list", "--limit", "0").stderr == ""


def test_one_is_shown_with_all_that_it_said_and_nothing_it_said_drives_the_terminal(refused: Settings) -> None:
    result = mfg("show", listed()[1]["dead_letter_id"])
    assert result.exit_code == 0
    assert "not_castable" in result.stdout
    assert "\\x1b[2J\\x07[red]RIM" in result.stdout
    assert "\x1b" not in result.output
    assert "\x07" not in result.output


def test_it_is_shown_with_the_mapping_that_refused_it(
    refused: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = listed()[1]["dead_letter_id"]
    assert "mapping" not in mfg("show", name).stdout
    monkeypatch.setenv("MFG_ESTATE", str(tmp_path / "estate"))
    get_settings.cache_clear()
    lines = mfg("show", name).stdout.splitlines()
    mapping = lines[lines.index("The mapping as it is now (systems/erp.yaml, extract inventory_balance):") + 1 :]
    assert "  quantity                       quantity" in mapping
    assert "  unit                           unit" in mapping
    assert "  plant_id                       'P1'" in mapping
    (letter,) = json.loads(mfg("show", name, "--format", "json").stdout)
    assert json.loads(letter["mapping"])["as_of"] == {"sql": "moment"}


def test_as_json_the_payload_is_the_record(refused: Settings) -> None:
    (letter,) = json.loads(mfg("show", listed()[0]["dead_letter_id"], "--format", "json").stdout)
    assert "=cmd|' /C calc'!A0" in json.loads(letter["payload"]).values()


@pytest.mark.parametrize("wanted", ["nothing", "x' or 1=1 --", "../../secret-1", "\x1b[2J"])
def test_an_unknown_id_is_wrong_use(refused: Settings, wanted: str) -> None:
    result = mfg("show", wanted)
    assert result.exit_code == 2
    assert "mfg dead-letters list" in result.stderr
    assert "\x1b" not in result.output
