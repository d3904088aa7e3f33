"""Refused records once more: corrected, after a mended code map, never twice, and not for ever."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mfg_assets import audit
from mfg_assets.errors import UsageError
from mfg_assets.ingest import get_dead_letter, letters
from mfg_assets.ingest.letters import MAX_TRIES, LettersResult
from mfg_assets.ingest.manifest import current_batches
from mfg_assets.ledger import Ledger, open_ledger
from mfg_assets.settings import Settings
from tests.ingest_feed import GOOD, Feed, check_counts
from tests.ledger_rows import day

BAD = [
    "4,FRAME,five,EA,2025-03-04T08:00:00",
    "5,FRAME,7,KAR,2025-03-05T08:00:00",
    "6,FRAME,1e999,KAR,2025-03-05T08:00:00",
]


@pytest.fixture
def feed(tmp_path: Path, settings: Settings) -> Feed:
    found = Feed(tmp_path, settings)
    found.deliver([*GOOD, *BAD])
    found.batch()
    return found


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    with open_ledger(settings) as opened:
        yield opened


def _replay(feed: Feed, ledger: Ledger, *rows: int, **more: Any) -> LettersResult:
    chosen = [m for m in feed.letters() if m["source_row"] in rows]
    return letters.replay(feed.estate(), feed.settings, ledger, chosen, actor="ana", why="mended", at=day(1), **more)


def test_a_corrected_record_lands_with_its_first_correlation_id_and_place(feed: Feed, ledger: Ledger) -> None:
    letter = next(m for m in feed.letters() if m["source_row"] == 4)
    done = _replay(feed, ledger, 4, edits={"quantity": "5"})
    assert done.landed == (letter["dead_letter_id"],)
    rows = feed.rows("event_id, item_number, quantity::varchar, correlation_id, source_file, source_row")
    assert rows[3] == ("4", "FRAME", "5.000000", letter["correlation_id"], "a.csv", 4)
    assert letters.states(feed.settings, ledger) == {letter["dead_letter_id"]: "replayed"}
    replayed = feed.manifests()[-1]
    check_counts(replayed)
    assert replayed.completeness == "unproven"
    assert [b.manifest.batch_id for b in current_batches(feed.manifests())][-1] == replayed.batch_id


def test_after_a_mended_code_map_all_of_a_reason_land_and_the_rest_says_why(feed: Feed, ledger: Ledger) -> None:
    estate = feed.estate()
    (feed.root / "estate" / "codes" / "units.csv").write_text("system,native,code\n*,EA,EA\n*,KAR,XCT\n")
    from mfg_assets.estate.loader import load_estate

    chosen = [m for m in feed.letters() if "unknown_unit" in m["reasons"]]
    done = letters.replay(
        load_estate(estate.path), feed.settings, ledger, chosen, actor="ana", why="KAR is known", at=day(1)
    )
    assert len(done.landed) == 1
    assert [text for text in done.failed.values() if "quantity" in text]
    assert [row[0] for row in feed.rows("event_id")] == ["1", "2", "3", "5"]


def test_replaying_again_does_nothing(feed: Feed, ledger: Ledger) -> None:
    _replay(feed, ledger, 4, edits={"quantity": "5"})
    before = feed.rows("*"), len(feed.manifests())
    again = _replay(feed, ledger, 4, edits={"quantity": "6"})
    assert (again.landed, list(again.passed_over.values())) == ((), ["replayed"])
    assert (feed.rows("*"), len(feed.manifests())) == before


def test_a_replay_that_was_killed_before_it_was_noted_is_noted_by_the_next(
    feed: Feed, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(letters, "_note", _killed)
        # The first thing that would be noted is what earlier replays left out, which is nothing.
        with pytest.raises(KeyboardInterrupt):
            _replay(feed, ledger, 4, edits={"quantity": "5"})
    landed = letters.states(feed.settings, ledger)
    assert list(landed.values()) == ["replayed"]
    assert _replay(feed, ledger, 4).passed_over == landed
    (entry,) = audit.entries(ledger, kind="dead_letter")
    assert entry.details["outcomes"] == {"landed": 1}
    assert [row[0] for row in feed.rows("event_id")] == ["1", "2", "3", "4"]


def _killed(*arguments: Any, **_: Any) -> None:
    if arguments[2]:
        raise KeyboardInterrupt


def test_a_record_that_always_fails_is_not_tried_for_ever(feed: Feed, ledger: Ledger) -> None:
    for _ in range(MAX_TRIES):
        assert len(_replay(feed, ledger, 4).failed) == 1
    stopped = _replay(feed, ledger, 4)
    assert (stopped.failed, len(stopped.passed_over)) == ({}, 1)
    assert "failed 5 times" in next(iter(stopped.passed_over.values()))
    assert len(_replay(feed, ledger, 4, insist=True).failed) == 1
    assert len(_replay(feed, ledger, 4, edits={"quantity": "5"}).landed) == 1


def test_a_discarded_record_is_neither_open_nor_replayed(feed: Feed, ledger: Ledger) -> None:
    chosen = [m for m in feed.letters() if m["source_row"] == 4]
    assert len(letters.discard(feed.settings, ledger, chosen, actor="ana", why="test data", at=day(1)).filtered) == 1
    again = letters.discard(feed.settings, ledger, chosen, actor="ana", why="test data", at=day(1))
    assert (again.filtered, list(again.passed_over.values())) == ((), ["discarded"])
    assert _replay(feed, ledger, 4).landed == ()
    assert len(audit.entries(ledger, kind="dead_letter")) == 1


def test_two_records_of_one_key_are_not_both_replayed(feed: Feed, ledger: Ledger) -> None:
    feed.deliver(["9,FRAME,a,EA,2025-03-04T08:00:00", "9,FRAME,b,EA,2025-03-04T08:00:00"], "b.csv")
    feed.land()
    chosen = [{**m, "payload": m["payload"].replace('"a"', '"1"').replace('"b"', '"2"')} for m in feed.letters()]
    chosen = [m for m in chosen if json.loads(m["payload"])["id"] == "9"]
    done = letters.replay(feed.estate(), feed.settings, ledger, chosen, actor="ana", why="x", at=day(1))
    assert done.landed == ()
    assert all("same key" in text for text in done.failed.values())


@pytest.mark.parametrize(
    "text", ["'; drop table letter; --", '"}', "\x1b[31m", "=1+1", "../../etc/passwd", "read_csv('/etc/passwd')"]
)
def test_values_that_people_set_are_only_values(feed: Feed, ledger: Ledger, text: str) -> None:
    assert len(_replay(feed, ledger, 4, edits={"quantity": "5", "item": text}).landed) == 1
    assert feed.rows("item_number")[3] == (text,)


def test_a_column_that_the_record_lacks_is_named(feed: Feed, ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="no column 'menge'"):
        _replay(feed, ledger, 4, edits={"menge": "5"})
    with pytest.raises(UsageError, match="one record at a time"):
        _replay(feed, ledger, 4, 5, edits={"quantity": "5"})


@pytest.mark.parametrize("body", ['{"qty": 5.10, "unit": "KAR"}', '"{\\"qty\\": 5.10, \\"unit\\": \\"KAR\\"}"'])
def test_a_value_inside_a_nested_one_can_be_corrected(
    tmp_path: Path, settings: Settings, ledger: Ledger, body: str
) -> None:
    feed = Feed(tmp_path, settings)
    feed.options = {"format": "jsonl"}
    feed.extract = {"from": "*.jsonl"}
    feed.columns = {
        "event_id": "id",
        "movement_type": "'M'",
        "item_number": "'FRAME'",
        "quantity": "json_extract_string(body, '$.qty')",
        "unit": "json_extract_string(body, '$.unit')",
        "event_at": "moment",
    }
    feed.deliver(f'{{"id": "e1", "moment": "2025-03-01T08:00:00", "body": {body}}}\n', "a.jsonl")
    batch = feed.batch()
    assert batch.rows_rejected == 1, batch.reason
    with pytest.raises(UsageError, match=r"no column 'body\.colour'"):
        _replay(feed, ledger, 1, edits={"body.colour": "red"})
    done = _replay(feed, ledger, 1, edits={"body.unit": "EA"})
    assert len(done.landed) == 1, done
    assert feed.rows("quantity, unit") == [(Decimal("5.1"), "EA")]


def test_records_with_joins_and_numbers_are_read_as_they_were(
    tmp_path: Path, settings: Settings, ledger: Ledger
) -> None:
    feed = Feed(tmp_path, settings)
    feed.options = {"format": "parquet"}
    feed.extract = {
        "from": "*.parquet",
        "joins": [{"from": "items/*.parquet", "as": "item", "on": "src.item = item.id"}],
    }
    feed.columns = {
        "event_id": "src.id::varchar",
        "movement_type": "'M'",
        "item_number": "item.name",
        "quantity": "src.quantity + src.more",
        "unit": "src.unit",
        "event_at": "src.moment",
    }
    (feed.data / "items").mkdir()
    duckdb.sql("select 'i1' as id, 'FRAME' as name").write_parquet(str(feed.data / "items" / "i.parquet"))
    duckdb.sql(
        "select 1 as id, 'i1' as item, 2.500::decimal(9, 3) as quantity, 1 as more, 'KAR' as unit, "
        "timestamp '2025-03-01 08:00:00' as moment"
    ).write_parquet(str(feed.data / "a.parquet"))
    batch = feed.batch()
    assert batch.rows_rejected == 1, batch.reason
    done = _replay(feed, ledger, 1, edits={"unit": "EA"})
    assert len(done.landed) == 1, done
    assert feed.rows("event_id, item_number, quantity::varchar, unit") == [("1", "FRAME", "3.500000", "EA")]
    assert get_dead_letter(settings, done.landed[0])["source_row"] == 1
