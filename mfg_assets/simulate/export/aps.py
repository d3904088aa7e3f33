"""aps: detailed scheduling in Hamburg and Texas. One tab-separated plan a night, with a last line that counts it.

Belongs here: the native relation of aps. Doesn't belong here: its mapping (templates/systems/aps.yaml).
"""

from __future__ import annotations

from mfg_assets.simulate.export.feeds import Feed, native_rows
from mfg_assets.simulate.export.native import clock, number
from mfg_assets.simulate.export.staging import Drop, stage, unstage
from mfg_assets.simulate.export.words import word
from mfg_assets.simulate.export.writers import write_delimited

SYSTEM = "aps"
_PATTERN = "%Y-%m-%d %H:%M:%S"

PLAN = Feed(
    "schedule_operation",
    "snapshot",
    {
        "plan": "schedule_id",
        "work_order": "production_order_number",
        "site": "plant_id",
        "activity": "operation_sequence",
        "product": "item_number",
        "machine": "work_center",
        "begin_utc": clock("planned_start_at", "UTC", _PATTERN),
        "finish_utc": clock("planned_end_at", "UTC", _PATTERN),
        "product_revision": "assumed_revision",
        "structure": "assumed_bom_alternative",
        "instruction": "assumed_work_instruction_version",
        "amount": number("quantity"),
        "measure": word(SYSTEM, "units", "unit"),
        "planned_utc": clock("recorded_at", "UTC", _PATTERN),
    },
)


def write(drop: Drop) -> None:
    """Write the night's plan."""
    rows = stage(drop, SYSTEM, PLAN.entity, native_rows(PLAN, SYSTEM, drop.window))
    path = drop.folder(SYSTEM) / f"Plan_{drop.window.stamp}.tsv"
    write_delimited(drop.connection, rows, path, delimiter="\t", trailer="EOF\t{rows}")
    unstage(drop, rows)
