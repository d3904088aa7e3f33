"""What a batch's file leaves out is there again when it is read, whichever way the delivery was read."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from mfg_assets.contracts import PLATFORM_COLUMNS, contract
from mfg_assets.ingest.landed import landed_sql, rows_path
from mfg_assets.settings import Settings
from tests.ingest_feed import GOOD, Feed, landed_rows

PROVENANCE = "source_system, extract_name, source_file, source_row, recorded_at is not null, is_deleted"


@pytest.fixture
def feed(tmp_path: Path, settings: Settings) -> Feed:
    return Feed(tmp_path, settings)


def stored(feed: Feed) -> list[str]:
    (manifest,) = feed.manifests()
    path = rows_path(feed.settings.landing_dir, manifest)
    return [name for name, *_ in duckdb.sql(f"describe select * from read_parquet('{path}')").fetchall()]


def test_a_clean_file_is_stored_without_what_follows_from_its_place(feed: Feed) -> None:
    feed.deliver(GOOD)
    batch = feed.batch()
    assert not {"source_row", "source_file", "batch_id", "correlation_id"} & set(stored(feed))
    assert feed.rows(PROVENANCE) == [("src", "feed", "a.csv", n, True, False) for n in range(1, len(GOOD) + 1)]
    assert feed.rows("correlation_id") == [(f"{batch.batch_id}:{n}",) for n in range(1, len(GOOD) + 1)]


def test_a_file_with_a_refused_record_keeps_the_numbers_of_the_others(feed: Feed) -> None:
    feed.deliver(["9,RIM,many,EA,2025-03-04", *GOOD])
    batch = feed.batch()
    assert "source_row" in stored(feed)
    assert feed.rows("source_row, correlation_id") == [(n, f"{batch.batch_id}:{n}") for n in range(2, len(GOOD) + 2)]


def test_rule_32_contradicting_events_in_a_clean_file_are_taken_out_by_their_numbers(feed: Feed) -> None:
    feed.deliver([*GOOD, GOOD[0].replace(GOOD[0].split(",")[1], "OTHER")])
    feed.extract["reject_limit"] = 1.0
    batch = feed.batch()
    assert (batch.rows_landed, batch.rows_rejected) == (len(GOOD), 1)
    assert feed.reasons() == {len(GOOD) + 1: ["conflicting_event"]}
    assert feed.rows("source_row") == [(n,) for n in range(1, len(GOOD) + 1)]


def test_rows_of_several_files_say_which_they_came_from(feed: Feed) -> None:
    feed.extract["batch_by"] = "all"
    for number, line in enumerate(GOOD[:2]):
        feed.deliver([line], f"{number}.csv")
    batch = feed.batch()
    assert feed.rows("source_file, source_row, correlation_id") == [
        ("0.csv", 1, f"{batch.batch_id}:1"),
        ("1.csv", 1, f"{batch.batch_id}:1.1"),
    ]


@pytest.mark.parametrize("blank", [" ", "\N{NO-BREAK SPACE}", "\N{EM SPACE}", ""])
def test_blanks_around_a_text_are_padding_whatever_their_kind(feed: Feed, blank: str) -> None:
    identity, _, rest = GOOD[0].split(",", 2)
    feed.deliver([f"{identity},{blank}RIM{blank},{rest}"])
    feed.batch()
    assert feed.rows("item_number") == [("RIM",)]


def test_nothing_landed_is_an_empty_relation_with_all_columns(settings: Settings) -> None:
    movement = contract("inventory_movement")
    found = duckdb.sql(f"describe {landed_sql(settings.landing_dir, movement, [])}").fetchall()
    assert [name for name, *_ in found] == [*(c.name for c in movement.columns), *PLATFORM_COLUMNS]
    assert landed_rows(settings) == []
