"""Files for people: every value keeps its type, and nothing in them runs."""

from __future__ import annotations

import csv
import zipfile
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from mfg_assets.cli.app import app
from mfg_assets.errors import UsageError
from mfg_assets.export import check_target, workbook, write_file
from mfg_assets.ledger import open_ledger
from mfg_assets.settings import Settings
from tests.ledger_rows import see, sighting

_NS = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "\x1b[2J",
    "http://evil.example/x",
    "{=1+1}",
    "0012",
    "<b>&amp;",
    "_x0041_",
    "\x00\ufffe",
    " lead",
)
COLUMNS = {"name": "Its name.", "count": None, "amount": None, "seen_at": "When.", "day": None, "is_open": None}


def _cells(file: Path) -> list[list[tuple[str | None, str | None]]]:
    """Type and text of each cell of the first sheet, by row."""
    with zipfile.ZipFile(file) as book:
        root = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - written by ourselves
    assert not root.findall(".//s:f", _NS), "a formula"
    assert not root.findall(".//s:hyperlink", _NS), "a link"
    rows = root.findall(".//s:sheetData/s:row", _NS)
    return [[(c.get("t"), "".join(part.text or "" for part in c.iter())) for c in row] for row in rows]


def _write(folder: Path, rows: list[list[Any]]) -> list[list[tuple[str | None, str | None]]]:
    assert write_file(folder / "a.xlsx", "t", COLUMNS, iter(rows)) == len(rows)
    return _cells(folder / "a.xlsx")


@pytest.mark.parametrize("text", HOSTILE)
def test_text_stays_text_and_never_runs(tmp_path: Path, text: str) -> None:
    row = _write(tmp_path, [[text, 1, None, None, None, None]])[1]
    kind, shown = row[0]
    assert kind == "inlineStr"
    if text.isprintable() and not text.startswith("_x"):
        assert shown == text
    write_file(tmp_path / "a.csv", "t", COLUMNS, [[text, 1, None, None, None, None]])
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        cell = list(csv.reader(file))[1][0]
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_numbers_times_and_truth_keep_their_type_and_what_excel_would_round_is_text(tmp_path: Path) -> None:
    instant = datetime(2026, 1, 5, 8, 30, tzinfo=timezone(timedelta(hours=2)))
    header, first, second, third = _write(
        tmp_path,
        [
            ["A", 3, Decimal("1.50"), instant, date(2026, 1, 5), True],
            ["B", 10**17 + 1, Decimal("1234567890123.4567"), None, date(1850, 1, 1), False],
            [["x", "y"], None, Decimal("NaN"), None, None, None],
        ],
    )
    assert [text for _, text in header] == ["name", "count", "amount", "seen_at (UTC)", "day", "is_open"]
    assert first[1:] == [(None, "3"), (None, "1.50"), (None, "46027.27083333334"), (None, "46027"), ("b", "1")]
    assert second[1:] == [
        ("inlineStr", "100000000000000001"),
        ("inlineStr", "1234567890123.4567"),
        ("inlineStr", "1850-01-01"),
        ("b", "0"),
    ]
    assert third == [("inlineStr", '["x", "y"]'), ("inlineStr", "NaN")]


def test_a_sheet_that_is_too_long_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_ROWS", 2)
    with pytest.raises(UsageError, match="a sheet holds 2 rows"):
        write_file(tmp_path / "a.xlsx", "t", {"n": None}, ([n] for n in range(3)))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("mine")
    for file, words in (
        (tmp_path / "a.csv", "already"),
        (tmp_path / "a.pdf", "no format"),
        (tmp_path / "none" / "a.csv", "no such folder"),
    ):
        with pytest.raises(UsageError, match=words):
            check_target(file, overwrite=False)
    check_target(tmp_path / "a.csv", overwrite=True)


def test_a_queue_is_written_as_it_stands(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mfg_assets.settings import get_settings

    monkeypatch.setenv("MFG_HOME", str(settings.home_path))
    get_settings.cache_clear()
    with open_ledger(settings) as ledger:
        see(ledger, [sighting("=A1", suggested_action="=1+1"), sighting("B", plant_id="P2")], at=datetime.now(UTC))
    done = CliRunner().invoke(app, ["exceptions", "export", str(tmp_path / "q.xlsx"), "--plant", "P1"])
    assert done.exit_code == 0, done.output
    rows = _cells(tmp_path / "q.xlsx")
    assert len(rows) == 2
    assert ("inlineStr", '{"item_number": "=A1"}') in rows[1]
    assert ("inlineStr", "=1+1") in rows[1]
    get_settings.cache_clear()
