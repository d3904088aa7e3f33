"""The platform can't know the truth beside a simulated estate: neither its code nor an estate's mappings reach it."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from mfg_assets.estate.models import Estate
from mfg_assets.settings import PROJECT_ROOT, Settings
from mfg_assets.simulate import truth
from tests.ingest_feed import GOOD, Feed

# Who may name the folder: the simulator with its scorecard, and the command that starts them.
ALLOWED = ("mfg_assets/simulate/", "mfg_assets/cli/simulate.py")


def _sources() -> list[Path]:
    folders = ("mfg_assets", "dbt_project", "expectations", "deploy", "dashboards")
    endings = (".py", ".sql", ".yml", ".yaml", ".json", ".sh", ".csv")
    return [
        path
        for folder in folders
        for path in (PROJECT_ROOT / folder).rglob("*")
        if path.is_file() and path.suffix in endings
    ]


def test_no_part_of_the_platform_names_the_folder_or_asks_the_simulator_for_it() -> None:
    named = re.compile(rf"{truth.FOLDER}|mfg_assets\.simulate|from mfg_assets import .*\bsimulate\b")
    found = [
        path.relative_to(PROJECT_ROOT).as_posix()
        for path in _sources()
        if named.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert truth.FOLDER == "ground_truth"
    assert [path for path in found if not path.startswith(ALLOWED)] == []
    assert found


@pytest.fixture
def feed(tmp_path: Path, settings: Settings) -> Feed:
    made = Feed(tmp_path, settings)
    (tmp_path / truth.FOLDER).mkdir()
    duckdb.sql(f"copy (select 'quantity' as finding_class) to '{tmp_path / truth.FOLDER / truth.FINDINGS}'")
    made.deliver(GOOD)
    return made


@pytest.mark.parametrize("place", ["{root}/ground_truth", "../ground_truth", "{data}/../ground_truth"])
@pytest.mark.parametrize("column", ["item_number", "where"])
def test_a_mapping_that_reads_the_truth_is_refused(feed: Feed, place: str, column: str) -> None:
    path = f"{place.format(root=feed.root, data=feed.data)}/{truth.FINDINGS}"
    read = f"(select any_value(finding_class) from read_parquet('{path}'))"
    if column == "where":
        feed.extract["where"] = f"{read} is not null"
    else:
        feed.columns[column] = read
    batch = feed.batch()
    assert batch.state == "refused"
    assert feed.rows() == []
    assert "'quantity'" not in str(batch.reason)


def test_the_estates_own_model_has_no_place_for_it() -> None:
    assert "truth" not in str(Estate.model_json_schema())
