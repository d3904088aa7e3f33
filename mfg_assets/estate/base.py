"""What all models of the estate are made of: identifiers, instants, durations, and the class that refuses unknown keys.

Belongs here: types that several models share. Doesn't belong here: the models (`models`, `releases`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, WithJsonSchema

SystemKind = Literal["plm", "erp", "mes", "wms", "tms", "qms", "procurement", "scheduling"]
Severity = Literal["critical", "high", "medium", "low", "info"]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
PlantId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]{0,31}$")]

_DURATION = re.compile(r"^(\d+)\s*(m|h|d)$")
_DURATION_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _known_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"{value!r} is not an IANA time zone such as Europe/Berlin")
    return value


def duration(value: Any) -> Any:
    """A text such as 26h as a timedelta; anything else as it is, for pydantic to refuse."""
    if isinstance(value, str):
        match = _DURATION.match(value.strip())
        if match is None:
            raise ValueError(f"{value!r} is not a duration such as 30m, 26h or 7d")
        return timedelta(**{_DURATION_UNITS[match[2]]: int(match[1])})
    return value


def _instant(value: Any) -> Any:
    if not isinstance(value, str | datetime):
        raise ValueError(f"{value!r} is not an instant such as 2026-04-05T04:00:00+00:00")
    try:
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(value.strip())
    except ValueError:
        raise ValueError(f"{value!r} is not an instant such as 2026-04-05T04:00:00+00:00") from None
    if instant.tzinfo is None:
        raise ValueError(f"{value!r} has no offset: which instant it is depends on the place; add one such as +00:00")
    return instant.astimezone(UTC)


TimeZone = Annotated[
    str, AfterValidator(_known_zone), WithJsonSchema({"type": "string", "examples": ["UTC", "Europe/Berlin"]})
]
Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\d+\s*[mhd]\s*$", "examples": ["30m", "26h", "7d"]}),
]

Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-04-05T04:00:00+00:00"]}),
]


class Model(BaseModel):
    """Base of all estate models: unknown keys are refused, instances can't change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
