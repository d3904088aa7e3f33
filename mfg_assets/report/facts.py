"""What the report says, read from one published version.

Belongs here: questions to published tables. Doesn't belong here: drawing and HTML.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect

Rows = list[dict[str, Any]]

# KPIs on top of the page: title, and whether more is better. Those that no run has computed are left out.
HEADLINES = {
    "bom_synchronisation_accuracy": ("BOM lines alike in all systems", True),
    "revision_adoption_rate": ("Structures as released", True),
    "inventory_record_accuracy_by_count": ("Stock positions right", True),
    "schedule_adherence": ("Operations on their day", True),
    "confirmations_pending_posting": ("Confirmations not posted", False),
    "asn_success_rate": ("Ship notices that came true", True),
    "record_rejection_rate": ("Records refused", False),
    "exceptions_within_service_level": ("Exceptions mended in time", True),
}
TOP = 25
_OPEN = "state not in ('resolved', 'accepted')"


@dataclass(frozen=True)
class Headline:
    """One big number over all plants. `change` is against the last day that has one, `since`; None where none has."""

    kpi: str
    title: str
    value: float
    unit: str
    change: float | None
    since: date | None
    more_is_better: bool

    @property
    def is_better(self) -> bool | None:
        """Whether it moved the right way; None where it didn't move."""
        return None if not self.change else (self.change > 0) == self.more_is_better


@dataclass(frozen=True)
class Facts:
    """Everything on the page. Rows are plain values, times as UTC datetimes."""

    version: str
    as_of: datetime
    published_at: datetime
    headlines: list[Headline] = field(default_factory=list)
    matrix: Rows = field(default_factory=list)
    by_role: Rows = field(default_factory=list)
    by_age: Rows = field(default_factory=list)
    trend: Rows = field(default_factory=list)
    feeds: Rows = field(default_factory=list)
    urgent: Rows = field(default_factory=list)
    open_exceptions: int = 0
    overdue: int = 0


def gather(settings: Settings, version: Path, as_of: datetime, published_at: datetime) -> Facts:
    """Read a version's folder. Tables that it doesn't have leave their part of the page out.

    Args:
        settings: limits of the session.
        version: the version's folder.
        as_of: the instant that the version describes.
        published_at: when it was published.
    """
    with connect(settings, version / "marts.duckdb", read_only=True) as connection:
        tables = {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
        found: dict[str, Any] = {}
        if "exception" in tables:
            found |= _exceptions(connection, as_of)
        if "kpi" in tables:
            found |= {"headlines": _headlines(connection), "trend": _rows(connection, _TREND, [list(HEADLINES)])}
        if "batch_manifest" in tables:
            found["feeds"] = _rows(connection, _FEEDS)
    return Facts(version=version.name, as_of=as_of, published_at=published_at, **found)


def _exceptions(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> dict[str, Any]:
    counted = connection.execute(
        f"select count(*), count(*) filter (due_at <= ?) from exception where {_OPEN}", [as_of]
    ).fetchone()
    return {
        "matrix": _rows(connection, _MATRIX),
        "by_role": _rows(connection, _BY_ROLE),
        "by_age": _rows(connection, _BY_AGE, [as_of, as_of, as_of]),
        "urgent": [row | {"about": _about(row["business_key"])} for row in _rows(connection, _URGENT, [as_of, TOP])],
        "open_exceptions": counted[0] if counted else 0,
        "overdue": counted[1] if counted else 0,
    }


def _about(business_key: str) -> str:
    """A business key in words, without the plant, which has a column of its own."""
    parts = json.loads(business_key)
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None and name != "plant_id")


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, values: list[Any] | None = None) -> Rows:
    cursor = connection.execute(sql, values or [])
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _headlines(connection: duckdb.DuckDBPyConnection) -> list[Headline]:
    found = {row["kpi"]: row for row in _rows(connection, _TOTALS, [list(HEADLINES)])}
    return [
        Headline(
            kpi,
            title,
            row["value"],
            row["unit"],
            row["value"] - row["before"] if row["before"] is not None else None,
            row["since"],
            better,
        )
        for kpi, (title, better) in HEADLINES.items()
        if (row := found.get(kpi)) and row["value"] is not None
    ]


# Of each plant its newest day, as one run may fall on two days around the world, and the last day before that it has.
# Rates are made anew from their parts; what is counted is summed.
_TOTALS = """
    with numbered as (
        select *, row_number() over (partition by kpi, plant_id order by day desc) as position
        from kpi
        where breakdown is null and product_family is null and kpi in (select unnest(?))
    ),
    totals as (
        select
            kpi,
            position,
            any_value(unit) as unit,
            max(day) as day,
            count(*) as plants,
            case
                when any_value(unit) <> 'ratio' then sum(value)
                when sum(denominator) > 0 then sum(numerator) / sum(denominator)
            end::double as value
        from numbered
        where position <= 2
        group by all
    )
    select newest.kpi, newest.unit, newest.value, earlier.value as before, earlier.day as since
    from totals as newest
    left join totals as earlier
        on newest.kpi = earlier.kpi and earlier.position = 2 and earlier.plants = newest.plants
    where newest.position = 1
"""
_TREND = """
    select kpi, coalesce(plant_id, 'all') as plant, day, value::double as value, unit
    from kpi
    where breakdown is null and product_family is null and kpi in (select unnest(?)) and value is not null
    order by all
"""
_MATRIX = f"""
    select
        coalesce(plant_id, 'all') as plant,
        domain,
        count(*) as exceptions,
        count(*) filter (severity in ('critical', 'high')) as urgent
    from exception
    where {_OPEN}
    group by all
    order by all
"""
_BY_ROLE = f"""
    select coalesce(owner_role, 'nobody') as role, severity, count(*) as exceptions
    from exception
    where {_OPEN}
    group by all
    order by all
"""
_BY_AGE = f"""
    select
        case
            when first_seen_at > ?::timestamptz - interval '1 day' then '1 under a day'
            when first_seen_at > ?::timestamptz - interval '3 days' then '2 up to three days'
            when first_seen_at > ?::timestamptz - interval '7 days' then '3 up to a week'
            else '4 longer'
        end as age,
        severity,
        count(*) as exceptions
    from exception
    where {_OPEN}
    group by all
    order by all
"""
_URGENT = f"""
    select
        severity, domain, class, coalesce(plant_id, '') as plant, business_key, coalesce(owner_role, '') as role,
        coalesce(assignee, '') as assignee, state, due_at, due_at <= ? as is_overdue, value_at_stake, currency,
        suggested_action, exception_id
    from exception
    where {_OPEN} and severity <> 'info'
    order by
        list_position(['critical', 'high', 'medium', 'low'], severity),
        due_at nulls last,
        value_at_stake desc nulls last,
        exception_id
    limit ?
"""
_FEEDS = """
    select
        source_system as system,
        count(distinct extract_name) as feeds,
        count(*) as batches,
        count(*) filter (state = 'refused') as refused,
        sum(rows_received)::bigint as received,
        sum(rows_rejected)::bigint as rejected,
        max(extracted_at) filter (state = 'landed') as newest
    from batch_manifest
    group by all
    order by all
"""
