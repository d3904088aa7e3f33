"""erp_legacy: the American plant's ERP of long ago. Fixed width for master data and stock, semicolons for the rest.

Belongs here: the dialect of erp_legacy, its files and its part of the estate. Doesn't belong here: names and words
(`dialects/`).

It has item numbers of its own, which its cross-reference leads back; cp1252; dates of two-digit years; ends that are
the last day, 12/31/99 where there is none; a minus behind its number; and a decimal comma in the price list, which is
from a purchasing office in Europe. Files that hold everything end in a line that counts the others.
"""

from __future__ import annotations

from typing import Any

from mfg_assets.contracts import Column, contract
from mfg_assets.simulate.export.clocks import inclusive_end, local_day, local_time
from mfg_assets.simulate.export.dialect import Dialect
from mfg_assets.simulate.export.feeds import Delivery, native_rows
from mfg_assets.simulate.export.native import number
from mfg_assets.simulate.export.staging import Drop, Relation, stage, unstage
from mfg_assets.simulate.export.writers import Field, write_delimited, write_fixed_width
from mfg_assets.warehouse.sql import literal

SYSTEM, ZONE = "erp_legacy", "America/Chicago"
ENCODING, DELIMITER = "cp1252", ";"
DAY, TIME = "%m/%d/%y", "%m/%d/%y %H:%M:%S"
_STAMP = r"_(\d{8}T\d{6}Z)"
_FOREVER = "12/31/99"
_TRAILER = "*END* {rows}"
# Texts of master data are short there; a time with its offset is the widest instant.
_WIDEST, _INSTANT, _NUMBER, _WHOLE = 60, 32, 20, 8

# Entity → file.
FIXED_WIDTH: dict[str, tuple[str, Delivery]] = {
    "item": ("ITMMST", "snapshot"),
    "item_plant": ("ITMSIT", "snapshot"),
    "plant_location": ("LOCMST", "snapshot"),
    "inventory_balance": ("STKBAL", "snapshot"),
}
SEMICOLON: dict[str, tuple[str, Delivery]] = {
    "item_cross_reference": ("ITMXRF", "snapshot"),
    "item_unit_conversion": ("UOMCNV", "snapshot"),
    "bom_header": ("BOMHDR", "snapshot"),
    "bom_line": ("BOMDTL", "snapshot"),
    "routing_operation": ("RTGOPR", "snapshot"),
    "supplier": ("VENMST", "snapshot"),
    "supplier_item": ("VENPRC", "snapshot"),
    "purchase_order": ("POHDR", "delta"),
    "purchase_order_line": ("PODTL", "delta"),
    "purchase_requisition": ("PURREQ", "delta"),
    "production_order": ("WOHDR", "delta"),
    "production_order_component": ("WOCMP", "delta"),
    "sales_order_line": ("SODTL", "delta"),
    "reservation": ("STKRES", "delta"),
    "transfer_order": ("TRFORD", "delta"),
    "inventory_movement": ("INVTRN", "events"),
    "change_log": ("CHGLOG", "events"),
}
_DECIMAL_COMMA = "supplier_item"


def _item(expression: str) -> str:
    """The item's number here; one that the cross-reference lacks keeps the number it has elsewhere."""
    return f"coalesce((select own.number from temp.legacy_number as own where own.item = {expression}), {expression})"


def _amount(expression: str) -> str:
    digits = number(f"abs({expression})")
    return f"case when {expression} < 0 then {digits} || '-' else {digits} end"


DIALECT = Dialect(
    system=SYSTEM,
    item=_item,
    item_back=lambda name: name,
    instant=lambda sql: local_time(sql, ZONE, TIME),
    day=lambda sql: local_day(sql, ZONE, DAY, TIME),
    end=lambda sql: f"coalesce({inclusive_end(sql, ZONE, DAY, TIME)}, {literal(_FOREVER)})",
    end_back=lambda name: f"nullif({name}, {literal(_FOREVER)}) + interval 1 day",
    date=lambda sql: f"strftime({sql}, {literal(DAY)})",
    amount=_amount,
    flags=("Y", "N"),
    # The list of its own numbers says what they are elsewhere.
    entities_with_canonical_items=("item_cross_reference",),
    decimal_comma=(_DECIMAL_COMMA,),
)


