"""KPIs that only a wrong world shows, counted from what was planted in it.

Belongs here: what each is by its definition in docs/kpis.md, from `ground_truth` and from what systems hold. Doesn't
belong here: KPIs of a right world (`changes`, `orders`, `stock`).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from ruamel.yaml import YAML

from mfg_assets.simulate import truth
from tests.kpi_truth.measures import Rows, Truth, share

NOT_HELD = frozenset(
    {
        *("overdue", "partial_update", "target_unavailable", "deviated"),
        *("unit_incompatible", "effectivity_conflict", "unauthorised_change"),
    }
)
"""What is planted of a change and leaves one of the plant's systems without it, or with something else."""

REFUSED = frozenset({"short_snapshot", "refused_batch"})


def findings(out: Path) -> Rows:
    """What was planted and is in force, with its key."""
    with duckdb.connect() as connection:
        path = out / truth.FOLDER / truth.FINDINGS
        found = connection.execute(
            "select domain, finding_class, plant_id, business_key from read_parquet(?)", [str(path)]
        )
        return [
            {"domain": domain, "class": name, "plant_id": plant, **json.loads(key)}
            for domain, name, plant, key in found.fetchall()
        ]


def interfaces(out: Path, planted: Rows) -> Truth:
    """Of a first delivery: each extract of a system once, but for those that were cut short on their way.

    Documents are deliveries of their own: one of a partner and day.
    """
    refused = Counter(one["source_system"] for one in planted if one["class"] in REFUSED)
    found: Truth = {}
    for file in sorted((out / "systems").glob("*.yaml")):
        documents = len(list((out / "extracts" / file.stem).glob("EDI*")))
        names = [name for name in YAML(typ="safe").load(file)["extracts"] if not (documents and name.endswith("_edi"))]
        extracts = len(names) + documents
        landed = extracts - refused[file.stem]
        found["interface_success_rate", file.stem] = (landed, extracts, landed / extracts)
    return found


def rejections(planted: Rows) -> dict[str, int]:
    """Records of a feed that no contract allows; of feeds whose delivery was refused nothing is said."""
    records = [(f"{one['source_system']}.{one['entity']}", one) for one in planted if one["domain"] == "record"]
    refused = {feed for feed, one in records if one["class"] in REFUSED}
    count = Counter(feed for feed, _ in records)
    return {feed: rejected for feed, rejected in count.items() if feed not in refused}


def reconciliation(planted: Rows, plants: dict[str, Any], movements: Rows) -> Truth:
    """Each planted difference is reported once, stock below zero by each that says so.

    What both say, the ledger of every event once says too.
    """
    lies: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(lambda: defaultdict(int))
    for one in movements:
        for side, sign in (("from", -1), ("to", 1)):
            if (plant := one[f"{side}_plant_id"]) is not None:
                where = (one[f"{side}_{name}"] for name in ("location", "lot", "status"))
                key = (plant, one["item_number"], *where, one[f"{side}_ownership"] or "own")
                lies[key][one["source_system"]] += sign * one["quantity"]
    causes: dict[str, list[bool]] = defaultdict(list)
    for one in planted:
        if one["domain"] != "inventory":
            continue
        times = 1
        if one["class"] == "negative_balance":
            names = ("plant_id", "item_number", "location", "lot_number", "stock_status", "ownership")
            systems = lies[tuple(one[name] for name in names)]
            below = {kind: systems[plants[one["plant_id"]][kind]] < 0 for kind in ("erp", "wms")}
            times = sum(below.values()) + all(below.values())
        causes[one["plant_id"]] += [one["class"] != "unexplained"] * times
    return {("inventory_reconciliation_rate", plant): share(each) for plant, each in causes.items()}


def blocked_orders(
    cut: datetime, planted: Rows, plants: dict[str, Any], told: Rows, changed: Rows, orders: Rows, costs: Rows
) -> Truth:
    """Open orders, not begun, of assemblies whose change is in force and not held by a system of their plant."""
    broken = {
        (one["plant_id"], one["change_number"])
        for one in planted
        if one["domain"] == "change" and one["class"] in NOT_HELD
    }
    assembly = {one["change_number"]: one["parent_item_number"] for one in changed if one["parent_item_number"]}
    waiting = {
        (one["plant_id"], assembly[one["change_number"]])
        for one in told
        if (one["plant_id"], one["change_number"]) in broken
        and one["is_applicable"]
        and one["release_gate"] != "deferred"
        and one["planned_effective_from"] is not None
        and one["planned_effective_from"] <= cut
    }
    cost = {(one["source_system"], one["plant_id"], one["item_number"]): one["standard_cost"] for one in costs}
    found: Truth = {}
    for plant, row in plants.items():
        of_plant = [
            one
            for one in orders
            if one["source_system"] == row["erp"]
            and one["plant_id"] == plant
            and (plant, one["item_number"]) in waiting
            and one["status"] in ("planned", "released")
            and one["actual_start_at"] is None
        ]
        value = sum(
            max(one["quantity"] - (one["completed_quantity"] or 0) - (one["scrapped_quantity"] or 0), 0)
            * cost[row["erp"], plant, one["item_number"]]
            for one in of_plant
        )
        # the plant's own row, without which a plant where nothing waits would have none, and theirs
        rows = 1 + len(of_plant)
        found["orders_blocked_by_missing_synchronisation", plant] = (len(of_plant), rows, len(of_plant))
        found["orders_blocked_by_missing_synchronisation_value", plant] = (float(value), rows, float(value))
    return found
