"""What calculations of KPIs share: rows, the window, and how a share, a time and a percentile are worked out.

Belongs here: plain arithmetic. Doesn't belong here: what a KPI is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

Rows = list[dict[str, Any]]
Truth = dict[tuple[str, str | None], tuple[float, float, float]]
"""Numerator, denominator and value of a KPI at a plant, None for all."""

WINDOW = timedelta(days=30)


def share(each: list[bool]) -> tuple[float, float, float]:
    """How many hold, of how many."""
    return sum(each), len(each), sum(each) / len(each)


def recent(at: datetime | None, cut: datetime) -> bool:
    """Whether an instant lies in the window."""
    return at is not None and cut - WINDOW < at <= cut


def hours_between(earlier: datetime, later: datetime) -> float:
    """Hours between two instants, to whole seconds as systems write them."""
    return max(0, math.floor(later.timestamp()) - math.floor(earlier.timestamp())) / 3600


def percentiles(kpi: str, plant: str | None, hours: Iterable[float], percents: tuple[int, ...]) -> Truth:
    """Rows of percentiles of a measure; none where nothing was measured."""
    each = sorted(hours)
    if not each:
        return {}
    found: Truth = {}
    for percent in percents:
        place = (len(each) - 1) * percent / 100
        low = math.floor(place)
        high = min(low + 1, len(each) - 1)
        value = each[low] + (each[high] - each[low]) * (place - low)
        found[f"{kpi}_p{percent}", plant] = (sum(each), len(each), value)
    return found
