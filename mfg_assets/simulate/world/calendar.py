"""Working time: the plants' days as one axis of whole seconds, and the instants they stand for.

All flows are planned and carried out on this axis, so that "two working days earlier" is a subtraction. Master data
and what moves on the axis belong elsewhere.

A working day has `DAY` seconds: 06:00 to 10:30 and 11:30 to 21:00, local time, Monday to Friday. Nothing happens in
the nights and in the long break, which is when the deliveries are cut (04:00 UTC is a night in Europe and America and
the break in Vietnam): what one system has told another is there before the cut, unless a defect delays it.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.options import Options
from mfg_assets.warehouse.sql import literal

DAY = 14 * 3600
DAYS_AHEAD = 400
"""Calendar days after the cut for which the zones' clocks are known: more than any plan looks ahead."""

BEFORE = 100
"""Working days on the axis before the week of the start: orders may have been placed before the first delivery."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Where the start and the cut of a world lie.

    Attributes:
        origin: Monday on which tick 0 lies.
        first_tick: Tick of the first working day on or after the start.
        cut_tick: Tick up to which the world is made: so far after the cut that whatever announces itself before it (a
            requisition before its order, a pick before its shipment) is there.
        cut: Instant of the delivery, UTC.
    """

    origin: date
    first_tick: int
    cut_tick: int
    cut: datetime


def calendar(options: Options) -> Calendar:
    """The axis of a world; where it begins depends on the start alone, so a later horizon moves nothing."""
    monday = options.start - timedelta(days=options.start.weekday())
    origin = monday - timedelta(weeks=BEFORE // 5)
    end = options.start + timedelta(days=options.days + options.advanced_days)
    cut = datetime(end.year, end.month, end.day, 4, tzinfo=UTC)
    return Calendar(
        origin=origin,
        first_tick=_workday(options.start, origin) * DAY,
        cut_tick=(_workday(end + timedelta(days=1), origin) + 2) * DAY,
        cut=cut,
    )


def _workday(day: date, origin: date) -> int:
    weeks, rest = divmod((day - origin).days, 7)
    return weeks * 5 + min(rest, 5)


def create_macros(con: DuckDBPyConnection, axis: Calendar) -> None:
    """Make `instant(tick, timezone)` (TIMESTAMPTZ) and `working_day(tick)` (DATE) in the connection.

    Args:
        con: has world.plant, whose time zones `instant` knows; it is null for any other.
        axis: of the world.
    """
    con.execute("set TimeZone = 'UTC'")
    con.execute(
        f"""
        create or replace macro working_day(tick) as
            date '{axis.origin.isoformat()}' + cast((tick // {DAY}) // 5 * 7 + (tick // {DAY}) % 5 as integer)
        """
    )
    # Asking for the zone's rules in each row is a hundred times as dear as adding what they say; clocks change at
    # night, when nothing happens.
    offsets = " ".join(
        f"when {literal(zone)} then {_offset_cases(con, axis, zone)}"
        for (zone,) in con.execute("select distinct timezone from world.plant order by timezone").fetchall()
    )
    con.execute(
        f"""
        create or replace macro instant(tick, zone) as make_timestamptz(1000000 * cast(
            epoch(working_day(tick)) + 21600 + tick % {DAY} + case when tick % {DAY} >= 16200 then 3600 else 0 end
            - case zone {offsets} end as bigint
        ))
        """
    )


def _offset_cases(con: DuckDBPyConnection, axis: Calendar, zone: str) -> str:
    """SQL of the zone's seconds ahead of UTC at a tick, from the days on which they change."""
    days = axis.cut_tick // DAY // 5 * 7 + DAYS_AHEAD
    changes = con.execute(
        """
        with noons as (
            select cast(unnest(range(
                $origin::timestamp, $origin::timestamp + to_days($days), interval 1 day
            )) as date) as day
        ),
        offsets as (
            select
                day,
                cast(
                    epoch(day + interval 12 hour) - epoch(timezone($zone, day + interval 12 hour)) as bigint
                ) as seconds
            from noons
        )
        select cast(day - $origin::date as integer), seconds from offsets
        qualify seconds is distinct from lag(seconds) over (order by day)
        order by day desc
        """,
        {"origin": axis.origin, "days": days, "zone": zone},
    ).fetchall()
    # the first change is the axis' own beginning; a day's number on the axis counts weeks of five days
    cases = "".join(
        f"when tick >= {(day // 7 * 5 + min(day % 7, 5)) * DAY} then {seconds} " for day, seconds in changes[:-1]
    )
    first = changes[-1][1]
    return f"case {cases} else {first} end" if cases else str(first)
