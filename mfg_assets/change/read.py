"""Where plants are with changes, and what a change touches, from the published tables.

Belongs here: reading them into plain data. Doesn't belong here: what would be if (`what_if`), printing (cli).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

# Milestones in the order in which they come about; several may stand at one instant.
_MILESTONES = (
    ("raised_at", "raised", None),
    ("approved_at", "approved", None),
    ("released_at", "released", "released_evidence"),
    ("applicable_at", "meant for the plant", "applicable_evidence"),
    ("ready_at", "ready", "ready_evidence"),
    ("erp_observed_at", "in ERP", "erp_evidence"),
    ("mes_observed_at", "in MES", "mes_evidence"),
    ("effective_from", "first day", None),
    ("erp_held_until", "out of ERP again", None),
    ("mes_held_until", "out of MES again", None),
    ("procurement_aligned_at", "procurement aligned", "procurement_evidence"),
    ("stock_disposed_at", "stock disposed", "stock_evidence"),
)


@dataclass(frozen=True)
class Event:
    """One milestone of a change at a plant: the instant (UTC), its name, the system, and the records that show it."""

    at: datetime
    milestone: str
    system: str | None
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class ChangeAtPlant:
    """A change at a plant, as engineering_change_plant_status has it; `row` holds all of its columns."""

    row: dict[str, object]
    events: tuple[Event, ...]

    def text(self, column: str) -> str:
        """A column as text, empty where it is null."""
        value = self.row.get(column)
        return "" if value is None else str(value)

    def list(self, column: str) -> tuple[str, ...]:
        """A list column."""
        value = self.row.get(column)
        return tuple(str(one) for one in value) if isinstance(value, list) else ()


@dataclass(frozen=True)
class Touched:
    """What a change touches of one kind and relation, added up over its objects; value only where one currency is."""

    object_type: str
    item_number: str
    relation: str
    suggested_action: str
    objects: int
    quantity: Decimal
    unit: str | None
    value: Decimal | None
    currency: str | None


@dataclass(frozen=True)
class RunOut:
    """When a plant runs out of a component that goes out."""

    item_number: str
    unit: str | None
    available: Decimal
    ordered: Decimal
    used_per_day: Decimal
    run_out_date: date | None
    left_at_effectivity: Decimal | None


@dataclass(frozen=True)
class OldOrder:
    """An order that was started after a change and still made or took the old."""

    production_order_number: str
    made_revision: str | None
    released_revision: str | None
    started_at: datetime | None
    is_finished: bool
    old_components: tuple[str, ...]
    scrap_quantity: Decimal
    rework_quantity: Decimal
    unit: str | None


def at_plants(
    connection: duckdb.DuckDBPyConnection,
    *,
    change_number: str | None = None,
    plant: str | None = None,
    statuses: Sequence[str] = (),
    reason: str | None = None,
) -> list[ChangeAtPlant]:
    """Changes at plants that meet all given conditions, by number and plant."""
    cursor = connection.execute(
        """
        select * from engineering_change_plant_status
        where ($change is null or change_number = $change)
            and ($plant is null or plant_id = $plant)
            and (len($statuses) = 0 or list_contains($statuses, status))
            and ($reason is null or list_contains(blocking_reasons, $reason))
        order by change_number, plant_id
        """,
        {"change": change_number, "plant": plant, "statuses": list(statuses), "reason": reason},
    )
    columns = [column[0] for column in cursor.description or ()]
    found = []
    for values in cursor.fetchall():
        row = dict(zip(columns, values, strict=True))
        found.append(ChangeAtPlant(row, _events(row)))
    return found


def _events(row: dict[str, object]) -> tuple[Event, ...]:
    events = []
    for place, (column, name, evidence) in enumerate(_MILESTONES):
        instant = row.get(column)
        if not isinstance(instant, datetime):
            continue
        shown = row.get(evidence) if evidence else None
        records = tuple(str(one) for one in shown) if isinstance(shown, list) else ((str(shown),) if shown else ())
        kind = name.split(" ")[-1] if name.startswith("in ") else name.split(" ")[2] if "out of" in name else ""
        system = row.get(f"{kind.lower()}_system") if kind in ("ERP", "MES") else None
        events.append((instant, place, Event(instant, name, None if system is None else str(system), records)))
    return tuple(event for *_, event in sorted(events, key=lambda one: one[:2]))


def numbers_like(connection: duckdb.DuckDBPyConnection, number: str, *, most: int = 5) -> list[str]:
    """Change numbers spelt nearly so, nearest first."""
    rows = connection.execute(
        """
        select change_number
        from (select distinct change_number from engineering_change_plant_status)
        where jaro_winkler_similarity(upper(change_number), upper($number)) >= 0.8
            or contains(upper(change_number), upper($number))
        order by jaro_winkler_similarity(upper(change_number), upper($number)) desc, change_number
        limit $most
        """,
        {"number": number, "most": most},
    ).fetchall()
    return [row[0] for row in rows]


def touched(connection: duckdb.DuckDBPyConnection, change_number: str, plant: str) -> list[Touched]:
    """What the change touches at the plant, the components first."""
    rows = connection.execute(
        """
        select
            object_type, item_number, relation, suggested_action, count(*), sum(quantity), any_value(unit),
            case when count(distinct currency) = 1 then sum(value) end,
            case when count(distinct currency) = 1 then any_value(currency) end
        from engineering_change_impact
        where change_number = $change and plant_id = $plant
        group by object_type, item_number, relation, suggested_action
        order by
            case relation when 'component' then 1 when 'assembly' then 2 else 3 end, item_number, object_type,
            suggested_action
        """,
        {"change": change_number, "plant": plant},
    ).fetchall()
    return [Touched(*row) for row in rows]


def run_outs(connection: duckdb.DuckDBPyConnection, change_number: str, plant: str) -> list[RunOut]:
    """When the plant runs out of what goes out."""
    rows = connection.execute(
        """
        select item_number, unit, available_quantity, ordered_quantity, used_per_day, run_out_date, left_at_effectivity
        from engineering_change_run_out
        where change_number = $change and plant_id = $plant
        order by item_number
        """,
        {"change": change_number, "plant": plant},
    ).fetchall()
    return [RunOut(*row) for row in rows]


def orders_on_old(connection: duckdb.DuckDBPyConnection, change_number: str, plant: str) -> list[OldOrder]:
    """Orders that were started after the change and still made or took the old."""
    rows = connection.execute(
        """
        select production_order_number, made_revision, released_revision, started_at, is_finished,
            old_components_taken, scrap_quantity, rework_quantity, unit
        from order_on_superseded_revision
        where change_number = $change and plant_id = $plant
        order by started_at, production_order_number
        """,
        {"change": change_number, "plant": plant},
    ).fetchall()
    return [
        OldOrder(number, made, released, started, finished, tuple(taken or ()), scrap, rework, unit)
        for number, made, released, started, finished, taken, scrap, rework, unit in rows
    ]
