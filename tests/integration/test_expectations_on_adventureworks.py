"""All suites on the real warehouse: each can be computed, and none that blocks publication fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from mfg_assets.quality import CheckResult, load_suites, run_suites
from mfg_assets.settings import PROJECT_ROOT
from tests.integration.conftest import Pass


@pytest.fixture(scope="module")
def results(adventureworks_pass: Pass, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[CheckResult]]:
    """Results on a copy: running suites writes into the warehouse."""
    warehouse = tmp_path_factory.mktemp("quality") / "mfg.duckdb"
    shutil.copy(adventureworks_pass.settings.warehouse_path, warehouse)
    suites = load_suites(PROJECT_ROOT / "expectations")
    return warehouse, run_suites(suites, warehouse, adventureworks_pass.settings)


def test_every_expectation_can_be_computed(results: tuple[Path, list[CheckResult]]) -> None:
    assert [(r.table, r.name, r.error) for r in results[1] if r.error] == []


def test_nothing_that_blocks_fails(results: tuple[Path, list[CheckResult]]) -> None:
    failed = [r for r in results[1] if not r.success and r.severity == "blocking"]
    assert [(r.table, r.name, r.failed_rows, r.sample[:1]) for r in failed] == []


def test_each_failure_is_counted_and_kept(results: tuple[Path, list[CheckResult]]) -> None:
    warehouse, checks = results
    expected = {(r.table, r.name): (r.failed_rows, min(r.failed_rows, 100)) for r in checks if r.failed_rows}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        kept = connection.execute(
            "select suite, expectation, any_value(failed_rows), count(*) from quality.expectation_failure group by all"
        ).fetchall()
    assert {(suite, name): (failed, rows) for suite, name, failed, rows in kept} == expected
    assert expected, "AdventureWorks has known weaknesses, such as order units without a conversion"
