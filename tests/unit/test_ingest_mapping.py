"""Expressions, joins, filters and code maps of an extract."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mfg_assets.ingest import compile_errors, source_columns
from mfg_assets.ingest.expressions import ExpressionError, parse
from mfg_assets.settings import Settings
from tests.ingest_feed import GOOD, HEADER, Feed

COST = {
    "item_number": "item",
    "effective_from": "start",
    "effective_to": "stop",
    "standard_cost": "cost",
    "currency": "'EUR'",
}


@pytest.fixture
def feed(tmp_path: Path, settings: Settings) -> Feed:
    return Feed(tmp_path, settings)


def costs(feed: Feed, stop: str, mapping: str = "stop", **options: Any) -> list[str | None]:
    """Ends of the periods that land for one end as written."""
    feed.columns = COST | {"effective_to": mapping}
    feed.extract = {"entity": "item_cost", "delivery": "snapshot"}
    feed.options = options
    feed.deliver(f"item,start,stop,cost\nA,{'20250101' if options else '2025-01-01'},{stop},1.5\n")
    feed.batch()
    return [row[0] for row in feed.rows("strftime(effective_to at time zone 'Europe/Berlin', '%Y-%m-%d %H:%M')")]


@pytest.mark.parametrize(
    ("stop", "mapping", "options", "expected"),
    [
        ("2025-03-29", "stop + interval 1 day", {}, "2025-03-30 00:00"),
        ("2025-03-30", "stop + interval 1 day", {}, "2025-03-31 00:00"),  # the day that has 23 hours
        ("20250131", "stop + interval 1 day", {"date_formats": ["%Y%m%d"]}, "2025-02-01 00:00"),
        ("2025-01-31T00:00:00+01:00", "src.stop + interval '1 day'", {}, "2025-02-01 00:00"),
        ("", "stop + interval 1 day", {}, None),
        ("2025-01-31", "try_cast(stop as timestamp) + interval 1 day", {}, "2025-02-01 00:00"),
        ("2025-03-01", "stop - interval 1 month + interval 1 day", {}, "2025-02-02 00:00"),
    ],
)
def test_rule_01_an_inclusive_end_becomes_the_day_after(
    feed: Feed, stop: str, mapping: str, options: dict[str, Any], expected: str | None
) -> None:
    assert costs(feed, stop, mapping, **options) == [expected]
    assert feed.letters() == []


@pytest.mark.parametrize(
    ("stop", "mapping"),
    [("9999-12-31", "stop"), ("9999-12-31", "stop + interval 1 day"), ("9999-12-31T23:59:59+00:00", "stop")],
)
def test_rule_01_the_end_of_time_is_no_end(feed: Feed, stop: str, mapping: str) -> None:
    assert costs(feed, stop, mapping) == [None]
    assert feed.letters() == []


def test_rule_34_an_end_that_is_no_time_is_refused_although_it_is_moved(feed: Feed) -> None:
    assert costs(feed, "31/31/2025", "stop + interval 1 day") == []
    assert feed.reasons() == {1: ["not_castable"]}


# Expressions that fail on a record


def test_rule_33_an_expression_that_fails_costs_only_the_records_it_fails_on(feed: Feed) -> None:
    feed.columns |= {"quantity": "cast(quantity as decimal(18,6)) * 2", "reference_line": "10 // cast(id as integer)"}
    feed.deliver([GOOD[0], "2,WHEEL,four,EA,2025-03-02", "x,SPOKE,1,EA,2025-03-03"])
    batch = feed.batch()
    assert (batch.rows_landed, batch.rows_rejected) == (1, 2)
    assert feed.reasons() == {2: ["not_castable"], 3: ["not_castable"]}
    assert feed.rows("quantity, reference_line") == [(Decimal(5), "10")]
    assert "doesn't fail" in feed.letters()[0]["details"][0]


def test_a_condition_that_fails_neither_keeps_nor_drops_the_record(feed: Feed) -> None:
    feed.extract = {"where": "cast(quantity as decimal(18,6)) > 3"}
    feed.deliver([*GOOD, "4,RIM,many,EA,2025-03-04", "5,RIM,,EA,2025-03-04"])
    batch = feed.batch()
    assert [row[0] for row in feed.rows()] == ["2", "3"]
    assert (batch.rows_read, batch.rows_filtered, batch.rows_received) == (5, 2, 3)
    assert set(feed.reasons()) == {4}


def test_a_window_function_sees_the_records_that_are_kept(feed: Feed) -> None:
    feed.columns["reference_line"] = "row_number() over (order by id desc)"
    feed.extract = {"where": "id <> '2'"}
    feed.deliver(GOOD)
    feed.batch()
    assert feed.rows("event_id, reference_line") == [("1", "2"), ("3", "1")]


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("(select 1)", "can't query"),
        ("exists (select 1 from read_csv('/etc/passwd'))", "can't query"),
        ("id, item", "several"),
        ("id) from x; drop table y; --", "syntax error"),
        ("getenv('HOME')", "not allowed"),
        ("now()", "not allowed"),
        ("current_date", "not allowed"),
        ("random()", "not allowed"),
        ("*", "not one value"),
        ("", "syntax error"),
    ],
)
def test_a_mapping_is_one_harmless_expression(expression: str, why: str) -> None:
    with pytest.raises(ExpressionError, match=why):
        parse(expression)


def test_a_mapping_cannot_read_other_files(feed: Feed, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    feed.columns["reference_number"] = f"list_first(list_transform(glob('{tmp_path}/*'), lambda x: x))"
    feed.deliver(GOOD)
    assert feed.batch().state == "refused"


def test_comments_and_odd_names(feed: Feed) -> None:
    feed.columns |= {"event_id": '"Order No." -- the key', "item_number": '"a""b"'}
    feed.deliver('Order No.,"a""b",quantity,unit,moment\n1,FRAME,1,EA,2025-03-01\n')
    feed.batch()
    assert feed.rows() == [("1", "FRAME", Decimal(1))]


# Joins, where, distinct


def joined(feed: Feed, how: str = "left") -> Feed:
    feed.columns |= {"item_number": "src.item", "reference_number": "head.order_no", "posting_date": "head.posted"}
    feed.extract = {
        "from": "items.csv",
        "joins": [{"from": "heads.csv", "as": "head", "on": "src.item = head.item", "how": how}],
    }
    feed.deliver(GOOD, "items.csv")
    return feed


def test_a_join_completes_the_record(feed: Feed) -> None:
    joined(feed).deliver("item,order_no,posted\nFRAME,O1,2025-03-01\nWHEEL,O2,2025-03-02\n", "heads.csv")
    batch = feed.batch()
    assert feed.rows("event_id, reference_number, posting_date::varchar") == [
        ("1", "O1", "2025-03-01"),
        ("2", "O2", "2025-03-02"),
        ("3", None, None),
    ]
    assert [(f.name, f.role) for f in batch.files] == [("items.csv", "data"), ("heads.csv", "join")]


def test_an_inner_join_leaves_out_what_has_no_partner(feed: Feed) -> None:
    joined(feed, "inner").deliver("item,order_no,posted\nFRAME,O1,2025-03-01\n", "heads.csv")
    batch = feed.batch()
    assert (batch.rows_read, batch.rows_filtered, batch.rows_landed) == (3, 2, 1)


@pytest.mark.parametrize("how", ["left", "inner"])
def test_a_join_that_multiplies_records_is_refused(feed: Feed, how: str) -> None:
    joined(feed, how).deliver("item,order_no,posted\nFRAME,O1,\nFRAME,O2,\n", "heads.csv")
    batch = feed.batch()
    assert batch.state == "refused"
    assert "more than one partner" in (batch.reason or "")


def test_a_joined_file_that_changes_lands_the_batch_anew(feed: Feed) -> None:
    joined(feed).deliver("item,order_no,posted\nFRAME,O1,\n", "heads.csv")
    first = feed.batch()
    feed.deliver("item,order_no,posted\nFRAME,O9,\n", "heads.csv")
    second = feed.batch()
    assert second.supersedes == first.batch_id
    assert feed.land().batches == ()


def test_a_join_without_its_file(feed: Feed) -> None:
    joined(feed)
    batch = feed.batch()
    assert batch.state == "refused"
    assert "no file matches 'heads.csv'" in (batch.reason or "")


def test_the_payload_shows_the_joined_record_too(feed: Feed) -> None:
    joined(feed).deliver("item,order_no,posted\nFRAME,O1,soon\n", "heads.csv")
    feed.batch()
    (letter,) = feed.letters()
    assert '"head":{"item":"FRAME","order_no":"O1","posted":"soon"}' in letter["payload"]


def test_distinct_collapses_what_maps_to_the_same(feed: Feed) -> None:
    feed.columns |= {"event_id": "item"}
    feed.extract = {"distinct": True}
    feed.deliver(["1,A,1,EA,2025-03-01", "2,A,1,EA,2025-03-01", "3,B,1,EA,2025-03-01", "4,A,x,EA,2025-03-01"])
    batch = feed.batch()
    assert (batch.rows_read, batch.rows_filtered, batch.rows_landed, batch.rows_rejected) == (4, 1, 2, 1)
    assert feed.rows("event_id, source_row") == [("A", 1), ("B", 3)]
    assert feed.reasons() == {4: ["not_castable"]}


# Codes


def test_rule_21_units_go_through_the_code_map(feed: Feed) -> None:
    feed.codes["units"] = "system,native,code\n*,ST,EA\nsrc,ST,H87\n*,KG,KGM\n"
    feed.deliver(["1,A,1, ST ,2025-03-01", "2,A,1,KG,2025-03-01", "3,A,1,KGM,2025-03-01", "4,A,1,st,2025-03-01"])
    feed.batch()
    assert feed.rows("unit") == [("H87",), ("KGM",)]
    assert feed.reasons() == {3: ["unknown_unit"], 4: ["unknown_unit"]}


def test_a_named_code_map(feed: Feed) -> None:
    feed.codes["kinds"] = "system,native,code\nsrc,W,receipt\nsrc,S,issue\n"
    feed.columns["movement_class"] = {"sql": "item", "codes": "kinds"}
    feed.deliver(["1,W,1,EA,2025-03-01", "2,S,1,EA,2025-03-01", "3,X,1,EA,2025-03-01", "4,,1,EA,2025-03-01"])
    feed.columns["item_number"] = "id"
    feed.batch()
    assert feed.rows("movement_class") == [("receipt",), ("issue",), (None,)]
    assert feed.reasons() == {3: ["unknown_code"]}


def test_plants_and_currencies_may_come_as_they_are_or_through_a_map(feed: Feed) -> None:
    feed.codes |= {"plants": "system,native,code\nsrc,0100,P1\n", "currencies": "system,native,code\n*,€,EUR\n"}
    feed.columns |= {"to_plant_id": "item", "currency": "unit", "item_number": "id", "unit": "'EA'"}
    feed.deliver(["1,0100,1,€,2025-03-01", "2,P1,1,USD,2025-03-01", "3,P2,1,EUR,2025-03-01", "4,P1,1,EURO,2025-03-01"])
    feed.batch()
    assert feed.rows("to_plant_id, currency") == [("P1", "EUR"), ("P1", "USD")]
    assert feed.reasons() == {3: ["unknown_plant"], 4: ["unknown_currency"]}


# Platform columns


def test_platform_columns(feed: Feed) -> None:
    feed.deliver(GOOD, age=1_740_000_000)
    batch = feed.batch()
    (row,) = [
        r
        for r in feed.rows(
            "source_system, extract_name, batch_id, source_file, correlation_id, is_deleted, "
            "epoch(recorded_at)::bigint, source_row"
        )
        if r[-1] == 2
    ]
    b = batch.batch_id
    assert row == ("src", "feed", b, "a.csv", f"{b}:2", False, 1_740_000_000, 2)


def test_mapped_platform_columns(feed: Feed) -> None:
    feed.columns |= {"recorded_at": "recorded", "correlation_id": "trace", "is_deleted": "gone"}
    lines = ["T1,X,2025-02-01T00:00:00", "T2,,", "T3,,soon"]
    feed.deliver("\n".join([f"{HEADER},trace,gone,recorded", *(f"{g},{x}" for g, x in zip(GOOD, lines, strict=True))]))
    feed.columns["is_deleted"] = "gone = 'X'"
    feed.batch()
    assert feed.rows("correlation_id, is_deleted, year(recorded_at) = 2025")[0] == ("T1", True, True)
    assert feed.rows("correlation_id, is_deleted") == [("T1", True), ("T2", False)]
    assert feed.reasons() == {3: ["not_castable"]}


# What `mfg check` asks


def test_compile_errors_and_columns(feed: Feed) -> None:
    joined(feed).deliver("item,order_no,posted\n", "heads.csv")
    feed.columns |= {"quantity": "menge", "unit": "head.unit", "reference_line": "max(id)"}
    feed.extract |= {"where": "id + 1"}
    found = dict(compile_errors(feed.estate(), "src", "feed", feed.settings))
    assert set(found) == {"columns.quantity", "columns.unit", "columns.reference_line", "where"}
    assert "menge" in found["columns.quantity"]
    assert source_columns(feed.estate(), "src", "feed", feed.settings) == {
        "src": HEADER.split(","),
        "head": ["item", "order_no", "posted"],
    }


def test_a_broken_join_is_told_apart_from_the_expressions_that_use_it(feed: Feed) -> None:
    joined(feed).deliver("item,order_no,posted\n", "heads.csv")
    feed.extract["joins"][0]["on"] = "src.item = head.itm"
    errors = compile_errors(feed.estate(), "src", "feed", feed.settings)
    assert [where for where, _ in errors] == ["joins[0].on"]
