"""`latency` of an estate: how long a system may take to hear of others, its own word before the estate's."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from mfg_assets.estate.loader import load_estate
from mfg_assets.warehouse.handover import estate_tables
from tests import mini


def _seconds(folder: Path) -> dict[str, int]:
    """What dbt is told, by system."""
    (table,) = [t for t in estate_tables(load_estate(folder)) if t.name == "system"]
    place = list(table.columns).index("latency_seconds")
    return {str(row[0]): int(str(row[place])) for row in table.rows}


def test_without_a_word_nothing_may_be_on_its_way(tmp_path: Path) -> None:
    folder = mini.write_mini(tmp_path)
    assert set(_seconds(folder).values()) == {0}


def test_a_system_says_it_for_itself_and_the_estate_for_the_others(tmp_path: Path) -> None:
    folder = mini.write_mini(tmp_path)
    path = folder / "estate.yaml"
    path.write_text(f"{path.read_text().rstrip()}\ndefaults: {{latency: 15m}}\n")
    first = sorted((folder / "systems").glob("*.yaml"))[0]
    first.write_text(f"{first.read_text().rstrip()}\nlatency: 2h\n")
    estate = load_estate(folder)
    others = set(estate.systems) - {first.stem}
    assert estate.latency(first.stem) == timedelta(hours=2)
    assert others
    assert {estate.latency(system) for system in others} == {timedelta(minutes=15)}
    assert _seconds(folder)[first.stem] == 7200
