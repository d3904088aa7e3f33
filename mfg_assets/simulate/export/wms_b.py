"""wms_b: a third party's warehouses for the second German plant and Vietnam. Excel balances, CSV for the rest.

Belongs here: the native relations of wms_b. Doesn't belong here: its mapping (templates/systems/wms_b.yaml).

It puts the site's number before each location, signs quantities (what leaves is negative) and writes local times of
Singapore, where its computers stand.
"""

from __future__ import annotations

from mfg_assets.simulate.export.documents import write_excel_pages
from mfg_assets.simulate.export.feeds import Feed, native_rows
from mfg_assets.simulate.export.native import clock, number
from mfg_assets.simulate.export.staging import Drop, stage, unstage
from mfg_assets.simulate.export.words import word
from mfg_assets.simulate.export.writers import write_delimited, write_text

SYSTEM = "wms_b"
ZONE = "Asia/Singapore"
_TO_SIDE = "coalesce(to_plant_id, to_location, to_status, to_lot, to_ownership)"
_IS_OUT = f"({_TO_SIDE} is null)"


def _at(column: str) -> str:
    return clock(column, ZONE, "%d/%m/%Y %H:%M:%S")


def _word(code_map: str, column: str) -> str:
    return word(SYSTEM, code_map, column)


def rack(plant: str, location: str) -> str:
    """SQL of the third party's own name for a location: its site's number and the place, `100.RAW`."""
    return f"case when {location} is not null then coalesce(right({plant}, 3), '000') || '.' || {location} end"


def _grouped(expression: str) -> str:
    """`1,234.5`; `expression` is not negative."""
    return (
        f"format('{{:,}}', cast(trunc({expression}) as bigint)) || "
        f"rtrim(rtrim(substr(cast({expression} as varchar), strpos(cast({expression} as varchar), '.')), '0'), '.')"
    )


def _own(side_to: str, side_from: str) -> str:
    return f"case when {_IS_OUT} then {side_from} else {side_to} end"


def _counter(side_from: str) -> str:
    return f"case when not {_IS_OUT} then {side_from} end"


_UNIT = _word("units", "unit")
_LOGGED = {"Logged": _at("recorded_at")}
_CHANGED = {**_LOGGED, "Void": "case when is_deleted then 'yes' else 'no' end"}

