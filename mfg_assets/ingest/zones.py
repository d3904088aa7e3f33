"""Local times and their instants (rule 5): a zone's days with their offsets, and the times that clocks skip or repeat.

Belongs here: the calendar of a zone as a small table, and the SQL that applies it to a whole column.
Doesn't belong here: recognising a time in a text (`cast`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import duckdb

from mfg_assets.warehouse.sql import identifier

ZONE_TABLE = "__zone"
# Local times outside these years are converted by the database's own time-zone library, which is slower by far.
FIRST_YEAR, LAST_YEAR = 1970, 2100
_DAY = timedelta(days=1)
_FIRST = datetime(FIRST_YEAR, 1, 1) - 2 * _DAY


@dataclass(frozen=True)
class ZoneDay:
    """A local day that a change of clocks touches; `offset` in seconds holds before it, `offset_after` after it.

    Local times in `[window_start, window_end)` don't exist (`gap`) or exist twice (`fold`); from `window_end` on,
    `offset_after` holds.
    """

    day: date
    offset: int
    window_start: datetime
    window_end: datetime
    offset_after: int
    kind: Literal["gap", "fold"]


@dataclass(frozen=True)
class Calendar:
    """A zone from FIRST_YEAR to LAST_YEAR.

    `starts` are (local time, offset): the offset holds from there on, in order; `touched` are the days of a change.
    """

    starts: tuple[tuple[datetime, int], ...]
    touched: tuple[ZoneDay, ...]


@lru_cache(maxsize=64)
def calendar(zone: str) -> Calendar:
    """The calendar of a zone."""
    touched: dict[date, ZoneDay] = {}
    starts = [(_FIRST, _offset(ZoneInfo(zone), _FIRST))]
    for instant, before, after in _changes(ZoneInfo(zone)):
        local_before, local_after = (instant + timedelta(seconds=s) for s in (before, after))
        kind: Literal["gap", "fold"] = "gap" if after > before else "fold"
        start, end = min(local_before, local_after), max(local_before, local_after)
        day = start.date()
        while datetime.combine(day, datetime.min.time()) < end:
            midnight = datetime.combine(day, datetime.min.time())
            touched[day] = ZoneDay(day, before, max(start, midnight), min(end, midnight + _DAY), after, kind)
            day += _DAY
        starts.append((end, after))
    return Calendar(tuple(starts), tuple(touched.values()))


def create_zone_table(connection: duckdb.DuckDBPyConnection, zone: str) -> None:
    """Put the calendar of a zone into the session, one row per local day."""
    found = calendar(zone)
    starts = [list(column) for column in zip(*found.starts, strict=True)]
    days = [
        [d.day for d in found.touched],
        [d.offset for d in found.touched],
        [d.window_start for d in found.touched],
        [d.window_end for d in found.touched],
        [d.offset_after for d in found.touched],
        [d.kind for d in found.touched],
    ]
    connection.execute(
        f"""
        create or replace temp table {ZONE_TABLE} as
        with starts as (select unnest(?::timestamp[]) as begins, unnest(?::bigint[]) as seconds),
        touched as (
            select unnest(?::date[]) as day, unnest(?::bigint[]) as seconds_before,
                unnest(?::timestamp[]) as window_start, unnest(?::timestamp[]) as window_end,
                unnest(?::bigint[]) as seconds_after, unnest(?::varchar[]) as kind
        ),
        days as (
            select cast(r.day as date) as day
            from range(timestamp '{FIRST_YEAR}-01-01', timestamp '{LAST_YEAR + 1}-01-01', interval 1 day) as r (day)
        )
        select
            d.day, coalesce(t.seconds_before, s.seconds) as seconds_before, t.window_start, t.window_end,
            t.seconds_after, t.kind
        from days as d
        asof join starts as s on cast(d.day as timestamp) >= s.begins
        left join touched as t on d.day = t.day
        """,
        [*starts, *days],
    )


@dataclass(frozen=True)
class ZoneSql:
    """How to read a column of local times.

    `join` adds the calendar under an alias; `instant` gives TIMESTAMPTZ or null; `is_gap` and `is_fold` are conditions.
    """

    join: str
    instant: str
    is_gap: str
    is_fold: str


def zone_sql(local: str, alias: str, zone: str, gap: str, fold: str) -> ZoneSql:
    """SQL for a column of local times.

    Args:
        local: SQL of the local TIMESTAMP.
        alias: for the joined calendar, unique within the query.
        zone: IANA name.
        gap: `reject` or `shift` (forward, by the length of the gap).
        fold: `reject`, `earlier` or `later`.
    """
    if zone == "UTC":
        return ZoneSql("", f"make_timestamptz(epoch_us({local}))", "false", "false")
    z = identifier(alias)

    def at(seconds: str) -> str:
        return f"make_timestamptz(epoch_us({local}) - {z}.{seconds} * 1000000)"

    in_window = f"({local} >= {z}.window_start and {local} < {z}.window_end)"
    # Reading a skipped time with the offset before the change moves it forward by exactly the gap.
    in_gap = at("seconds_before") if gap == "shift" else "null"
    in_fold = {"reject": "null", "earlier": at("seconds_before"), "later": at("seconds_after")}[fold]
    return ZoneSql(
        join=f"left join {ZONE_TABLE} as {z} on cast({local} as date) = {z}.day",
        instant=(
            f"case when {z}.day is null then timezone('{zone}', {local}) "
            f"when {z}.window_start is null or {local} < {z}.window_start then {at('seconds_before')} "
            f"when {local} >= {z}.window_end then {at('seconds_after')} "
            f"when {z}.kind = 'gap' then {in_gap} else {in_fold} end"
        ),
        is_gap="false" if gap == "shift" else f"coalesce({z}.kind = 'gap' and {in_window}, false)",
        is_fold="false" if fold != "reject" else f"coalesce({z}.kind = 'fold' and {in_window}, false)",
    )


def local_instant(zone: str, local: datetime) -> datetime:
    """The instant of one local time; of a doubled one the earlier, a skipped one moved forward."""
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _changes(zone: ZoneInfo) -> list[tuple[datetime, int, int]]:
    """All changes of offset as (UTC instant without zone, seconds before, seconds after)."""
    found = []
    # No zone changes its offset twice within a week.
    step = timedelta(days=7)
    at = datetime(FIRST_YEAR, 1, 1) - step
    before = _offset(zone, at)
    while at.year <= LAST_YEAR:
        following = at + step
        after = _offset(zone, following)
        if after != before:
            low, high = at, following
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
                if _offset(zone, middle) == before:
                    low = middle
                else:
                    high = middle
            found.append((high, before, after))
            before = after
        at = following
    return found


def _offset(zone: ZoneInfo, utc: datetime) -> int:
    offset = utc.replace(tzinfo=UTC).astimezone(zone).utcoffset()
    return int((offset or timedelta()).total_seconds())
