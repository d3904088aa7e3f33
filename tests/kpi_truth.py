"""KPIs of a simulated estate worked out from what its systems hold, by loops over rows and not by the models' SQL.

Belongs here: what each KPI is by its definition in docs/kpis.md. Doesn't belong here: comparing (the tests).
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterable
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
LATENCY = timedelta(hours=1)
IN_ONE_UNIT = {
    "GRM": ("KGM", 0.001),
    "LBR": ("KGM", 0.45359237),
    "ONZ": ("KGM", 0.028349523125),
    "MMT": ("MTR", 0.001),
    "CMT": ("MTR", 0.01),
    "INH": ("MTR", 0.0254),
    "FOT": ("MTR", 0.3048),
    "MLT": ("LTR", 0.001),
}


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
        plants = {row["plant_id"]: row for row in rows("world.plant", "plant_id", "timezone", "erp", "mes", "wms")}
        lines = rows(
            "held.bom_line",
            *("source_system", "plant_id", "row_id", "engineering_change_in", "engineering_change_out", "visible_from"),
            where="plant_id is not null",
        )
        in_force = rows(
            "held.bom_line",
            *("source_system", "plant_id", "parent_item_number", "alternative", "component_item_number"),
            *("quantity", "unit", "is_fixed_quantity"),
            where=f"{now} and plant_id is not null and coalesce(effective_from <= timestamptz '{options.cut}', true) "
            f"and coalesce(effective_to > timestamptz '{options.cut}', true)",
        )
        other_units = {
            (one["item_number"], one["alternative_unit"]): one["numerator"] / one["denominator"]
            for one in rows("held.item_unit_conversion", "item_number", "alternative_unit", "numerator", "denominator")
        }
        base_units = {one["item_number"]: one["base_unit"] for one in rows("held.item", "item_number", "base_unit")}
        headers = rows(
            "held.bom_header",
            *("source_system", "plant_id", "parent_item_number", "alternative", "base_quantity"),
            where=now,
        )
        sold = rows(
            "held.sales_order_line",
            *("sales_order_number", "line_number", "plant_id", "item_number", "quantity", "promised_at", "status"),
            where=now,
        )
        shipped = rows(
            "held.shipment",
            *("shipment_number", "line_number", "sales_order_number", "sales_order_line_number"),
            *("item_number", "quantity", "shipped_at"),
            where=f"{now} and shipped_at is not null",
        )
        changes = rows("held.engineering_change", "change_number", "status", "raised_at", "released_at", where=now)
        told = rows(
            "held.engineering_change_plant",
            *("change_number", "plant_id", "is_applicable", "release_gate", "planned_effective_from"),
            where=now,
        )
        operations = rows("held.production_operation", "plant_id", "scheduled_end_at", "actual_end_at", where=now)
        orders = rows("held.purchase_order", "purchase_order_number", "ordered_at", where=now)
        order_lines = rows(
            "held.purchase_order_line", "purchase_order_number", "line_number", "plant_id", "item_number", where=now
        )
        answers = rows(
            "held.purchase_order_acknowledgement", "purchase_order_number", "line_number", "event_at", where=now
        )
        reports = rows(
            "held.production_confirmation",
            *("source_system", "plant_id", "production_order_number", "operation_sequence", "yield_quantity"),
            *("event_at", "visible_from", "erp_posting_reference"),
            where=now,
        )
        notices = rows(
            "held.advance_ship_notice",
            *("purchase_order_number", "purchase_order_line_number", "item_number", "plant_id"),
            *("shipped_at", "expected_at"),
            where=now,
        )
        movements = rows(
            "held.inventory_movement",
            *("source_system", "event_id", "from_plant_id", "to_plant_id", "item_number", "quantity"),
            *("movement_class", "reference_type", "reference_number", "reference_line", "event_at", "visible_from"),
            *("from_location", "from_lot", "from_status", "from_ownership"),
            *("to_location", "to_lot", "to_status", "to_ownership"),
            where=now,
        )
        suppliers = rows("held.supplier", "supplier_number", "tax_id", "duns_number", where=now)
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

    def in_base_unit(item: str, unit: str) -> float:
        """How many of an item's base unit one of another unit is."""
        if (item, unit) in other_units:
            return float(other_units[item, unit])
        (kind, factor), (base, of_base) = (IN_ONE_UNIT.get(one, (one, 1)) for one in (unit, base_units[item]))
        through = 1 if kind == base else float(other_units[item, kind])
        return factor * through / (of_base if kind == base else 1)

    found: Truth = {}
    cut = options.cut
    found |= _latency(cut, events)
    found |= _changes(cut, plants, changes, told, lines)
    found |= _schedule(cut, plants, operations)
    found |= _answers(cut, orders, order_lines, answers)
    found |= _confirmations(cut, plants, reports, receipts)
    found |= _stock(cut, plants, movements)
    found |= _notices(cut, notices, order_lines, movements)
    found |= _pending(cut, reports)
    found |= _suppliers(suppliers)
    found |= _positions(plants, movements)
    found |= _bills(plants, in_force, headers, in_base_unit)
    found |= _fulfilment(cut, sold, shipped)
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
    return {("schedule_adherence", plant): _share(each) for plant, each in kept.items()}


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


