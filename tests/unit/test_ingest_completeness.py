"""What proves that a snapshot is whole, and what shows that it is not (rule 31)."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import pytest

from mfg_assets.settings import Settings
from tests.ingest_feed import GOOD, HEADER, Feed

TEXT = "\n".join([HEADER, *GOOD]) + "\n"


@pytest.fixture
def feed(tmp_path: Path, settings: Settings) -> Feed:
    return Feed(tmp_path, settings, extract={"delivery": "snapshot"})


def land(feed: Feed, when: dict[str, Any] | None) -> tuple[str, str]:
    feed.extract |= {"complete_when": when} if when else {}
    batch = feed.batch()
    assert (batch.completeness == "short") <= (batch.state == "refused")
    return batch.completeness, batch.state


def control(**fields: str) -> dict[str, Any]:
    return {"control_file": {"pattern": "{stem}.ctl", **fields}}


def test_rule_31_without_a_marker_nothing_is_proven(feed: Feed) -> None:
    feed.deliver(TEXT)
    assert land(feed, None) == ("unproven", "landed")


@pytest.mark.parametrize(
    ("count", "said"), [(3, ("proven", "landed")), (4, ("short", "refused")), (2, ("short", "refused"))]
)
def test_rule_31_row_count(feed: Feed, count: int, said: tuple[str, str]) -> None:
    feed.deliver(TEXT)
    assert land(feed, {"row_count": count}) == said


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("END;3\n", ("proven", "landed")),
        ("END;3", ("proven", "landed")),
        ("END;3\r\n\r\n", ("proven", "landed")),
        ("END;4\n", ("short", "refused")),
        ("", ("short", "refused")),
        ("END;3\n4,RIM,1,EA,2025-03-04\n", ("short", "refused")),
    ],
)
def test_rule_31_trailer(feed: Feed, last: str, said: tuple[str, str]) -> None:
    feed.deliver(TEXT + last)
    assert land(feed, {"trailer": {"starts_with": "END", "row_count": r"END;(\d+)"}}) == said
    assert len(feed.rows()) == (3 if said[1] == "landed" else 0)
    assert feed.letters() == [] or said[1] == "refused"


def test_rule_31_a_trailer_counts_records_that_are_refused_too(feed: Feed) -> None:
    feed.deliver(TEXT + "4,RIM,x,EA,2025-03-04\n5,RIM\nEND;5\n")
    assert land(feed, {"trailer": {"starts_with": "END", "row_count": r"END;(\d+)"}}) == ("proven", "landed")
    assert set(feed.reasons()) == {4, 5}


def test_rule_31_trailers_of_packed_and_recoded_files(feed: Feed) -> None:
    feed.extract |= {"from": "*.gz"}
    feed.options = {"encoding": "utf-16"}
    feed.deliver(gzip.compress((TEXT + "END;3\r\n").encode("utf-16")), "a.csv.gz")
    assert land(feed, {"trailer": {"starts_with": "END", "row_count": r"END;(\d+)"}}) == ("proven", "landed")


@pytest.mark.parametrize(
    ("text", "fields", "said"),
    [
        ("rows=3", {"row_count": r"rows=(\d+)"}, ("proven", "landed")),
        ("rows=3.000", {"row_count": r"rows=(\S+)"}, ("short", "refused")),
        ("rows=2", {"row_count": r"rows=(\d+)"}, ("short", "refused")),
        ("sum 42.5", {"total": r"sum (\S+)", "total_of": "quantity"}, ("proven", "landed")),
        ("sum 42,50", {"total": r"sum (\S+)", "total_of": "quantity"}, ("proven", "landed")),
        ("sum 42.6", {"total": r"sum (\S+)", "total_of": "quantity"}, ("short", "refused")),
        (
            "rows=3 sum 42.5",
            {"row_count": r"rows=(\d+)", "total": r"sum (\S+)", "total_of": "quantity"},
            ("proven", "landed"),
        ),
        (hashlib.sha256(TEXT.encode()).hexdigest().upper(), {"sha256": r"([0-9A-F]{64})"}, ("proven", "landed")),
        ("0" * 64, {"sha256": r"([0-9A-Fa-f]{64})"}, ("short", "refused")),
    ],
)
def test_rule_31_control_files(feed: Feed, text: str, fields: dict[str, str], said: tuple[str, str]) -> None:
    feed.deliver(TEXT)
    feed.deliver(text, "a.ctl")
    assert land(feed, control(**fields)) == said


def test_rule_31_a_control_file_that_says_nothing_refuses_the_delivery(feed: Feed) -> None:
    feed.deliver(TEXT)
    feed.deliver("all is well", "a.ctl")
    feed.extract |= {"complete_when": control(row_count=r"rows=(\d+)")}
    batch = feed.batch()
    assert batch.state == "refused"
    assert "nothing in it matches" in (batch.reason or "")


def test_rule_31_a_control_file_that_comes_later_proves_what_has_landed(feed: Feed) -> None:
    feed.deliver(TEXT)
    assert land(feed, control(row_count=r"(\d+)")) == ("unproven", "landed")
    feed.deliver("3", "a.ctl")
    batch = feed.batch()
    assert (batch.completeness, batch.supersedes) == ("proven", feed.manifests()[0].batch_id)
    assert feed.land().batches == ()


def test_rule_31_a_delivery_that_was_short_lands_once_it_is_whole(feed: Feed) -> None:
    feed.deliver("\n".join([HEADER, *GOOD[:2]]))
    feed.deliver("3", "a.ctl")
    assert land(feed, control(row_count=r"(\d+)")) == ("short", "refused")
    feed.deliver(TEXT)
    assert land(feed, control(row_count=r"(\d+)")) == ("proven", "landed")


def test_a_control_file_that_matches_the_data_s_pattern_is_no_data(feed: Feed) -> None:
    feed.extract |= {"from": "*"}
    feed.deliver(TEXT)
    feed.deliver("3", "a.ctl")
    assert land(feed, control(row_count=r"(\d+)")) == ("proven", "landed")


def test_rule_31_a_parquet_footer(feed: Feed) -> None:
    import duckdb

    feed.extract |= {"from": "*.parquet"}
    path = feed.deliver(TEXT, "a.txt")
    duckdb.sql(f"copy (select * from read_csv('{path}', all_varchar = true)) to '{feed.data / 'a.parquet'}'")
    assert land(feed, {"footer": "parquet"}) == ("proven", "landed")


def test_rule_31_every_file_of_a_batch_needs_its_proof(feed: Feed) -> None:
    feed.extract |= {"batch_by": "all"}
    feed.deliver([GOOD[0]], "a.csv")
    feed.deliver([GOOD[1]], "b.csv")
    feed.deliver("1", "a.ctl")
    assert land(feed, control(row_count=r"(\d+)")) == ("unproven", "landed")
