"""The Dagster job `replay`: batches by run config, and a run that fails where the same bytes gave other rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dagster import ExecuteInProcessResult

from mfg_assets import audit
from mfg_assets.defs import common
from mfg_assets.defs.replay.job import replay_job
from mfg_assets.ingest.landed import rows_path
from mfg_assets.ledger import open_ledger
from mfg_assets.settings import Settings, get_settings
from tests.ingest_feed import GOOD, Feed


@pytest.fixture
def feed(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Feed]:
    found = Feed(tmp_path, settings)
    found.extract = {"extracted_at": r"_(\d{8})\.csv"}
    found.deliver(GOOD, "m_20250301.csv")
    found.deliver(["4,FRAME,5,EA,2025-03-04T08:00:00"], "m_20250304.csv")
    found.land()
    monkeypatch.setenv("MFG_HOME", str(settings.home_path))
    monkeypatch.setenv("MFG_ESTATE", str(found.estate().path))
    for cached in (get_settings, common.estate):
        cached.cache_clear()
    yield found
    for cached in (get_settings, common.estate):
        cached.cache_clear()


def _run(**config: Any) -> ExecuteInProcessResult:
    return replay_job.execute_in_process(
        run_config={"ops": {"replay_batches": {"config": config}}}, raise_on_error=False
    )


def test_batches_are_chosen_by_run_config_and_the_replay_is_in_the_audit_log(feed: Feed) -> None:
    assert _run(systems=["src"], first_day="2025-03-02").success
    with open_ledger(feed.settings) as ledger:
        (entry,) = audit.entries(ledger, kind="replay")
    assert entry.actor.startswith("dagster run ")
    assert entry.details["outcomes"] == {"identical": 1}
    assert _run(systems=["nobody"]).success is False


def test_a_lost_file_comes_back_and_changed_rows_fail_the_run(feed: Feed) -> None:
    first, second = (rows_path(feed.settings.landing_dir, m) for m in feed.manifests())
    before = first.read_bytes()
    first.unlink()
    assert _run().success
    assert first.read_bytes() == before
    with duckdb.connect() as connection:
        connection.execute(f"create table r as select * replace (quantity + 1 as quantity) from '{second}'")
        connection.execute(f"copy r to '{second}' (format parquet)")
    assert not _run().success
