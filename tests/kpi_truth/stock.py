"""KPIs of stock, of messages about it, and of suppliers' numbers.

Belongs here: what each is by its definition in docs/kpis.md. Doesn't belong here: reading the world (`__init__`).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import datetime
from typing import Any

from tests.kpi_truth.measures import Rows, Truth, hours_between, percentiles, recent, share


def stock(cut: datetime, plants: dict[str, Any], movements: Rows) -> Truth:
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
            if there and there["visible_from"] >= one["event_at"] and recent(there["visible_from"], cut):
                waited[plant].append(hours_between(one["event_at"], there["visible_from"]))
    found: Truth = {}
    for plant, hours in waited.items():
        found |= percentiles("stock_posting_time", plant, hours, (50, 95))
    return found


def positions(plants: dict[str, Any], movements: Rows, costs: Rows) -> Truth:
    """Whatever ever lay anywhere is a position, by the sums of what each side posted; its value is what lies there."""
    lies: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(lambda: defaultdict(int))
    for one in movements:
        for side, sign in (("from", -1), ("to", 1)):
            if one[f"{side}_plant_id"] is not None:
                where = (one[f"{side}_{name}"] for name in ("plant_id", "location", "lot", "status", "ownership"))
                lies[one["item_number"], *where][one["source_system"]] += sign * one["quantity"]
    cost = {(one["source_system"], one["plant_id"], one["item_number"]): one["standard_cost"] for one in costs}
    alike: dict[str, list[bool]] = defaultdict(list)
    worth: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    for (item, plant, *_), systems in lies.items():
        erp, wms = (systems[plants[plant][kind]] for kind in ("erp", "wms"))
        alike[plant].append(erp == wms)
        value = max(abs(erp), abs(wms)) * (cost.get((plants[plant]["erp"], plant, item)) or 0)
        worth[plant].append((erp == wms, float(value)))
    found: Truth = {("inventory_record_accuracy_by_count", plant): share(each) for plant, each in alike.items()}
    for plant, each in worth.items():
        right, every = sum(value for same, value in each if same), sum(value for _, value in each)
        found["inventory_record_accuracy_by_value", plant] = (right, every, right / every)
    return found


def latency(cut: datetime, events: Rows) -> Truth:
    hours = [
        hours_between(one["event_at"], one["visible_from"])
        for one in events
        if recent(one["visible_from"], cut) and one["event_at"] <= one["visible_from"]
    ]
    return percentiles("message_latency", None, hours, (50, 95))


def suppliers(suppliers: Rows) -> Truth:
    """A firm has one tax number, in whatever system."""
    numbers: dict[str, set[str]] = defaultdict(set)
    for one in suppliers:
        numbers[one["tax_id"] or one["supplier_number"]].add(one["supplier_number"])
    every = {one["supplier_number"] for one in suppliers}
    double = {number for each in numbers.values() if len(each) > 1 for number in each}
    return {("supplier_duplication_rate", None): (len(double), len(every), len(double) / len(every))}