MOVEMENT = Feed(
    "inventory_movement",
    "events",
    {
        "Entry No": "event_id",
        "Entry Type": "movement_type",
        "Process": _word("movement_class", "movement_class"),
        "Article": "item_number",
        "Qty": f"case when {_IS_OUT} then '-' else '' end || {_grouped('quantity')}",
        "UoM": _UNIT,
        "Site": _own(_word("plants", "to_plant_id"), _word("plants", "from_plant_id")),
        "Location": _own(rack("to_plant_id", "to_location"), rack("from_plant_id", "from_location")),
        "Condition": _own(_word("stock_status", "to_status"), _word("stock_status", "from_status")),
        "Lot": _own("to_lot", "from_lot"),
        "Owner": _own(_word("ownership", "to_ownership"), _word("ownership", "from_ownership")),
        "Counter Site": _counter(_word("plants", "from_plant_id")),
        "Counter Location": _counter(rack("from_plant_id", "from_location")),
        "Counter Condition": _counter(_word("stock_status", "from_status")),
        "Counter Lot": _counter("from_lot"),
        "Counter Owner": _counter(_word("ownership", "from_ownership")),
        "Serial No": "serial_number",
        "Source Type": _word("reference_type", "reference_type"),
        "Source No": "reference_number",
        "Source Line": "reference_line",
        "Cancels": "reversal_of",
        "Time": _at("event_at"),
        "Posting Date": "strftime(posting_date, '%d/%m/%Y')",
        "Value": _grouped("amount"),
        "Currency": "currency",
        **_LOGGED,
    },
)
BALANCE = Feed(
    "inventory_balance",
    "snapshot",
    {
        "Site": _word("plants", "plant_id"),
        "Location": rack("plant_id", "location"),
        "Bin": "bin",
        "Article": "item_number",
        "Lot": "lot_number",
        "Serial No": "serial_number",
        "Condition": _word("stock_status", "stock_status"),
        "Owner": _word("ownership", "ownership"),
        "On Hand": number("quantity"),
        "UoM": _UNIT,
        "Best Before": "strftime(expiry_date, '%d/%m/%Y')",
        "As Of": f"cast(timezone('{ZONE}', as_of) as varchar)",
        "Logged": _at("recorded_at"),
    },
)
LOCATION = Feed(
    "plant_location",
    "snapshot",
    {
        "Site": _word("plants", "plant_id"),
        "Location": rack("plant_id", "location"),
        "Name": "name",
        "Kind": _word("location_kind", "kind"),
        "Area": rack("plant_id", "parent_location"),
        **_LOGGED,
    },
)
TRANSFER = Feed(
    "transfer_order",
    "delta",
    {
        "Transfer No": "transfer_order_number",
        "Line": "line_number",
        "From Site": _word("plants", "from_plant_id"),
        "From Location": rack("from_plant_id", "from_location"),
        "To Site": _word("plants", "to_plant_id"),
        "To Location": rack("to_plant_id", "to_location"),
        "Article": "item_number",
        "Lot": "lot_number",
        "Qty": _grouped("quantity"),
        "Qty Sent": _grouped("shipped_quantity"),
        "Qty Arrived": _grouped("received_quantity"),
        "UoM": _UNIT,
        "Sent": _at("shipped_at"),
        "Arrived": _at("received_at"),
        "State": _word("transfer_status", "status"),
        **_CHANGED,
    },
)
COUNT = Feed(
    "cycle_count",
    "events",
    {
        "Count No": "event_id",
        "Site": _word("plants", "plant_id"),
        "Location": rack("plant_id", "location"),
        "Article": "item_number",
        "Lot": "lot_number",
        "Serial No": "serial_number",
        "Condition": _word("stock_status", "stock_status"),
        "Owner": _word("ownership", "ownership"),
        "Counted": _grouped("counted_quantity"),
        "UoM": _UNIT,
        "Time": _at("counted_at"),
        **_LOGGED,
    },
)
PICK = Feed(
    "shipment",
    "delta",
    {
        "Shipment": "shipment_number",
        "Line": "line_number",
        "Site": _word("plants", "plant_id"),
        "Order": "sales_order_number",
        "Order Line": "sales_order_line_number",
        "Article": "item_number",
        "Qty": _grouped("quantity"),
        "UoM": _UNIT,
        "Lot": "lot_number",
        "Serial No": "serial_number",
        "Picked": _at("picked_at"),
        "Gone": _at("shipped_at"),
        "Delivered": _at("delivered_at"),
        "Carrier": "carrier",
        "State": _word("shipment_status", "status"),
        **_CHANGED,
    },
)
_FEEDS = {"Entries": MOVEMENT, "Locations": LOCATION, "Transfers": TRANSFER, "Counts": COUNT, "Picks": PICK}


def write(drop: Drop) -> None:
    """Write the balances' workbook and the other feeds' CSV, with a text beside each snapshot that counts its lines."""
    folder, stamp = drop.folder(SYSTEM), drop.window.stamp
    balances = stage(drop, SYSTEM, BALANCE.entity, native_rows(BALANCE, SYSTEM, drop.window))
    pages = write_excel_pages(
        drop.connection,
        balances,
        folder,
        f"Stock_{stamp}",
        sheet="Stock",
        title=f"Stock on hand, {drop.window.cut:%d %B %Y}",
        numbers=("On Hand",),
        times=("As Of",),
    )
    for path, lines in pages:
        write_text(path.with_suffix(".txt"), f"Lines: {lines}\n")
    unstage(drop, balances)
    for name, feed in _FEEDS.items():
        rows = stage(drop, SYSTEM, feed.entity, native_rows(feed, SYSTEM, drop.window))
        write_delimited(drop.connection, rows, folder / f"{name}_{stamp}.csv")
        if feed.delivery == "snapshot":
            write_text(folder / f"{name}_{stamp}.txt", f"Lines: {rows.claimed_rows}\n")
        unstage(drop, rows)
