"""What a change that doesn't exist yet would touch: one component taken out of a plant's bills for another.

Belongs here: the question and its answer from the published state. Doesn't belong here: printing (cli).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from mfg_assets.bom import Question, Total, read_structure, where_used

if TYPE_CHECKING:
    import duckdb

_SUPPLY = ("purchase_order_line", "purchase_requisition", "reservation", "stock")
# Days of the past whose use tells what is used a day: as in engineering_change_run_out.
_USAGE_DAYS = 28


@dataclass(frozen=True)
class Check:
    """One thing that has to be there before the change, whether it is, and what is missing."""

    name: str
    is_met: bool
    detail: str


@dataclass(frozen=True)
class Object:
    """An open object that the change would touch, with what would have to be done about it."""

    object_type: str
    object_key: str
    item_number: str
    relation: str
    object_status: str | None
    due_at: datetime | None
    quantity: Decimal
    unit: str | None
    value: Decimal | None
    currency: str | None
    suggested_action: str


@dataclass(frozen=True)
class Replacement:
    """The answer.

    Attributes:
        assemblies: what takes the old component on that day, directly or through others, with how much one piece holds.
        objects: everything open of the old component, and open orders and stock of what holds it.
        checks: of the new component, at the plant.
        run_out_date: day on which stock and orders of the old are used up at the rate of the last weeks; None where it
            isn't used.
        left_on_day: what is left of it on the day at that rate.
    """

    old_item: str
    new_item: str
    plant_id: str
    on: datetime
    assemblies: tuple[Total, ...]
    direct: frozenset[str]
    objects: tuple[Object, ...]
    checks: tuple[Check, ...]
    available: Decimal
    ordered: Decimal
    used_per_day: Decimal
    run_out_date: date | None
    left_on_day: Decimal


def replace(
    connection: duckdb.DuckDBPyConnection, question: Question, new_item: str, as_of: datetime, zone: str
) -> Replacement:
    """What taking one component out for another would touch.

    Args:
        connection: the published state.
        question: the old component, the plant and the first instant of the change.
        new_item: what takes its place.
        as_of: the present of the published state.
        zone: IANA zone of the plant's days.
    """
    old_item, plant = question.item, question.plant_id
    structure = read_structure(connection, question, is_down=False)
    walk = where_used(structure, old_item)
    assemblies = tuple(total for total in walk.totals() if total.item != old_item)
    direct = frozenset(edge.parent for edge in structure.edges if edge.component == old_item)
    objects = _objects(connection, old_item, plant, question.as_of, {total.item for total in assemblies})
    supply = [o for o in objects if o.item_number == old_item]
    available = _available(connection, old_item, plant)
    ordered = sum((o.quantity for o in supply if o.object_type == "purchase_order_line"), Decimal(0))
    used = _used_per_day(connection, old_item, plant)
    days_ahead = max(0, (question.as_of - as_of).days)
    return Replacement(
        old_item=old_item,
        new_item=new_item,
        plant_id=plant,
        on=question.as_of,
        assemblies=assemblies,
        direct=direct,
        objects=tuple(objects),
        checks=tuple(_checks(connection, old_item, new_item, plant, question, {t.item for t in assemblies})),
        available=available,
        ordered=ordered,
        used_per_day=used,
        run_out_date=_run_out(available + ordered, used, as_of, zone),
        left_on_day=max(Decimal(0), available + ordered - used * days_ahead),
    )


def _objects(
    connection: duckdb.DuckDBPyConnection, old_item: str, plant: str, on: datetime, above: set[str]
) -> list[Object]:
    rows = connection.execute(
        """
        with called as (
            select distinct production_order_number
            from open_object
            where plant_id = $plant and item_number = $old
                and object_type in ('order_component', 'issued_component')
        )
        select
            object_type, object_key, item_number,
            case when item_number = $old then 'component' else 'above' end as relation,
            object_status, due_at, quantity, unit, value, currency,
            case
                when object_type = 'stock' and item_number = $old then case ownership when 'own' then 'use_up'
                    else 'return' end
                when object_type in ('stock', 'issued_component') or due_at < $on then 'use_up'
                when object_type = 'production_order' then case when is_started then 'rework' else 'reschedule' end
                else 'cancel'
            end as suggested_action
        from open_object
        where plant_id = $plant
            and (
                (item_number = $old and list_contains($supply || ['issued_component'], object_type))
                or (list_contains($above, item_number) and (object_type = 'stock' or (
                    object_type = 'production_order'
                    and (due_at >= $on or production_order_number in (select production_order_number from called)))))
            )
        order by relation desc, object_type, item_number, due_at nulls first, object_key
        """,
        {"plant": plant, "old": old_item, "on": on, "supply": list(_SUPPLY), "above": sorted(above)},
    ).fetchall()
    return [Object(*row) for row in rows]


def _available(connection: duckdb.DuckDBPyConnection, item: str, plant: str) -> Decimal:
    row = connection.execute(
        "select coalesce(sum(available), 0) from inventory_state where item_number = $item and plant_id = $plant",
        {"item": item, "plant": plant},
    ).fetchone()
    return Decimal(row[0]) if row else Decimal(0)


def _used_per_day(connection: duckdb.DuckDBPyConnection, item: str, plant: str) -> Decimal:
    row = connection.execute(
        "select used_per_day from component_usage where item_number = $item and plant_id = $plant",
        {"item": item, "plant": plant},
    ).fetchone()
    return row[0] if row else Decimal(0)


def _run_out(there: Decimal, used_per_day: Decimal, as_of: datetime, zone: str) -> date | None:
    from zoneinfo import ZoneInfo

    if there <= 0:
        return as_of.astimezone(ZoneInfo(zone)).date()
    if used_per_day <= 0:
        return None
    days = (there / used_per_day).to_integral_value(ROUND_CEILING)
    # More days than a calendar has is no date.
    return (as_of + timedelta(days=int(days))).astimezone(ZoneInfo(zone)).date() if days < 36500 else None


def _checks(
    connection: duckdb.DuckDBPyConnection,
    old_item: str,
    new_item: str,
    plant: str,
    question: Question,
    above: set[str],
) -> list[Check]:
    row = connection.execute(
        """
        select
            (select any_value(lifecycle_status) from item where item_number = $new),
            (select any_value(base_unit) from item where item_number = $new),
            (select any_value(base_unit) from item where item_number = $old),
            (select any_value(item_type) from item where item_number = $new),
            (select count(*) from item_plant where item_number = $new and plant_id = $plant),
            (
                select count(*) from approved_manufacturer
                where item_number = $new and (plant_id is null or plant_id = $plant)
                    and coalesce(status, 'approved') in ('approved', 'conditional')
                    and (effective_from is null or effective_from <= $on)
                    and (effective_to is null or effective_to > $on)
            )
        """,
        {"new": new_item, "old": old_item, "plant": plant, "on": question.as_of},
    ).fetchone()
    lifecycle, new_unit, old_unit, item_type, masters, sources = row or (None,) * 6
    holds_it = sorted(above & _below(connection, question, new_item)) + ([new_item] if new_item in above else [])
    checks = [
        Check("item_master", bool(masters), "" if masters else f"{new_item} has no master data at {plant}."),
        Check(
            "lifecycle",
            lifecycle in (None, "active"),
            "" if lifecycle in (None, "active") else f"{new_item} is {lifecycle}.",
        ),
        Check(
            "unit",
            new_unit == old_unit,
            "" if new_unit == old_unit else f"{old_item} counts in {old_unit}, {new_item} in {new_unit}.",
        ),
    ]
    if item_type in (None, "bought"):
        detail = "" if sources else f"Nobody is approved to make {new_item} for {plant} on that day."
        checks.append(Check("approved_source", bool(sources), detail))
    cycle = f"{new_item} would hold itself through {', '.join(holds_it)}." if holds_it else ""
    checks.append(Check("no_cycle", not holds_it, cycle))
    return checks


def _below(connection: duckdb.DuckDBPyConnection, question: Question, item: str) -> set[str]:
    from dataclasses import replace as with_values

    structure = read_structure(connection, with_values(question, item=item), is_down=True)
    return {edge.component for edge in structure.edges}
