"""KPIs of engineering changes and of the bills that they end in.

Belongs here: what each is by its definition in docs/kpis.md. Doesn't belong here: reading the world (`__init__`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.kpi_truth.measures import Rows, Truth, hours_between, percentiles, recent, share


def changes(cut: datetime, plants: dict[str, Any], changes: Rows, told: Rows, lines: Rows) -> Truth:
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
        if erp and recent(erp, cut):
            legs["change_release_to_erp_time", plant].append(hours_between(change["released_at"], erp))
        if erp and mes and recent(mes, cut):
            legs["change_erp_to_mes_time", plant].append(hours_between(erp, mes))
        if erp and mes and recent(max(erp, mes), cut):
            legs["change_propagation_time", plant].append(hours_between(change["released_at"], max(erp, mes)))
    found: Truth = {}
    for (kpi, plant), hours in legs.items():
        found |= percentiles(kpi, plant, hours, (50, 90))
    cycles = [
        hours_between(by_number[number]["raised_at"], max(filter(None, days)))
        for number, days in in_force.items()
        if None not in days and recent(max(filter(None, days)), cut)
    ]
    if cycles:
        # nobody takes anything in hand where nothing is wrong
        found["changes_propagated_without_intervention", None] = (len(cycles), len(cycles), 1)
    return found | percentiles("change_cycle_time", None, cycles, (50, 90))


def bills(plants: dict[str, Any], lines: Rows, headers: Rows, in_base_unit: Callable[[str, str], float]) -> Truth:
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
    found: Truth = {("bom_synchronisation_accuracy", plant): share(each) for plant, each in alike.items()}
    for plant in alike:
        whole = [all(each) for (where, _), each in of_assembly.items() if where == plant]
        found["revision_adoption_rate", plant] = share(whole)
        found["revision_mismatch_rate", plant] = share([not one for one in whole])
    return found


def purchases(cut: datetime, changes: Rows, told: Rows, lines: Rows, bought: Rows) -> Truth:
    """Open order lines of what recent changes touch; wrong are those that come when nothing needs it any more."""
    recently = {
        one["change_number"] for one in changes if one["status"] == "released" and recent(one["released_at"], cut)
    }
    of_plant: dict[tuple[str, str], Rows] = defaultdict(list)
    for line in lines:
        of_plant[line["plant_id"], line["component_item_number"]].append(line)
    last_day: dict[tuple[str, str], datetime | None] = {}
    for row in told:
        if row["change_number"] not in recently or not row["is_applicable"] or row["release_gate"] == "deferred":
            continue
        number, day = row["change_number"], row["planned_effective_from"]
        for (plant, item), uses in of_plant.items():
            old = [one for one in uses if one["change_out"] == number]
            new = [one for one in uses if one["change_in"] == number]
            if plant != row["plant_id"] or not (old or new):
                continue
            others = [
                one
                for one in uses
                if one["change_out"] != number
                and (one["effective_from"] is None or one["effective_from"] <= day)
                and (one["effective_to"] is None or one["effective_to"] > day)
            ]
            goes = day if old and not new and not others else None
            before = last_day.get((plant, item))
            last_day[plant, item] = min(filter(None, (before, goes)), default=None)
    late: dict[str, list[bool]] = defaultdict(list)
    for one in bought:
        key = (one["plant_id"], one["item_number"])
        if key in last_day and (one["status"] or "open") in ("draft", "pending", "approved", "open"):
            day = last_day[key]
            late[one["plant_id"]].append(day is not None and one["due_at"] is not None and one["due_at"] >= day)
    return {("purchase_order_exception_rate_after_revision", plant): share(each) for plant, each in late.items()}