def _stock(cut: datetime, plants: dict[str, Any], movements: Rows) -> Truth:
    """By what the simulation knows: a movement has one id, from which an ERP that counts by itself makes its own."""
    posted = {(one["source_system"], one["event_id"]): one for one in movements}
    waited: dict[str, list[float]] = defaultdict(list)
    for one in movements:
        # What goes from plant to plant is posted at both.
        for plant in {one["from_plant_id"], one["to_plant_id"]} - {None}:
            if one["source_system"] != plants[plant]["wms"]:
                continue
            own = "MD" + hashlib.md5(one["event_id"].encode(), usedforsecurity=False).hexdigest()[:18]
            erp = plants[plant]["erp"]
            there = posted.get((erp, one["event_id"])) or posted.get((erp, own))
            if there and there["visible_from"] >= one["event_at"] and _recent(there["visible_from"], cut):
                waited[plant].append(_hours(one["event_at"], there["visible_from"]))
    found: Truth = {}
    for plant, hours in waited.items():
        found |= _percentiles("stock_posting_time", plant, hours, (50, 95))
    return found


def _positions(plants: dict[str, Any], movements: Rows) -> Truth:
    """Whatever ever lay anywhere is a position, by the sums of what each side posted."""
    lies: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(lambda: defaultdict(int))
    for one in movements:
        for side, sign in (("from", -1), ("to", 1)):
            if one[f"{side}_plant_id"] is not None:
                where = (one[f"{side}_{name}"] for name in ("plant_id", "location", "lot", "status", "ownership"))
                lies[one["item_number"], *where][one["source_system"]] += sign * one["quantity"]
    alike: dict[str, list[bool]] = defaultdict(list)
    for (_, plant, *_), systems in lies.items():
        alike[plant].append(systems[plants[plant]["erp"]] == systems[plants[plant]["wms"]])
    return {("inventory_record_accuracy_by_count", plant): _share(each) for plant, each in alike.items()}


def _notices(cut: datetime, notices: Rows, lines: Rows, movements: Rows) -> Truth:
    ordered = {(one["purchase_order_number"], one["line_number"], one["item_number"]) for one in lines}
    received = {
        (one["reference_number"], one["reference_line"])
        for one in movements
        if one["movement_class"] == "receipt" and one["reference_type"] == "purchase_order"
    }
    right: dict[str, list[bool]] = defaultdict(list)
    for one in notices:
        if not _recent(one["shipped_at"], cut):
            continue
        line = (one["purchase_order_number"], one["purchase_order_line_number"])
        came = line in received or one["expected_at"] > cut
        right[one["plant_id"]].append((*line, one["item_number"]) in ordered and came)
    return {("asn_success_rate", plant): _share(each) for plant, each in right.items()}


