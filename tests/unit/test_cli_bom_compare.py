"""`mfg bom compare` on a published snapshot of small bills: both sides, the formats, helpful answers."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mfg_assets.cli.app import app
from mfg_assets.settings import Settings
from tests.bills import publish_bills


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with small bills published, made once: nothing here writes to it."""
    home = tmp_path_factory.mktemp("kept") / "home"
    publish_bills(Settings(home=home))  # pyright: ignore[reportCallIssue]
    return home


@pytest.fixture(autouse=True)
def _published(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFG_HOME", str(kept))
    monkeypatch.delenv("MFG_ESTATE", raising=False)


def mfg(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["bom", "compare", *arguments])


def rows_of(*arguments: str) -> list[dict[str, str]]:
    result = mfg(*arguments, "--format", "csv")
    assert result.exit_code == 0, result.stderr
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_two_revisions_of_a_bill() -> None:
    (row,) = rows_of("GATE@revision=A", "@revision=B")
    told = [
        row[k] for k in ("change", "parent_item_number", "component_item_number", "attribute", "a_value", "b_value")
    ]
    assert told == ["changed", "GATE", "FRAME", "quantity", "1.000000000000", "2.000000000000"]


def test_two_systems_at_a_plant_with_what_only_one_has() -> None:
    rows = rows_of("BIKE@system=plm", "@system=erp", "--plant", "P1")
    assert [(r["change"], r["level"], r["component_item_number"], r["b_value"]) for r in rows] == [
        ("removed", "1", "FRAME", ""),
        ("changed", "1", "WHEEL", "3.000000000000"),
        # The ERP's wheel has no bill of its own.
        ("removed", "2", "SPOKE", ""),
        ("removed", "2", "RIM", ""),
        ("removed", "2", "GREASE", ""),
        ("removed", "1", "BAG", ""),
        ("removed", "1", "HORN", ""),
    ]


def test_two_dates_two_plants_and_two_items() -> None:
    dates = rows_of("BIKE@as-of=2024-06-30", "@as-of=2024-07-01", "--plant", "P1")
    assert [(r["change"], r["component_item_number"]) for r in dates] == [("removed", "BELL"), ("added", "HORN")]
    plants = rows_of("BIKE@plant=P2,system=plm", "@plant=P1,system=plm", "--max-level", "1")
    assert [(r["change"], r["component_item_number"]) for r in plants] == [
        ("added", "WHEEL"),
        ("added", "BAG"),
        ("added", "HORN"),
    ]
    items = rows_of("BAG", "WHEEL")
    assert {r["change"] for r in items} == {"added", "removed"}


def test_the_tree_shows_what_differs_and_what_leads_to_it() -> None:
    shown = mfg("BIKE@as-of=2024-06-30", "@as-of=2024-07-01", "--plant", "P1").stdout.splitlines()
    assert shown[0] == "BIKE  City bike"
    assert shown[1] == "A  P1, the reconciled bills, as of 2024-06-30 UTC"
    assert [line.split() for line in shown[5:7]] == [
        ["-", "BELL", "-1+1", "1", "EA", "only", "in", "A"],
        ["+", "HORN", "1", "EA", "only", "in", "B"],
    ]
    assert shown[8] == "1 added, 1 removed, 11 equal."
    assert shown[9] == "The net requirement differs in 2 of 9 items (--summarised shows them)."


def test_the_same_twice_says_so_and_all_shows_it() -> None:
    shown = mfg("BIKE@as-of=2024-07-01", "@as-of=2024-07-02", "--plant", "P1").stdout.splitlines()
    assert shown[4:] == ["12 equal."]
    shown = mfg("GATE@revision=B", "GATE@revision=B", "--max-level", "1", "--all", "--format", "json")
    assert [(r["change"], r["component_item_number"]) for r in json.loads(shown.stdout)] == [("same", "FRAME")]


def test_summarised_shows_what_both_need_in_the_end() -> None:
    rows = rows_of("GATE@revision=A", "@revision=B", "--summarised")
    assert [(r["item_number"], r["a_quantity"], r["b_quantity"], r["difference"]) for r in rows] == [
        ("CHIP", "-0.100000", "-0.200000", "-0.100000"),
        ("TUBE-B", "1.000000", "2.000000", "1.000000"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message", "fix"),
    [
        (["BIKE@system=erp9", "@system=plm", "--plant", "P1"], "no bills are published from system 'erp9'", "erp, plm"),
        (["BIKE", "@plant=P9", "--plant", "P1"], "no bills are published for plant 'P9'", "P1, P2"),
        (["BIKE", "@system=plm"], "BIKE has bills at several plants", "--plant: P1, P2"),
        (["GATE@revision=Q", "@revision=B"], "of revision Q", "plm revision A from ever to open end; plm revision B"),
        (
            ["GATE@revision=B,as-of=2024-01-01", "@revision=A"],
            "of revision B in force on 2024-01-01",
            "plm revision B from 2024-07-01",
        ),
        (["GATE@revision=A,system=erp", "GATE"], "GATE has no bill at P1 in erp", "these have one: plm"),
        (["FRAME@plant=P2", "FRAME@plant=P1"], "FRAME has no bill at P2", "it has bills at P1"),
        (["SPOKE@plant=P1", "BIKE@plant=P1"], "SPOKE has no bill", "where-used SPOKE"),
        (["GATE@alternative=7", "GATE@revision=A"], "of alternative 7", "plm revision A"),
        (["GATE@usage=spare", "GATE@revision=A"], "of usage spare", "plm revision A"),
        (["bikee", "BIKE@plant=P1"], "there is no item 'bikee'", "did you mean BIKE"),
        (["BIKE@colour=red", "BIKE"], "'colour=red' is not understood", "keys system, plant, revision"),
        (["BIKE@plant=P1,plant=P2", "BIKE"], "says plant twice", "keys system"),
        (["@plant=P1", "BIKE"], "names no item", "ITEM@key=value"),
        (["GATE@as-of=soon", "GATE"], "'soon' is not an instant", "use a date"),
        (["GATE@held=2025-01-01", "GATE"], "no system is named", "add system="),
        (["GATE@held=2025-01-01,system=plm", "GATE"], "no history of bills is published", "mfg run"),
        (["x' or 1=1 --@plant=P1", "BIKE@plant=P1"], "there is no item", ""),
    ],
)
def test_what_there_is_not_is_said_with_what_there_is(arguments: list[str], message: str, fix: str) -> None:
    result = mfg(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert fix in result.stderr
    assert result.stdout == ""
