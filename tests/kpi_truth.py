"""KPIs of a simulated estate worked out from what its systems hold, by loops over rows and not by the models' SQL.

Belongs here: what each KPI is by its definition in docs/kpis.md. Doesn't belong here: comparing (the tests).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mfg_assets.settings import Settings
from mfg_assets.simulate import simulation
from mfg_assets.simulate.options import Options
from mfg_assets.warehouse.session import connect

Rows = list[dict[str, Any]]
Truth = dict[tuple[str, str | None], tuple[float, float, float]]
"""Numerator, denominator and value of a KPI at a plant, None for all."""

WINDOW = timedelta(days=30)


def kpis(options: Options, folder: Path) -> Truth:
    """Build the world once more and count."""
    with connect(Settings(home=folder), folder / "simulated.duckdb", keep_order=True) as con:
        simulation.build(con, options)

        def rows(table: str, *columns: str, where: str = "true") -> Rows:
            found = con.execute(f"select {', '.join(columns)} from {table} where {where}").fetchall()
            return [dict(zip(columns, values, strict=True)) for values in found]

        now = (
            f"visible_from <= timestamptz '{options.cut}' and coalesce(visible_to > timestamptz '{options.cut}', true)"
        )
        plants = {row["plant_id"]: row for row in rows("world.plant", "plant_id", "timezone", "erp", "mes")}
        lines = rows(
            "held.bom_line",
            *("source_system", "plant_id", "row_id", "engineering_change_in", "engineering_change_out", "visible_from"),
            where="plant_id is not null",
        )
        changes = rows("held.engineering_change", "change_number", "status", "raised_at", "released_at", where=now)
        told = rows(
            "held.engineering_change_plant",
            *("change_number", "plant_id", "is_applicable", "release_gate", "planned_effective_from"),
            where=now,
        )
        operations = rows("held.production_operation", "plant_id", "scheduled_end_at", "actual_end_at", where=now)
        orders = rows("held.purchase_order", "purchase_order_number", "ordered_at", where=now)
        order_lines = rows("held.purchase_order_line", "purchase_order_number", "line_number", "plant_id", where=now)
        answers = rows(
            "held.purchase_order_acknowledgement", "purchase_order_number", "line_number", "event_at", where=now
        )
        reports = rows(
            "held.production_confirmation",
            *("source_system", "plant_id", "production_order_number", "operation_sequence", "yield_quantity"),
            *("event_at", "visible_from"),
            where=now,
        )
        receipts = rows(
            "held.inventory_movement",
            *("source_system", "to_plant_id", "reference_number", "event_at", "visible_from"),
            where=f"{now} and movement_class = 'receipt' and reference_type = 'production_order'",
        )

        events = [
            row
            for entity in ("inventory_movement", "production_confirmation", "material_consumption")
            for row in rows(f"held.{entity}", "event_at", "visible_from", where=now)
        ]

    found: Truth = {}
    cut = options.cut
    found |= _latency(cut, events)
    found |= _changes(cut, plants, changes, told, lines)
    found |= _schedule(cut, plants, operations)
    found |= _answers(cut, orders, order_lines, answers)
    found |= _confirmations(cut, plants, reports, receipts)
    return found


def _changes(cut: datetime, plants: dict[str, Any], changes: Rows, told: Rows, lines: Rows) -> Truth:
    # when a system had the last line of a change
    first: dict[tuple[str, str, str, str], datetime] = {}
    for line in lines:
        number = line["engineering_change_in"] or line["engineering_change_out"]
        if number:
            key = (number, line["plant_id"], line["source_system"], line["row_id"])
            first[key] = min(first.get(key, line["visible_from"]), line["visible_from"])
    known: dict[tuple[str, str, str], datetime] = {}
    for (number, plant, system, _), at in first.items():
        known[number, plant, system] = max(known.get((number, plant, system), at), at)

    by_number = {change["change_number"]: change for change in changes}
    legs: dict[tuple[str, str], list[float]] = defaultdict(list)
    in_force: dict[str, list[datetime | None]] = defaultdict(list)
    for row in told:
        change, plant = by_number[row["change_number"]], row["plant_id"]
        if not row["is_applicable"] or change["status"] != "released":
            continue
        erp = known.get((row["change_number"], plant, plants[plant]["erp"]))
        mes = known.get((row["change_number"], plant, plants[plant]["mes"]))
        day = row["planned_effective_from"]
        waits = row["release_gate"] == "deferred" or day is None or day > cut
        in_force[row["change_number"]].append(None if waits else max(filter(None, (day, erp, mes))))
        if erp and _recent(erp, cut):
            legs["change_release_to_erp_time", plant].append(_hours(change["released_at"], erp))
        if erp and mes and _recent(mes, cut):
            legs["change_erp_to_mes_time", plant].append(_hours(erp, mes))
        if erp and mes and _recent(max(erp, mes), cut):
            legs["change_propagation_time", plant].append(_hours(change["released_at"], max(erp, mes)))
    found: Truth = {}
    for (kpi, plant), hours in legs.items():
        found |= _percentiles(kpi, plant, hours, (50, 90))
    cycles = [
        _hours(by_number[number]["raised_at"], max(filter(None, days)))
        for number, days in in_force.items()
        if None not in days and _recent(max(filter(None, days)), cut)
    ]
    return found | _percentiles("change_cycle_time", None, cycles, (50, 90))


def _schedule(cut: datetime, plants: dict[str, Any], operations: Rows) -> Truth:
    kept: dict[str, list[bool]] = defaultdict(list)
    for one in operations:
        if not _recent(one["scheduled_end_at"], cut):
            continue
        zone = ZoneInfo(plants[one["plant_id"]]["timezone"])
        ended = one["actual_end_at"]
        kept[one["plant_id"]].append(
            ended is not None and ended.astimezone(zone).date() <= one["scheduled_end_at"].astimezone(zone).date()
        )
    return {
        ("schedule_adherence", plant): (sum(each), len(each), sum(each) / len(each)) for plant, each in kept.items()
    }


def _answers(cut: datetime, orders: Rows, lines: Rows, answers: Rows) -> Truth:
    ordered = {one["purchase_order_number"]: one["ordered_at"] for one in orders}
    plant_of = {(one["purchase_order_number"], one["line_number"]): one["plant_id"] for one in lines}
    first: dict[tuple[str, str], datetime] = {}
    for one in answers:
        key = (one["purchase_order_number"], one["line_number"])
        first[key] = min(first.get(key, one["event_at"]), one["event_at"])
    waited: dict[str, list[float]] = defaultdict(list)
    for key, at in first.items():
        if key in plant_of and key[0] in ordered and _recent(at, cut):
            waited[plant_of[key]].append(_hours(ordered[key[0]], at))
    found: Truth = {}
    for plant, hours in waited.items():
        found |= _percentiles("supplier_response_time", plant, hours, (50, 95))
    return found


def _confirmations(cut: datetime, plants: dict[str, Any], reports: Rows, receipts: Rows) -> Truth:
    last: dict[tuple[str, str], int] = {}
    for one in reports:
        key = (one["plant_id"], one["production_order_number"])
        last[key] = max(last.get(key, 0), one["operation_sequence"])
    told: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for one in reports:
        key = (one["plant_id"], one["production_order_number"])
        if one["operation_sequence"] == last[key] and one["yield_quantity"] > 0:
            told[key].append(one["event_at"])
    posted: dict[tuple[str, str], list[tuple[datetime, datetime]]] = defaultdict(list)
    for one in receipts:
        if one["source_system"] == plants[one["to_plant_id"]]["erp"]:
            posted[one["to_plant_id"], one["reference_number"]].append((one["event_at"], one["visible_from"]))
    waited: dict[str, list[float]] = defaultdict(list)
    for key, events in told.items():
        there = sorted(posted.get(key, []))
        if len(there) == len(events):
            for event, (_, seen) in zip(sorted(events), there, strict=True):
                if seen >= event and _recent(seen, cut):
                    waited[key[0]].append(_hours(event, seen))
    found: Truth = {}
    for plant, hours in waited.items():
        found |= _percentiles("confirmation_posting_time", plant, hours, (50, 95))
    return found


def _latency(cut: datetime, events: Rows) -> Truth:
    hours = [
        _hours(one["event_at"], one["visible_from"])
        for one in events
        if _recent(one["visible_from"], cut) and one["event_at"] <= one["visible_from"]
    ]
    return _percentiles("message_latency", None, hours, (50, 95))


def _recent(at: datetime | None, cut: datetime) -> bool:
    return at is not None and cut - WINDOW < at <= cut


def _hours(earlier: datetime, later: datetime) -> float:
    # whole seconds, as systems write them
    return max(0, math.floor(later.timestamp()) - math.floor(earlier.timestamp())) / 3600


def _percentiles(kpi: str, plant: str | None, hours: Iterable[float], percents: tuple[int, ...]) -> Truth:
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
