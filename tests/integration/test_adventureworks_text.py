"""The vendor's headerless text tables, by another estate file: the same bills as from Parquet, 4,017 days later."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from mfg_assets.settings import PROJECT_ROOT
from tests.integration.conftest import Pass
from tests.running import mfg

pytestmark = pytest.mark.slow


def test_text_and_parquet_publish_the_same_requirements(
    adventureworks: Path, adventureworks_pass: Pass, tmp_path: Path
) -> None:
    environment = {
        "MFG_HOME": str(tmp_path / "home"),
        "MFG_ESTATE": str(PROJECT_ROOT / "estates" / "adventureworks_tsv"),
        "ADVENTUREWORKS_TSV": str(adventureworks / "tsv"),
    }
    done = mfg(environment, "run")
    assert done.returncode == 0, done.stdout + done.stderr
    sql = "select root_item_number, component_item_number, quantity_per_root from item_requirement order by all"

    def rows(home: Path) -> list[tuple[object, ...]]:
        with duckdb.connect(str(home / "published" / "current" / "marts.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    text, parquet = rows(tmp_path / "home"), rows(adventureworks_pass.settings.home_path)
    assert len(parquet) > 10_000
    assert text == parquet
