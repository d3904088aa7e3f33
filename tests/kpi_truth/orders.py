"""KPIs of orders: making, buying, selling, and what is reported of them.

Belongs here: what each is by its definition in docs/kpis.md. Doesn't belong here: reading the world (`__init__`).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.kpi_truth.measures import Rows, Truth, hours_between, percentiles, recent, share

LATENCY = timedelta(hours=1)


def schedule(cut: datetime, plants: dict[str, Any], operations: Rows) -> Truth:
    kept: dict[str, list[bool]] = defaultdict(list)
    for one in operations:
        if not recent(one["scheduled_end_at"], cut):
            continue
        zone = ZoneInfo(plants[one["plant_id"]]["timezone"])
        ended = one["actual_end_at"]
        kept[one["plant_id"]].append(
            ended is not None and ended.astimezone(zone).date() <= one["scheduled_end_at"].astimezone(zone).date()
        )
    return {("schedule_adherence", plant): share(each) for plant, each in kept.items()}


def answers(cut: datetime, orders: Rows, lines: Rows, answers: Rows) -> Truth:
    ordered = {one["purchase_order_number"]: one["ordered_at"] for one in orders}
    plant_of = {(one["purchase_order_number"], one["line_number"]): one["plant_id"] for one in lines}
    first: dict[tuple[str, str], datetime] = {}
    for one in answers:
        key = (one["purchase_order_number"], one["line_number"])
        first[key] = min(first.get(key, one["event_at"]), one["event_at"])
    waited: dict[str, list[float]] = defaultdict(list)
    for key, at in first.items():
        if key in plant_of and key[0] in ordered and recent(at, cut):
            waited[plant_of[key]].append(hours_between(ordered[key[0]], at))
    found: Truth = {}
    for plant, hours in waited.items():
        found |= percentiles("supplier_response_time", plant, hours, (50, 95))
    return found


def confirmations(cut: datetime, plants: dict[str, Any], reports: Rows, receipts: Rows) -> Truth:
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
                if seen >= event and recent(seen, cut):
                    waited[key[0]].append(hours_between(event, seen))
    found: Truth = {}
    for plant, hours in waited.items():
        found |= percentiles("confirmation_posting_time", plant, hours, (50, 95))
    return found


def notices(cut: datetime, notices: Rows, lines: Rows, movements: Rows) -> Truth:
    ordered = {(one["purchase_order_number"], one["line_number"], one["item_number"]) for one in lines}
    received = {
        (one["reference_number"], one["reference_line"])
        for one in movements
        if one["movement_class"] == "receipt" and one["reference_type"] == "purchase_order"
    }
    right: dict[str, list[bool]] = defaultdict(list)
    for one in notices:
        if not recent(one["shipped_at"], cut):
            continue
        line = (one["purchase_order_number"], one["purchase_order_line_number"])
        came = line in received or one["expected_at"] > cut
        right[one["plant_id"]].append((*line, one["item_number"]) in ordered and came)
    return {("asn_success_rate", plant): share(each) for plant, each in right.items()}


def pending(cut: datetime, reports: Rows) -> Truth:
    """In a right world each report is posted as soon as its interface lets it; older ones all are."""
    found: Truth = {}
    for plant in {one["plant_id"] for one in reports}:
        of_plant = [one for one in reports if one["plant_id"] == plant]
        late = [one for one in of_plant if one["erp_posting_reference"] is None and one["event_at"] <= cut - LATENCY]
        # The denominator is the plant's own row, without which a plant where nothing waits would have none, and theirs.
        found["confirmations_pending_posting", plant] = (len(late), 1 + len(late), len(late))
    return found


def fulfilment(cut: datetime, sold: Rows, shipped: Rows) -> Truth:
    # The warehouse and the carriers' system both hold a shipment.
    lines = {(one["shipment_number"], one["line_number"]): one for one in shipped}
    left: dict[tuple[str, str], Rows] = defaultdict(list)
    for one in lines.values():
        left[one["sales_order_number"], one["sales_order_line_number"]].append(one)
    right: dict[str, list[bool]] = defaultdict(list)
    for one in sold:
        if one["status"] == "cancelled" or not recent(one["promised_at"], cut):
            continue
        of_line = left[one["sales_order_number"], one["line_number"]]
        right[one["plant_id"]].append(
            sum(each["quantity"] for each in of_line) == one["quantity"]
            and all(each["item_number"] == one["item_number"] for each in of_line)
            and all(each["shipped_at"] <= one["promised_at"] for each in of_line)
        )
    return {("order_fulfilment_accuracy", plant): share(each) for plant, each in right.items()}
