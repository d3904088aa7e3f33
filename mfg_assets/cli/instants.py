"""Instants as people type them.

Belongs here: reading `--as-of`, `--until`, `--on`. Doesn't belong here: timestamps from extracts (ingest).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mfg_assets.errors import Problem, UsageError

_FIX = "use a date such as 2025-03-01, or an instant such as 2025-03-01T06:00:00+01:00"


def parse(text: str, zones: Collection[str], option: str = "--as-of") -> datetime:
    """An instant in UTC.

    Args:
        text: ISO 8601; a date means its first instant; `now`.
        zones: the plants' zones, in one of which a text without an offset is read; UTC when there are none.
        option: as it was typed, for the error.

    Raises:
        UsageError: not an instant, or one without an offset where the plants' zones differ (rule 5: never guess).
    """
    if text.strip().lower() == "now":
        return datetime.now(UTC)
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(Problem(f"{option}: {text!r} is not an instant", fix=_FIX)) from None
    if instant.tzinfo is not None:
        return _in_utc(instant, text, option)
    names = sorted(set(zones)) or ["UTC"]
    if len(names) > 1:
        raise UsageError(
            Problem(
                f"{option}: {text!r} has no offset, and the plants lie in different time zones ({', '.join(names)})",
                fix="add the offset, such as 2025-03-01T00:00:00+01:00, or choose one plant with --plant",
            )
        )
    zone = ZoneInfo(names[0])
    earlier, later = instant.replace(tzinfo=zone, fold=0), instant.replace(tzinfo=zone, fold=1)
    if earlier.utcoffset() != later.utcoffset():
        raise UsageError(
            Problem(
                f"{option}: {text!r} happens twice or never in {names[0]}, where the clocks change then",
                fix="add the offset that is meant",
            )
        )
    return _in_utc(earlier, text, option)


def _in_utc(instant: datetime, text: str, option: str) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise UsageError(Problem(f"{option}: {text!r} is out of range", fix=_FIX)) from None
