"""What counts as the same delivery, which batches count, and what is still to land."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mfg_assets.errors import SourceError
from mfg_assets.ingest import CurrentBatch, current_batches, pending_files
from mfg_assets.settings import Settings
from tests.ingest_feed import GOOD, Feed

DAY = 86_400
START = 1_740_000_000


@pytest.fixture
def feed(tmp_path: Path, settings: Settings) -> Feed:
    return Feed(tmp_path, settings)


def in_force(feed: Feed) -> list[CurrentBatch]:
    return [b for b in current_batches(feed.manifests()) if b.is_in_force]


def snapshot(feed: Feed, **more: object) -> Feed:
    feed.extract |= {"delivery": "snapshot", **more}
    return feed


def test_rule_32_redelivery_is_a_no_op(feed: Feed) -> None:
    feed.deliver(GOOD)
    assert len(feed.land().batches) == 1
    assert (feed.land().batches, feed.land().already_landed) == ((), 1)
    feed.deliver(GOOD, "the same under another name.csv")
    result = feed.land()
    assert (result.batches, result.already_landed, result.files_seen) == ((), 2, 2)
    assert len(feed.rows()) == 3


def test_rule_32_a_redelivered_refusal_is_refused_once(feed: Feed) -> None:
    feed.deliver(b"")
    assert len(feed.land().batches) == 1
    assert feed.land().batches == ()


def test_rule_32_the_same_event_with_other_content_in_another_delivery_lands_to_be_reported(feed: Feed) -> None:
    """Across batches staging compares; landing overwrites nothing."""
    feed.deliver(GOOD, "a.csv", START)
    feed.land()
    feed.deliver(["1,FRAME,99,EA,2025-03-01T08:00:00"], "b.csv", START + DAY)
    feed.land()
    assert [str(q) for _, i, q in feed.rows() if i == "FRAME"] == ["2.500000", "99.000000"]


def test_rule_32_within_a_delivery_the_first_of_contradicting_events_stands(feed: Feed) -> None:
    feed.deliver([GOOD[0], GOOD[1], GOOD[0], "1,FRAME,99,EA,2025-03-01T08:00:00"])
    batch = feed.batch()
    assert (batch.rows_landed, feed.reasons()) == (3, {4: ["conflicting_event"]})
    (letter,) = feed.letters()
    assert letter["details"] == ["event_id = 1: an event has one content, and record 1 of a.csv says otherwise"]
    assert '"quantity":"99"' in letter["payload"]


def test_in_a_snapshot_a_key_has_one_content(feed: Feed) -> None:
    feed.columns = {"item_number": "item", "description": "id", "base_unit": "unit"}
    snapshot(feed, entity="item")
    feed.deliver([GOOD[0], GOOD[0], "7,FRAME,1,EA,2025", GOOD[1], "8,FRAME,1,EA,2025"])
    batch = feed.batch()
    assert (batch.rows_landed, feed.reasons()) == (3, {3: ["duplicate_key"], 5: ["duplicate_key"]})
    assert batch.reject_counts == {"duplicate_key": 2}


def test_in_a_delta_a_key_may_have_several_versions(feed: Feed) -> None:
    feed.columns = {"item_number": "item", "description": "id", "base_unit": "unit"}
    feed.extract = {"delivery": "delta", "entity": "item"}
    feed.deliver([GOOD[0], "7,FRAME,1,EA,2025"])
    assert feed.batch().rows_landed == 2


def test_a_contradiction_over_two_files_of_a_batch(feed: Feed) -> None:
    feed.extract = {"batch_by": "^(day1)_"}
    feed.deliver([GOOD[1], "1,FRAME,9,EA,2025-03-01T08:00:00"], "day1_b.csv")
    feed.deliver([GOOD[0]], "day1_a.csv")
    batch = feed.batch()
    assert batch.rows_landed == 2
    (letter,) = feed.letters()
    assert (letter["source_file"], letter["source_row"]) == ("day1_b.csv", 2)
    assert letter["dead_letter_id"] == f"{batch.batch_id}-1.2"
    assert letter["correlation_id"] == f"{batch.batch_id}:1.2"


def test_a_snapshot_that_comes_again_after_another_lands_again(feed: Feed) -> None:
    snapshot(feed, complete_when={"row_count": 3})
    other = [*GOOD[:2], "4,RIM,1,EA,2025-03-04"]
    for number, lines in enumerate((GOOD, other, GOOD)):
        feed.deliver(lines, age=START + number * DAY)
        assert len(feed.land().batches) == 1
        assert feed.land().batches == ()
    first, second, third = feed.manifests()
    assert (first.content_hash, first.occurrence, third.occurrence) == (third.content_hash, 0, 1)
    assert second.content_hash != first.content_hash
    assert [b.manifest.batch_id for b in in_force(feed)] == [third.batch_id]


def test_the_same_three_snapshots_as_three_files_land_the_same_and_once(feed: Feed) -> None:
    snapshot(feed, complete_when={"row_count": 3}, extracted_at=r"_(\d{8})")
    other = [*GOOD[:2], "4,RIM,1,EA,2025-03-04"]
    for day, lines in enumerate((GOOD, other, GOOD), start=1):
        feed.deliver(lines, f"stock_2025030{day}.csv")
    assert len(feed.land().batches) == 3
    assert feed.land().batches == ()
    assert [b.manifest.extracted_at.day for b in in_force(feed)] == [
        2
    ]  # the third of March in Berlin begins on the 2nd
    assert len(current_batches(feed.manifests())) == 3


def test_a_snapshot_touched_without_change_is_no_new_delivery(feed: Feed) -> None:
    snapshot(feed)
    path = feed.deliver(GOOD, age=START)
    feed.land()
    os.utime(path, (START + DAY, START + DAY))
    assert feed.land().batches == ()
    assert pending_files(feed.estate(), "src", feed.settings) == {}


def test_a_delta_that_comes_again_after_another_is_a_redelivery(feed: Feed) -> None:
    feed.extract = {"delivery": "delta"}
    for number, lines in enumerate((GOOD[:1], GOOD[1:], GOOD[:1])):
        feed.deliver(lines, age=START + number * DAY)
        feed.land()
    assert len(feed.manifests()) == 2


def test_a_changed_mapping_lands_the_same_bytes_anew(feed: Feed) -> None:
    feed.deliver(GOOD, age=START)
    first = feed.batch()
    feed.columns["item_number"] = "lower(item)"
    assert pending_files(feed.estate(), "src", feed.settings) == {
        "feed": [("a.csv", (feed.data / "a.csv").stat().st_size, START * 10**9)]
    }
    second = feed.batch()
    assert (second.supersedes, second.content_hash) == (first.batch_id, first.content_hash)
    assert second.batch_id != first.batch_id
    assert [b.manifest.batch_id for b in current_batches(feed.manifests())] == [second.batch_id]
    assert feed.land().batches == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.codes.update(units="system,native,code\n*,EA,EA\nsrc,EA,H87\n"),
        lambda f: f.system.update(timezone="UTC"),
        lambda f: f.options.update(decimal=","),
        lambda f: f.extract.update(where="true"),
        lambda f: f.extract.update(reject_limit=0.5),
    ],
)
def test_all_that_decides_how_bytes_are_read_is_part_of_the_mapping(feed: Feed, change: object) -> None:
    feed.deliver(GOOD)
    feed.land()
    change(feed)  # type: ignore[operator]
    assert len(feed.land().batches) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.extract.update(description="words"),
        lambda f: f.extract.update({"from": "a*.csv"}),
        lambda f: f.extract.update(schedule="0 5 * * *"),
        lambda f: f.system.update(description="more words"),
        lambda f: f.codes.update(others="system,native,code\n*,a,b\n"),
    ],
)
def test_what_changes_no_row_lands_nothing_anew(feed: Feed, change: object) -> None:
    feed.deliver(GOOD)
    feed.land()
    change(feed)  # type: ignore[operator]
    assert feed.land().batches == ()
    assert pending_files(feed.estate(), "src", feed.settings) == {}


def test_a_changed_mapping_that_is_refused_leaves_the_old_reading_in_force(feed: Feed) -> None:
    feed.deliver(GOOD)
    first = feed.batch()
    feed.columns["quantity"] = "item"
    feed.extract = {"reject_limit": 0.1}
    second = feed.batch()
    assert second.state == "refused"
    assert [b.manifest.batch_id for b in current_batches(feed.manifests())] == [first.batch_id]
    assert {letter["batch_id"] for letter in feed.letters()} == {second.batch_id}
    feed.columns["quantity"] = "quantity"
    third = feed.batch()
    assert [b.manifest.batch_id for b in current_batches(feed.manifests())] == [third.batch_id]


def test_a_changed_mapping_over_snapshots_that_return_supersedes_each(feed: Feed) -> None:
    snapshot(feed, extracted_at=r"_(\d{8})")
    for day, lines in enumerate((GOOD, GOOD[:2], GOOD), start=1):
        feed.deliver(lines, f"stock_2025030{day}.csv")
    feed.land()
    feed.columns["item_number"] = "lower(item)"
    assert len(feed.land().batches) == 3
    current = current_batches(feed.manifests())
    assert len(current) == 3
    assert {b.manifest.mapping_hash for b in current} == {feed.manifests()[-1].mapping_hash}
    assert feed.land().batches == ()


def test_rule_31_only_a_complete_snapshot_replaces(feed: Feed) -> None:
    control = {"pattern": "{stem}.ctl", "row_count": r"(\d+)"}
    snapshot(feed, extracted_at=r"_(\d{8})", complete_when={"control_file": control})
    for day, (rows, has_control) in enumerate(((2, False), (3, True), (2, False), (1, True), (2, False)), start=1):
        feed.deliver(GOOD[:rows], f"stock_2025030{day}.csv")
        if has_control:
            feed.deliver(str(rows), f"stock_2025030{day}.ctl")
    feed.land()
    assert [(b.manifest.completeness, b.is_in_force) for b in current_batches(feed.manifests())] == [
        ("unproven", False),
        ("proven", False),
        ("unproven", False),
        ("proven", True),
        ("unproven", True),
    ]


def test_a_snapshot_that_returns_has_its_place_in_the_sequence(feed: Feed) -> None:
    snapshot(feed, extracted_at=r"_(\d{8})")
    for day, rows in enumerate((3, 2, 1, 2), start=1):
        feed.deliver(GOOD[:rows], f"stock_2025030{day}.csv")
    feed.land()
    assert [b.manifest.rows_landed for b in in_force(feed)] == [3, 2, 1, 2]
    assert [b.batch_sequence for b in in_force(feed)] == [1, 2, 3, 4]


# Dates and batches


@pytest.mark.parametrize(
    ("name", "instant"),
    [
        ("x_20250301.csv", "2025-02-28T23:00:00+00:00"),
        ("x_202503010800.csv", "2025-03-01T07:00:00+00:00"),
        ("x_20250701T080000.csv", "2025-07-01T06:00:00+00:00"),
        ("x_2025-03-01T08:00:00+05:00.csv", "2025-03-01T03:00:00+00:00"),
    ],
)
def test_rule_05_the_time_in_a_file_s_name_is_local(feed: Feed, name: str, instant: str) -> None:
    feed.extract = {"extracted_at": r"_(.+)\.csv"}
    feed.deliver(GOOD, name)
    assert feed.batch().extracted_at.isoformat() == instant


@pytest.mark.parametrize("name", ["x_20251301.csv", "x.csv", "x_soon.csv"])
def test_a_name_without_a_time(feed: Feed, name: str) -> None:
    feed.extract = {"extracted_at": r"_(\w+)\.csv"}
    feed.deliver(GOOD, name)
    with pytest.raises(SourceError, match="holds no time"):
        feed.land()


def test_pages_are_one_batch(feed: Feed) -> None:
    feed.extract = {"batch_by": r"^(day\d)_page"}
    for name, line in zip(("day1_page1.csv", "day1_page2.csv", "day2_page1.csv"), GOOD, strict=True):
        feed.deliver([line], name)
    assert [(b.rows_landed, len(b.files)) for b in feed.land().batches] == [(2, 2), (1, 1)]


# Pending


def test_pending_files(feed: Feed) -> None:
    estate = feed.estate()
    assert pending_files(estate, "src", feed.settings) == {}
    path = feed.deliver(GOOD, "a.csv", START)
    feed.deliver(b"", "b.csv", START)
    waiting = [("a.csv", path.stat().st_size, START * 10**9), ("b.csv", 0, START * 10**9)]
    assert pending_files(estate, "src", feed.settings) == {"feed": waiting}
    feed.land()
    assert pending_files(estate, "src", feed.settings) == {}  # the refused one is dealt with too
    feed.deliver(GOOD[:1], "a.csv", START)
    assert [name for name, *_ in pending_files(estate, "src", feed.settings)["feed"]] == ["a.csv"]


def test_a_file_rewritten_within_the_same_second_and_size_is_seen(feed: Feed) -> None:
    path = feed.deliver(GOOD, age=START)
    feed.land()
    path.write_text(path.read_text().replace("FRAME", "FRAMD"))
    os.utime(path, (START, START))
    assert "feed" in pending_files(feed.estate(), "src", feed.settings)
    assert len(feed.land().batches) == 1


def test_without_the_kept_hashes_everything_is_looked_at_again_and_nothing_lands_twice(feed: Feed) -> None:
    feed.deliver(GOOD)
    feed.land()
    for kept in feed.settings.landing_dir.rglob("hashes.json"):
        kept.write_text("damaged")
    assert feed.land().batches == ()
    assert pending_files(feed.estate(), "src", feed.settings) == {}
