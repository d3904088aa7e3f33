"""Local times and days as ERP systems write them, so that every instant can be told again.

Belongs here: SQL from instants to texts. Doesn't belong here: reading them back (landing does, by
the estate's zone).

A clock that goes back shows an hour twice. The first time it is written like any other time, which the estate reads as
`fold: earlier`; the second time the text has its offset, as ISO 8601.
"""

from __future__ import annotations

from mfg_assets.simulate.export.native import with_offset
from mfg_assets.warehouse.sql import literal

# Months in which clocks of Europe and North America go back; elsewhere nothing needs a second look.
_AUTUMN = "(10, 11)"


def local_time(expression: str, zone: str, pattern: str | None = None) -> str:
    """A local time; in ISO 8601 without `pattern`, with its fraction of a second if there is one."""
    local = f"timezone({literal(zone)}, {expression})"
    earlier = f"timezone({literal(zone)}, {expression} - interval 1 hour)"
    if pattern is None:
        text = f"cast({local} as varchar)"
    else:
        fraction = f"case when microsecond({local}) % 1000000 = 0 then '' else '.' || strftime({local}, '%f') end"
        text = f"strftime({local}, {literal(pattern)}) || {fraction}"
    is_second = f"month({expression}) in {_AUTUMN} and {local} = {earlier}"
    return f"case when {is_second} then {with_offset(expression, literal(zone))} else {text} end"


def local_day(expression: str, zone: str, day: str, time: str | None = None) -> str:
    """The day alone for an instant at local midnight, the time for any other; patterns as `local_time` has them."""
    local = f"timezone({literal(zone)}, {expression})"
    midnight = f"{local} = date_trunc('day', {local})"
    return f"case when {midnight} then strftime({local}, {literal(day)}) else {local_time(expression, zone, time)} end"


def inclusive_end(expression: str, zone: str, day: str, time: str) -> str:
    """The last day of a period whose end is exclusive; a time a day earlier for an end within a day."""
    before = f"(timezone({literal(zone)}, {expression}) - interval 1 day)"
    return (
        f"case when {before} = date_trunc('day', {before}) then strftime({before}, {literal(day)}) "
        f"else strftime({before}, {literal(time)}) end"
    )
