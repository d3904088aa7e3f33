"""`as_of` of an estate: the fixed instant from which a simulated or archived one is looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mfg_assets.errors import EstateError
from mfg_assets.estate.loader import load_estate
from tests import mini


def _estate(folder: Path, as_of: str) -> Path:
    estate = mini.write_mini(folder)
    path = estate / "estate.yaml"
    path.write_text(f"{path.read_text()}\n{as_of}\n")
    return estate


@pytest.mark.parametrize("written", ["2026-04-05T06:00:00+02:00", '"2026-04-05T04:00:00Z"'])
def test_the_estates_instant_takes_the_place_of_the_present(tmp_path: Path, written: str) -> None:
    estate = load_estate(_estate(tmp_path, f"as_of: {written}"))
    assert estate.file.as_of == estate.now() == datetime(2026, 4, 5, 4, tzinfo=UTC)


def test_an_estate_without_one_is_looked_at_now(tmp_path: Path) -> None:
    estate = load_estate(mini.write_mini(tmp_path))
    assert estate.file.as_of is None
    assert abs(estate.now() - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("written", ["2026-04-05T04:00:00", "2026-04-05", "12", "soon"])
def test_rule_05_an_instant_without_offset_is_refused_with_its_line(tmp_path: Path, written: str) -> None:
    folder = _estate(tmp_path, f"as_of: {written}")
    with pytest.raises(EstateError) as raised:
        load_estate(folder)
    (problem,) = raised.value.problems
    lines = (folder / "estate.yaml").read_text().splitlines()
    assert problem.line is not None
    assert "as_of" in lines[problem.line - 1]
    assert "offset" in problem.message or "not an instant" in problem.message
