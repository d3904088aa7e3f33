"""Local times become instants as Python's own zone data has it; those that are none or two are told apart (rule 5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mfg_assets.ingest.zones import calendar, create_zone_table, zone_sql
from mfg_assets.settings import Settings
from tests.ingest_feed import Feed

ZONES = [
    "Europe/Berlin",
    "America/Los_Angeles",
    "America/Sao_Paulo",  # changed at midnight
    "Pacific/Apia",  # left out a whole day
    "Australia/Lord_Howe",  # changes by half an hour
    "Africa/Casablanca",  # goes back for Ramadan
    "Asia/Kolkata",
    "America/St_Johns",  # changed at one minute past midnight
    "UTC",
]


def instants(zone: str, local: datetime) -> set[datetime]:
    """Every instant at which clocks of the zone show this time, by trying both folds."""
    tz = ZoneInfo(zone)
    found = set()
    for fold in (0, 1):
        instant = local.replace(tzinfo=tz, fold=fold).astimezone(UTC)
        if instant.astimezone(tz).replace(tzinfo=None) == local:
            found.add(instant)
    return found


def convert(zone: str, times: list[datetime], gap: str = "reject", fold: str = "reject") -> list[tuple]:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        create_zone_table(connection, zone)
        sql = zone_sql("t.l", "z", zone, gap, fold)
        return connection.execute(
            f"select {sql.instant}, {sql.is_gap}, {sql.is_fold} "
            f"from (select unnest(?::timestamp[]) as l, unnest(range(?)) as n) as t {sql.join} order by n",
            [times, len(times)],
        ).fetchall()


def check(zone: str, times: list[datetime]) -> None:
    for local, (instant, is_gap, is_fold) in zip(times, convert(zone, times), strict=True):
        expected = instants(zone, local)
        assert (is_gap, is_fold) == (not expected, len(expected) == 2), (zone, local)
        assert instant == (expected.pop() if len(expected) == 1 else None), (zone, local)


@pytest.mark.parametrize("zone", ZONES)
def test_rule_05_every_quarter_hour_around_every_change_of_clocks(zone: str) -> None:
    windows = [d.window_start for d in calendar(zone).touched if 1990 <= d.day.year <= 2030]
    quarter = timedelta(minutes=15)
    times = [
        start + n * quarter + delta
        for start in windows
        for n in range(-8, 16)
        for delta in (timedelta(0), -quarter / 900)
    ]
    check(zone, times or [datetime(2025, 1, 1) + timedelta(hours=h) for h in range(9000)])


@given(
    zone=st.sampled_from(ZONES),
    times=st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2037, 12, 31)), min_size=1, max_size=20),
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_rule_05_any_local_time(zone: str, times: list[datetime]) -> None:
    check(zone, times)


@pytest.mark.parametrize("zone", [z for z in ZONES if z not in ("UTC", "Asia/Kolkata")])
def test_rule_05_a_gap_is_shifted_by_its_own_length(zone: str) -> None:
    gaps = [d for d in calendar(zone).touched if d.kind == "gap" and 1990 <= d.day.year <= 2030]
    times = [d.window_start for d in gaps if d.window_start]
    tz = ZoneInfo(zone)
    for (instant, *_), start in zip(convert(zone, times, gap="shift"), times, strict=True):
        # Python reads a skipped time with the offset before the change, which is the same shift.
        assert instant == start.replace(tzinfo=tz, fold=0).astimezone(UTC)


@pytest.mark.parametrize("zone", [z for z in ZONES if z not in ("UTC", "Asia/Kolkata")])
def test_rule_05_of_a_doubled_time_the_declared_one_is_taken(zone: str) -> None:
    times = [
        d.window_start
        for d in calendar(zone).touched
        if d.kind == "fold" and 1990 <= d.day.year <= 2030 and d.window_start
    ]
    earlier, later = convert(zone, times, fold="earlier"), convert(zone, times, fold="later")
    for local, (first, *_), (second, *_) in zip(times, earlier, later, strict=True):
        assert [first, second] == sorted(instants(zone, local))


@pytest.mark.parametrize(
    ("daylight", "landed"),
    [
        ({}, []),
        ({"gap": "shift"}, [("1", "01:30")]),
        ({"fold": "earlier"}, [("2", "00:30")]),
        ({"gap": "shift", "fold": "later"}, [("1", "01:30"), ("2", "01:30")]),
    ],
)
def test_rule_05_a_system_declares_what_doubled_and_skipped_times_mean(
    tmp_path: Path, settings: Settings, daylight: dict[str, str], landed: list[tuple[str, str]]
) -> None:
    feed = Feed(tmp_path, settings, system={"daylight_saving": daylight})
    feed.deliver(["1,A,1,EA,2025-03-30T02:30:00", "2,A,1,EA,2025-10-26T02:30:00"])
    feed.batch()
    assert feed.rows("event_id, strftime(event_at at time zone 'UTC', '%H:%M')") == landed
    reasons = {1: ["nonexistent_local_time"], 2: ["ambiguous_local_time"]}
    assert feed.reasons() == {row: why for row, why in reasons.items() if str(row) not in dict(landed)}


def test_rule_05_times_beyond_the_calendar_still_convert(tmp_path: Path, settings: Settings) -> None:
    feed = Feed(tmp_path, settings)
    feed.deliver(["1,A,1,EA,1965-07-01T12:00:00", "2,A,1,EA,2150-01-01T12:00:00"])
    feed.batch()
    assert feed.reasons() == {}
    assert feed.rows("strftime(event_at at time zone 'UTC', '%Y %H')") == [("1965 11",), ("2150 11",)]
