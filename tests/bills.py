"""A published snapshot of small bills, made by the real publisher, for everything that reads bills.

Belongs here: its rows. Doesn't belong here: expectations (the tests have them, worked out by hand).

Plant P1, system plm, instants in UTC:

    BIKE   10 FRAME 1 · 20 WHEEL 2 · 30 BAG 1 (a phantom) · 40 BELL 1 until 2024-07-01 · 41 HORN 1 from then on
    BAG    10 SCREW 4 · 20 TAPE 0.5 MTR with 10 % scrap
    WHEEL  10 SPOKE 32 with a yield of 80 % · 20 RIM 1 · 30 GREASE 0.05 KGM per order
    FRAME  10 TUBE-B 1 (first choice) or TUBE-A 1 (second) · 20 CHIP 0.1 KGM comes out
    LOOP-A 10 LOOP-B 2 · LOOP-B 10 LOOP-A 1, and 20 SCREW 3
    GATE   revision A: 10 FRAME 1; revision B, newer: 10 FRAME 2

System erp says that a BIKE has 3 WHEELs; PLM owns bills, so the reconciled line has 2. Plant P2 has a bill of BIKE too.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from mfg_assets.publish import PublishedTable, publish
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect

AS_OF = datetime(2025, 3, 1, tzinfo=UTC)
SWITCH = datetime(2024, 7, 1, tzinfo=UTC)

_LINE = {
    "source_system": "varchar",
    "plant_id": "varchar",
    "parent_item_number": "varchar",
    "usage": "varchar",
    "alternative": "varchar",
    "revision": "varchar",
    "line_id": "varchar",
    "position": "varchar",
    "component_item_number": "varchar",
    "component_revision": "varchar",
    "quantity_per": "decimal(38, 12)",
    "unit": "varchar",
    "is_fixed_quantity": "boolean",
    "scrap_fraction": "decimal(9, 6)",
    "scrap_method": "varchar",
    "assembly_scrap_fraction": "decimal(9, 6)",
    "is_net": "boolean",
    "operation_sequence": "integer",
    "alternate_group": "varchar",
    "alternate_priority": "integer",
    "usage_probability": "decimal(9, 6)",
    "is_phantom": "boolean",
    "line_type": "varchar",
    "reference_designators": "varchar",
    "effective_from": "timestamptz",
    "effective_to": "timestamptz",
    "header_status": "varchar",
    "lot_size_from": "decimal(18, 6)",
    "lot_size_to": "decimal(18, 6)",
    "recorded_at": "timestamptz",
}
_DEFAULTS = {
    "source_system": "plm",
    "plant_id": "P1",
    "quantity_per": 1,
    "unit": "EA",
    "is_fixed_quantity": False,
    "scrap_fraction": 0,
    "scrap_method": "multiply",
    "assembly_scrap_fraction": 0,
    "is_net": False,
    "line_type": "component",
    "recorded_at": datetime(2020, 1, 1, tzinfo=UTC),
}
_KEY = ("source_system", "plant_id", "parent_item_number", "usage", "alternative", "revision", "line_id")


def line(parent: str, position: str, component: str, quantity: str = "1", **more: object) -> dict[str, object]:
    """One published bill line; what isn't said is what a plain line has."""
    return {
        **dict.fromkeys(_LINE),
        **_DEFAULTS,
        "parent_item_number": parent,
        "position": position,
        "line_id": position,
        "component_item_number": component,
        "quantity_per": Decimal(quantity),
        **more,
    }


LINES = [
    line("BIKE", "10", "FRAME"),
    line("BIKE", "20", "WHEEL", "2"),
    line("BIKE", "30", "BAG"),
    line("BIKE", "40", "BELL", effective_to=SWITCH),
    line("BIKE", "41", "HORN", effective_from=SWITCH),
    line("BAG", "10", "SCREW", "4"),
    line("BAG", "20", "TAPE", "0.5", unit="MTR", scrap_fraction=Decimal("0.1")),
    line("WHEEL", "10", "SPOKE", "32", scrap_fraction=Decimal("0.2"), scrap_method="divide"),
    line("WHEEL", "20", "RIM"),
    line("WHEEL", "30", "GREASE", "0.05", unit="KGM", is_fixed_quantity=True),
    line("FRAME", "10", "TUBE-A", alternate_group="A", alternate_priority=2, line_id="10a"),
    line("FRAME", "10", "TUBE-B", alternate_group="A", alternate_priority=1, line_id="10b"),
    line("FRAME", "20", "CHIP", "0.1", unit="KGM", line_type="by_product"),
    line("LOOP-A", "10", "LOOP-B", "2"),
    line("LOOP-B", "10", "LOOP-A"),
    line("LOOP-B", "20", "SCREW", "3"),
    line("GATE", "10", "FRAME", revision="A"),
    line("GATE", "10", "FRAME", "2", revision="B", effective_from=SWITCH),
]
OTHERS = [
    line("BIKE", "20", "WHEEL", "3", source_system="erp"),
    line("BIKE", "10", "FRAME", plant_id="P2"),
]
ITEMS = {
    "BIKE": "City bike",
    "BAG": "Bag of small parts",
    "WHEEL": "Wheel 28 inch",
    "SPOKE": "Spoke 262 mm",
    # What an extract may hold: markup, a terminal's escape, a spreadsheet's formula.
    "TUBE-A": "[bold]Tube[/bold] \x1b]0;owned\x07\x1b[2J",
    "TUBE-B": '=HYPERLINK("http://evil.example","tube")',
    "BELL": "-1+1",
    **dict.fromkeys(("FRAME", "HORN", "SCREW", "TAPE", "RIM", "GREASE", "CHIP", "LOOP-A", "LOOP-B", "GATE")),
}


def publish_bills(settings: Settings, *, lines: list[dict[str, object]] | None = None) -> Path:
    """Publish LINES (or others) as bom_line and reconciled_bom_line, and ITEMS. Returns the version's folder."""
    settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    reconciled = LINES if lines is None else lines
    everything = [*LINES, *OTHERS] if lines is None else lines
    columns = ", ".join(f"{name} {sql_type}" for name, sql_type in _LINE.items())
    marks = ", ".join("?" for _ in _LINE)
    with connect(settings, settings.warehouse_path) as connection:
        connection.execute("create schema if not exists canonical")
        for table, rows in (("bom_line", everything), ("reconciled_bom_line", reconciled)):
            connection.execute(f"create or replace table canonical.{table} ({columns})")
            connection.executemany(
                f"insert into canonical.{table} values ({marks})", [list(row.values()) for row in rows]
            )
        connection.execute(
            "create or replace table canonical.item (item_number varchar, description varchar, item_type varchar)"
        )
        items = [(item, text, "phantom" if item == "BAG" else "made") for item, text in ITEMS.items()]
        connection.executemany("insert into canonical.item values (?, ?, ?)", items)
    tables = [
        PublishedTable("item", "canonical.item", ("item_number",), "One row per item."),
        PublishedTable("bom_line", "canonical.bom_line", _KEY, "One row per line."),
        PublishedTable("reconciled_bom_line", "canonical.reconciled_bom_line", _KEY, "One row per agreed line."),
    ]
    result = publish(settings, tables, run_id="run-1", as_of=AS_OF)
    return settings.published_dir / "versions" / result.version