def write(drop: Drop) -> None:
    """Write one delivery."""
    connection, folder, stamp = drop.connection, drop.folder(SYSTEM), drop.window.stamp
    connection.execute(
        "create or replace temp table legacy_number as select item_number as item, min(native_id) as number "
        f"from held.item_cross_reference where source_system = {literal(SYSTEM)} group by item_number"
    )
    for entity, (name, delivery) in FIXED_WIDTH.items():
        relation = _staged(drop, entity, delivery)
        path = folder / f"{name}_{stamp}.txt"
        fields = layout(entity, delivery)
        write_fixed_width(connection, relation, path, fields, encoding=ENCODING, trailer=_TRAILER)
        unstage(drop, relation)
    for entity, (name, delivery) in SEMICOLON.items():
        relation = _staged(drop, entity, delivery)
        path = folder / f"{name}_{stamp}.csv"
        trailer = _TRAILER if delivery == "snapshot" else None
        write_delimited(connection, relation, path, delimiter=DELIMITER, encoding=ENCODING, trailer=trailer)
        unstage(drop, relation)
    connection.execute("drop table temp.legacy_number")


def layout(entity: str, delivery: Delivery) -> list[Field]:
    """Where each column of a fixed-width file stands, with a blank between any two."""
    known = {column.name: column for column in contract(entity).columns}
    fields, start = [], 1
    for native in DIALECT.columns(entity, delivery):
        column = known.get(native.column)
        width = max(_width(column), len(native.name))
        is_number = column is not None and column.sql_type.startswith(("DECIMAL", "INTEGER"))
        fields.append(Field(native.name, start, width, is_number))
        start += width + 1
    return fields


def system_file() -> dict[str, Any]:
    """`systems/erp_legacy.yaml`."""
    trailer = {"trailer": {"starts_with": "*END*", "row_count": r"\*END\* (\d+)"}}
    extracts: dict[str, Any] = {}
    for entity, (name, delivery) in (FIXED_WIDTH | SEMICOLON).items():
        is_fixed = entity in FIXED_WIDTH
        options: dict[str, Any] = {}
        if is_fixed:
            fields = [{"name": f.name, "start": f.start, "width": f.width} for f in layout(entity, delivery)]
            options = {"format": "fixed_width", "fields": fields}
        elif entity == _DECIMAL_COMMA:
            options = {"decimal": ","}
        extracts[entity] = {
            "from": f"{name}_*.{'txt' if is_fixed else 'csv'}",
            "delivery": delivery,
            "extracted_at": _STAMP,
            **({"complete_when": trailer} if delivery == "snapshot" else {}),
            "columns": DIALECT.mapping(entity, delivery),
            **({"options": options} if options else {}),
        }
    return {
        "system": SYSTEM,
        "kind": "erp",
        "name": "ERP on premises, United States",
        "description": (
            "Files of the nightly job. Item numbers are its own; item_cross_reference says what they are elsewhere. "
            "Ends of periods are the last day, 12/31/99 is none. The price list is European, with a decimal comma."
        ),
        "owner": "planner",
        "plants": ["P300"],
        "timezone": ZONE,
        "daylight_saving": {"gap": "shift", "fold": "earlier"},
        "connector": {
            "type": "files",
            "path": f"extracts/{SYSTEM}",
            "format": "csv",
            "delimiter": DELIMITER,
            "encoding": ENCODING,
            "trailing_minus": True,
            "date_formats": [TIME, f"{TIME}.%f", DAY],
        },
        "schedule": "30 4 * * *",
        "extracts": extracts,
    }


def _staged(drop: Drop, entity: str, delivery: Delivery) -> Relation:
    return stage(drop, SYSTEM, entity, native_rows(DIALECT.feed(entity, delivery), SYSTEM, drop.window))


def _width(column: Column | None) -> int:
    """Characters of a column; of `recorded_at` where there is none."""
    if column is None or column.sql_type == "TIMESTAMPTZ":
        return _INSTANT
    if column.sql_type.startswith("DECIMAL"):
        return _NUMBER
    if column.sql_type == "BOOLEAN":
        return 1
    if column.sql_type in ("INTEGER", "DATE"):
        return _WHOLE
    return min(column.max_length or _WHOLE, _WIDEST)
