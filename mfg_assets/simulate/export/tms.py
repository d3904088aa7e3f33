"""tms: the carriers' portal. JSON pages as its interface answers them, with objects inside objects.

Belongs here: the native relation of tms. Doesn't belong here: its mapping (templates/systems/tms.yaml).
"""

from __future__ import annotations

from mfg_assets.simulate.export.documents import write_json_pages
from mfg_assets.simulate.export.feeds import Feed, native_rows
from mfg_assets.simulate.export.native import number, utc
from mfg_assets.simulate.export.staging import Drop, stage, unstage
from mfg_assets.simulate.export.words import word

SYSTEM = "tms"


def _object(**fields: str) -> str:
    return "to_json({" + ", ".join(f"'{key}': {sql}" for key, sql in fields.items()) + "})"


SHIPMENT = Feed(
    "shipment",
    "delta",
    {
        "shipment": "shipment_number",
        "item": "line_number",
        "origin": "plant_id",
        "order": _object(number="sales_order_number", item="sales_order_line_number"),
        "goods": _object(
            article="item_number",
            quantity=number("quantity"),
            unit=word(SYSTEM, "units", "unit"),
            lot="lot_number",
            serial="serial_number",
        ),
        "milestones": _object(picked=utc("picked_at"), pickup=utc("shipped_at"), delivery=utc("delivered_at")),
        "carrier": _object(name="carrier"),
        "status": word(SYSTEM, "shipment_status", "status"),
        "updated": utc("recorded_at"),
        "removed": "is_deleted",
    },
)


def write(drop: Drop) -> None:
    """Write the pages of shipments that are new or have changed."""
    rows = stage(drop, SYSTEM, SHIPMENT.entity, native_rows(SHIPMENT, SYSTEM, drop.window))
    write_json_pages(
        drop.connection,
        rows,
        drop.folder(SYSTEM),
        f"Shipments_{drop.window.stamp}",
        head='{"data": {"shipments": ',
        tail="}}",
    )
    unstage(drop, rows)