def _pending(cut: datetime, reports: Rows) -> Truth:
    """In a right world each report is posted as soon as its interface lets it; older ones all are."""
    found: Truth = {}
    for plant in {one["plant_id"] for one in reports}:
        of_plant = [one for one in reports if one["plant_id"] == plant]
        late = [one for one in of_plant if one["erp_posting_reference"] is None and one["event_at"] <= cut - LATENCY]
        # The denominator is the plant's own row, without which a plant where nothing waits would have none, and theirs.
        found["confirmations_pending_posting", plant] = (len(late), 1 + len(late), len(late))
    return found


def _suppliers(suppliers: Rows) -> Truth:
    """A firm has one tax number, in whatever system."""
    numbers: dict[str, set[str]] = defaultdict(set)
    for one in suppliers:
        numbers[one["tax_id"] or one["supplier_number"]].add(one["supplier_number"])
    every = {one["supplier_number"] for one in suppliers}
    double = {number for each in numbers.values() if len(each) > 1 for number in each}
    return {("supplier_duplication_rate", None): (len(double), len(every), len(double) / len(every))}


def _bills(plants: dict[str, Any], lines: Rows, headers: Rows, in_base_unit: Callable[[str, str], float]) -> Truth:
    """What ERP and MES of a plant hold of each component of each assembly today, for one piece and in one unit."""
    pieces = {
        (one["source_system"], one["plant_id"], one["parent_item_number"], one["alternative"]): one["base_quantity"]
        for one in headers
    }
    held: dict[tuple[str, str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in lines:
        key = (one["plant_id"], one["parent_item_number"], one["component_item_number"])
        bill = (one["source_system"], one["plant_id"], one["parent_item_number"], one["alternative"])
        of = 1 if one["is_fixed_quantity"] else pieces[bill] or 1
        quantity = float(one["quantity"] / of) * in_base_unit(one["component_item_number"], one["unit"])
        held[key][one["source_system"]].append(quantity)
    alike: dict[str, list[bool]] = defaultdict(list)
    of_assembly: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for (plant, assembly, _), systems in held.items():
        erp, mes = (sorted(systems[plants[plant][kind]]) for kind in ("erp", "mes"))
        same = len(erp) == len(mes) and all(math.isclose(*pair, rel_tol=1e-5) for pair in zip(erp, mes, strict=True))
        alike[plant].append(same)
        of_assembly[plant, assembly].append(same)
    found: Truth = {("bom_synchronisation_accuracy", plant): _share(each) for plant, each in alike.items()}
    for plant in alike:
        whole = [all(each) for (where, _), each in of_assembly.items() if where == plant]
        found["revision_adoption_rate", plant] = _share(whole)
        found["revision_mismatch_rate", plant] = _share([not one for one in whole])
    return found


def _fulfilment(cut: datetime, sold: Rows, shipped: Rows) -> Truth:
    # The warehouse and the carriers' system both hold a shipment.
    lines = {(one["shipment_number"], one["line_number"]): one for one in shipped}
    left: dict[tuple[str, str], Rows] = defaultdict(list)
    for one in lines.values():
        left[one["sales_order_number"], one["sales_order_line_number"]].append(one)
    right: dict[str, list[bool]] = defaultdict(list)
    for one in sold:
        if one["status"] == "cancelled" or not _recent(one["promised_at"], cut):
            continue
        of_line = left[one["sales_order_number"], one["line_number"]]
        right[one["plant_id"]].append(
            sum(each["quantity"] for each in of_line) == one["quantity"]
            and all(each["item_number"] == one["item_number"] for each in of_line)
            and all(each["shipped_at"] <= one["promised_at"] for each in of_line)
        )
    return {("order_fulfilment_accuracy", plant): _share(each) for plant, each in right.items()}


def _share(each: list[bool]) -> tuple[float, float, float]:
    return sum(each), len(each), sum(each) / len(each)


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
