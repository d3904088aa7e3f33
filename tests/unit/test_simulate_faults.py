"""Faults of feeds: what is done to native records on their way, and what is written down about it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import duckdb
import pytest

from mfg_assets.simulate import chance, truth
from mfg_assets.simulate.defects.faults import (
    DROPS,
    EDGES,
    ENOUGH_ROWS,
    ORDERS,
    QUEUE,
    RECIPES,
    SPOILED,
    STOPS,
    FeedFaults,
)
from mfg_assets.simulate.options import Options

OPTIONS = Options.of("small", defect_rate=0.02)
LIMIT = 0.05


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        chance.create_macros(connection, 1)
        truth.create(connection)
        yield connection


def messages(con: duckdb.DuckDBPyConnection, rows: int) -> None:
    con.execute(
        "create or replace temp table native as select 'CONSUME' as type, 'P100' as plant, "
        "'2026-01-07T08:00:00+01:00' as time, '2026-01-07T07:00:10Z' as enqueued, "
        "to_json({'id': 'MC' || i, 'material': '100' || i, 'qty': '5', 'uom': 'ST'}) as body "
        f"from range({rows}) as r (i)"
    )


def told(con: duckdb.DuckDBPyConnection, table: str = "finding") -> list[tuple[str, str]]:
    rows = con.execute(f"select finding_class, business_key from truth.{table} order by all").fetchall()
    return [(name, json.loads(key)["record"]) for name, key in rows]


def records(con: duckdb.DuckDBPyConnection) -> list[dict[str, object]]:
    rows = con.execute("select time, body from native").fetchall()
    return [{"time": time, **json.loads(body)} for time, body in rows]


def test_without_a_rate_every_feed_arrives_as_it_was_written(con: duckdb.DuckDBPyConnection) -> None:
    messages(con, 1000)
    before = con.execute("from native").fetchall()
    faults = FeedFaults(Options.of("small", defect_rate=0))
    for feed in (QUEUE, DROPS, RECIPES):
        tampering = faults.apply(con, *feed, "native")
        assert (tampering.lines, tampering.claimed_rows) == ((), None)
    assert con.execute("from native").fetchall() == before
    assert not told(con)


def test_nothing_true_is_lost_and_every_spoiled_record_is_another_one(con: duckdb.DuckDBPyConnection) -> None:
    messages(con, 1000)
    before = {json.loads(body)["id"]: body for (body,) in con.execute("select body from native").fetchall()}
    FeedFaults(OPTIONS).apply(con, *QUEUE, "native")
    first = {}
    for (body,) in con.execute("select body from native order by rowid").fetchall():
        first.setdefault(json.loads(body)["id"], body)
    assert {key: first[key] for key in before} == before


def test_each_kind_is_spoiled_as_its_class_says(con: duckdb.DuckDBPyConnection) -> None:
    messages(con, 1000)
    FeedFaults(OPTIONS).apply(con, *QUEUE, "native")
    by_id = {str(one["id"]): one for one in records(con)}
    spoiled = {name: by_id[record] for name, record in told(con) if name != "conflicting_event"}
    assert set(spoiled) == {kind.finding_class for kind in SPOILED}
    assert spoiled["unknown_unit"]["uom"] == "furlong"
    assert spoiled["not_castable"]["qty"] == "a dozen"
    assert "material" not in spoiled["missing_required"]
    assert spoiled["nonexistent_local_time"]["time"] == "2026-03-29T02:30:00"
    assert spoiled["ambiguous_local_time"]["time"] == "2026-10-25T02:30:00"


def test_rule_32_a_message_comes_twice_with_the_same_or_with_other_content(con: duckdb.DuckDBPyConnection) -> None:
    messages(con, 1000)
    FeedFaults(OPTIONS).apply(con, *QUEUE, "native")
    bodies: dict[str, list[str]] = {}
    for (body,) in con.execute("select body from native order by rowid").fetchall():
        bodies.setdefault(json.loads(body)["id"], []).append(body)
    conflicting = [record for name, record in told(con) if name == "conflicting_event"]
    repeated = [record for name, record in told(con, "near_miss") if name == "duplicated"]
    assert conflicting
    assert repeated
    assert all(len(bodies[one]) == 2 and bodies[one][0] != bodies[one][1] for one in conflicting)
    assert all(len(bodies[one]) == 2 and bodies[one][0] == bodies[one][1] for one in repeated)
    assert {one for one, found in bodies.items() if len(found) > 1} == {*conflicting, *repeated}


@pytest.mark.parametrize("rows", [ENOUGH_ROWS, 1000, 20_000])
@pytest.mark.parametrize("rate", [0.001, 0.01, 0.05])
def test_rule_33_what_is_spoiled_stays_below_the_feeds_limit(
    con: duckdb.DuckDBPyConnection, rows: int, rate: float
) -> None:
    messages(con, rows)
    FeedFaults(Options.of("small", defect_rate=rate)).apply(con, *QUEUE, "native")
    (total,) = con.execute("select count(*) from native").fetchall()
    assert len(told(con)) <= LIMIT * total[0]


def test_a_small_delivery_stays_whole(con: duckdb.DuckDBPyConnection) -> None:
    messages(con, ENOUGH_ROWS - 1)
    FeedFaults(OPTIONS).apply(con, *QUEUE, "native")
    assert len(records(con)) == ENOUGH_ROWS - 1
    assert not told(con)


def test_a_spoiled_line_is_told_by_its_mark(con: duckdb.DuckDBPyConnection) -> None:
    messages(con, ENOUGH_ROWS)
    tampering = FeedFaults(OPTIONS).apply(con, *DROPS, "native")
    ((name, mark),) = told(con)
    assert name == "malformed_row"
    assert mark in tampering.lines[0]


def test_rule_31_only_a_later_snapshot_is_short_and_the_first_one_is_whole(con: duckdb.DuckDBPyConnection) -> None:
    messages(con, 300)
    assert FeedFaults(OPTIONS).apply(con, *RECIPES, "native").claimed_rows is None
    outcomes: Counter[int | None] = Counter()
    options = OPTIONS
    for _ in range(20):
        options = options.later(1)
        outcomes[FeedFaults(options).apply(con, *RECIPES, "native").claimed_rows] += 1
    assert set(outcomes) <= {None, 307}
    assert outcomes[307] == len(told(con)) > 0


def test_the_same_delivery_goes_wrong_in_the_same_way(con: duckdb.DuckDBPyConnection) -> None:
    outcomes = []
    for _ in range(2):
        messages(con, 1000)
        truth.create(con)
        FeedFaults(OPTIONS).apply(con, *QUEUE, "native")
        outcomes.append((con.execute("from native").fetchall(), told(con), told(con, "near_miss")))
    assert outcomes[0] == outcomes[1]


def test_rule_05_hours_at_the_edge_of_daylight_saving_are_look_alikes(con: duckdb.DuckDBPyConnection) -> None:
    messages(con, 5)
    FeedFaults(OPTIONS).apply(con, *STOPS, "native")
    assert told(con) == []
    by_id = {str(one["id"]): one for one in records(con)}
    assert {name: by_id[record]["time"] for name, record in told(con, "near_miss")} == {
        name: since for name, (since, _) in EDGES.items()
    }
    assert len(by_id) == 5 + len(EDGES)


def test_rule_04_versions_of_an_order_come_newest_first_and_all_of_them(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "create or replace temp table native as select 'O' || (i // 3) as \"OrderNo\", "
        "'2026-01-07T07:00:' || lpad(cast(i as varchar), 2, '0') as \"WrittenUtc\" from range(60) as r (i)"
    )
    before = con.execute("from native").fetchall()
    FeedFaults(OPTIONS).apply(con, *ORDERS, "native")
    after = con.execute("from native").fetchall()
    assert sorted(before) == sorted(after)
    moved = {record for _, record in told(con, "near_miss")}
    assert moved
    for order in {str(number) for number, _ in after}:
        times = [time for number, time in after if number == order]
        assert times == sorted(times, reverse=order in moved)
