"""Landed batches once more: the same rows, or a word about why not; and what was lost comes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from mfg_assets import audit
from mfg_assets.errors import MfgError
from mfg_assets.ingest import letters
from mfg_assets.ingest.landed import rows_path
from mfg_assets.ingest.replay_run import replay_batches
from mfg_assets.ingest.reread import Outcome, Selection, reread
from mfg_assets.ledger import open_ledger
from mfg_assets.settings import Settings
from tests.ingest_feed import GOOD, Feed
from tests.ledger_rows import day


@pytest.fixture
def feed(tmp_path: Path, settings: Settings) -> Feed:
    found = Feed(tmp_path, settings)
    found.extract = {"extracted_at": r"_(\d{8})\.csv"}
    found.deliver(GOOD, "m_20250301.csv")
    found.deliver(["4,FRAME,5,EA,2025-03-04T08:00:00", "5,FRAME,five,EA,2025-03-04T08:00:00"], "m_20250304.csv")
    found.land()
    return found


def _outcomes(feed: Feed, selection: Selection | None = None) -> list[Outcome]:
    return [one.outcome for one in reread(feed.estate(), feed.settings, selection or Selection())]


def test_the_same_files_give_the_same_rows_and_nothing_is_written(feed: Feed) -> None:
    before = {p: p.stat().st_mtime_ns for p in feed.settings.landing_dir.rglob("*")}
    assert _outcomes(feed) == ["identical", "identical"]
    assert {p: p.stat().st_mtime_ns for p in feed.settings.landing_dir.rglob("*")} == before
    assert not list((feed.settings.home_path / "tmp").glob("reread-*"))


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        (Selection(systems=("src",)), 2),
        (Selection(plants=("P1",)), 2),
        (Selection(extracts=("other",)), 0),
        (Selection(first_day=date(2025, 3, 2)), 1),
        (Selection(first_day=date(2025, 2, 28), last_day=date(2025, 2, 28)), 1),  # midnight in Berlin is 23:00 UTC
        (Selection(last_day=date(2025, 2, 27)), 0),
    ],
)
def test_batches_are_chosen_by_system_plant_and_day(feed: Feed, selection: Selection, count: int) -> None:
    assert len(_outcomes(feed, selection)) == count


def test_a_lost_or_damaged_file_comes_back_as_it_was(feed: Feed) -> None:
    before = feed.rows("*")
    first, second = (rows_path(feed.settings.landing_dir, m) for m in feed.manifests())
    first.unlink()
    second.write_bytes(second.read_bytes()[:50])
    assert _outcomes(feed) == ["restored", "restored"]
    assert feed.rows("*") == before
    assert _outcomes(feed) == ["identical", "identical"]


def test_rows_that_somebody_changed_are_found(feed: Feed) -> None:
    path = rows_path(feed.settings.landing_dir, feed.manifests()[0])
    changed = path.with_name("changed.parquet")
    duckdb.sql(f"select * replace (9 as quantity) from read_parquet('{path}')").write_parquet(str(changed))
    changed.replace(path)
    assert _outcomes(feed) == ["differs", "identical"]


def test_a_file_that_is_gone_and_a_mapping_that_changed_are_said(feed: Feed) -> None:
    (feed.data / "m_20250301.csv").unlink()
    assert _outcomes(feed) == ["source_gone", "identical"]
    feed.columns["quantity"] = "try_cast(quantity as decimal(9, 2)) * 2"
    assert _outcomes(feed) == ["mapping_changed", "mapping_changed"]


def test_replayed_records_are_no_delivery_that_could_be_read_again(feed: Feed) -> None:
    with open_ledger(feed.settings) as ledger:
        letters.replay(
            feed.estate(),
            feed.settings,
            ledger,
            feed.letters(),
            actor="ana",
            why="x",
            at=day(1),
            edits={"quantity": "5"},
        )
    assert len(feed.manifests()) == 3
    assert _outcomes(feed) == ["identical", "identical"]


def test_a_replay_is_in_the_audit_log(feed: Feed) -> None:
    chosen = Selection(systems=("src",), first_day=date(2025, 3, 2))
    replay_batches(feed.estate(), feed.settings, chosen, actor="ana", at=day(1))
    with open_ledger(feed.settings) as ledger:
        (entry,) = audit.entries(ledger, kind="replay")
    assert (entry.actor, entry.details["outcomes"]) == ("ana", {"identical": 1})


def test_names_that_nobody_knows_are_said(feed: Feed) -> None:
    for selection in (Selection(systems=("erp",)), Selection(plants=("P9",)), Selection(batches=("x",))):
        with pytest.raises(MfgError, match="there is no"):
            reread(feed.estate(), feed.settings, replace(selection))
