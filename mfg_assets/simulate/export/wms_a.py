"""wms_a: the warehouses in Hamburg and Texas. Pipe-delimited text, clocks in UTC; balances nightly with control totals.

Belongs here: the native relations of wms_a. Doesn't belong here: its mapping (templates/systems/wms_a.yaml).
"""

from __future__ import annotations

from mfg_assets.simulate.export.feeds import Feed, native_rows
from mfg_assets.simulate.export.native import clock, number
from mfg_assets.simulate.export.staging import Drop, stage, unstage
from mfg_assets.simulate.export.words import word
from mfg_assets.simulate.export.writers import write_delimited, write_text

SYSTEM = "wms_a"


def _at(column: str) -> str:
    return clock(column, "UTC", "%Y%m%d%H%M%S")


def _word(code_map: str, column: str) -> str:
    return word(SYSTEM, code_map, column)


_UNIT = _word("units", "unit")
_REC = {"REC": _at("recorded_at")}
_CHANGED = {**_REC, "DEL": "case when is_deleted then 'X' end"}

MOVEMENT = Feed(
    "inventory_movement",
    "events",
    {
        "EVT": "event_id",
        "TYP": "movement_type",
        "CLS": _word("movement_class", "movement_class"),
        "SKU": "item_number",
        "QTY": number("quantity"),
        "UOM": _UNIT,
        "FWH": _word("plants", "from_plant_id"),
        "FLOC": "from_location",
        "FST": _word("stock_status", "from_status"),
        "FLOT": "from_lot",
        "FOWN": _word("ownership", "from_ownership"),
        "TWH": _word("plants", "to_plant_id"),
        "TLOC": "to_location",
        "TST": _word("stock_status", "to_status"),
        "TLOT": "to_lot",
        "TOWN": _word("ownership", "to_ownership"),
        "SER": "serial_number",
        "REFT": _word("reference_type", "reference_type"),
        "REFN": "reference_number",
        "REFL": "reference_line",
        "REVOF": "reversal_of",
        "AT": _at("event_at"),
        "POSTED": "strftime(posting_date, '%Y%m%d')",
        "AMT": number("amount"),
        "CCY": "currency",
        **_REC,
    },
)
BALANCE = Feed(
    "inventory_balance",
    "snapshot",
    {
        "WH": _word("plants", "plant_id"),
        "LOC": "location",
        "BIN": "bin",
        "SKU": "item_number",
        "LOT": "lot_number",
        "SER": "serial_number",
        "ST": _word("stock_status", "stock_status"),
        "OWN": _word("ownership", "ownership"),
        "QTY": number("quantity"),
        "UOM": _UNIT,
        "EXP": "strftime(expiry_date, '%Y%m%d')",
        "ASOF": _at("as_of"),
        **_REC,
    },
)
LOCATION = Feed(
    "plant_location",
    "snapshot",
    {
        "WH": _word("plants", "plant_id"),
        "LOC": "location",
        "NAME": "name",
        "KIND": _word("location_kind", "kind"),
        "ZONE": "parent_location",
        **_REC,
    },
)
TRANSFER = Feed(
    "transfer_order",
    "delta",
    {
        "TRF": "transfer_order_number",
        "LINE": "line_number",
        "FWH": _word("plants", "from_plant_id"),
        "FLOC": "from_location",
        "TWH": _word("plants", "to_plant_id"),
        "TLOC": "to_location",
        "SKU": "item_number",
        "LOT": "lot_number",
        "QTY": number("quantity"),
        "SHPQTY": number("shipped_quantity"),
        "RCVQTY": number("received_quantity"),
        "UOM": _UNIT,
        "SHPAT": _at("shipped_at"),
        "RCVAT": _at("received_at"),
        "ST": _word("transfer_status", "status"),
        **_CHANGED,
    },
)
COUNT = Feed(
    "cycle_count",
    "events",
    {
        "EVT": "event_id",
        "WH": _word("plants", "plant_id"),
        "LOC": "location",
        "SKU": "item_number",
        "LOT": "lot_number",
        "SER": "serial_number",
        "ST": _word("stock_status", "stock_status"),
        "OWN": _word("ownership", "ownership"),
        "CNT": number("counted_quantity"),
        "UOM": _UNIT,
        "AT": _at("counted_at"),
        **_REC,
    },
)
PICK = Feed(
    "shipment",
    "delta",
    {
        "SHP": "shipment_number",
        "LINE": "line_number",
        "WH": _word("plants", "plant_id"),
        "SO": "sales_order_number",
        "SOL": "sales_order_line_number",
        "SKU": "item_number",
        "QTY": number("quantity"),
        "UOM": _UNIT,
        "LOT": "lot_number",
        "SER": "serial_number",
        "PCKAT": _at("picked_at"),
        "SHPAT": _at("shipped_at"),
        "DLVAT": _at("delivered_at"),
        "CARR": "carrier",
        "ST": _word("shipment_status", "status"),
        **_CHANGED,
    },
)

_FEEDS = {"MOV": MOVEMENT, "BAL": BALANCE, "LOC": LOCATION, "TRF": TRANSFER, "CNT": COUNT, "PCK": PICK}


def write(drop: Drop) -> None:
    """Write a file for each feed; beside a snapshot's what it counts and, for balances, adds up to."""
    folder, stamp = drop.folder(SYSTEM), drop.window.stamp
    for name, feed in _FEEDS.items():
        rows = stage(drop, SYSTEM, feed.entity, native_rows(feed, SYSTEM, drop.window))
        write_delimited(drop.connection, rows, folder / f"{name}_{stamp}.psv", delimiter="|")
        if feed.delivery == "snapshot":
            total = ""
            if feed is BALANCE:
                added = f'select coalesce(sum(try_cast("QTY" as decimal(38, 6))), 0) from {rows.name}'
                (found,) = drop.connection.execute(added).fetchone() or (0,)
                total = f"TOTAL={found}\n"
            write_text(folder / f"{name}_{stamp}.ctl", f"LINES={rows.claimed_rows}\n{total}")
        unstage(drop, rows)
