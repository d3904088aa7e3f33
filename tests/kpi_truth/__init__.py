"""KPIs of a simulated estate worked out from what its systems hold, by loops over rows and not by the models' SQL.

Belongs here: the world, built once more, as rows. Doesn't belong here: what each KPI is (`changes`, `orders`, `stock`,
`planted`), comparing (the tests).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mfg_assets.settings import Settings
from mfg_assets.simulate import simulation
from mfg_assets.simulate.options import Options
from mfg_assets.warehouse.session import connect
from tests.kpi_truth import changes as of_changes
from tests.kpi_truth import orders as of_orders
from tests.kpi_truth import planted
from tests.kpi_truth import stock as of_stock
from tests.kpi_truth.measures import Rows, Truth

IN_ONE_UNIT = {
    "GRM": ("KGM", 0.001),
    "LBR": ("KGM", 0.45359237),
    "ONZ": ("KGM", 0.028349523125),
    "MMT": ("MTR", 0.001),
    "CMT": ("MTR", 0.01),
    "INH": ("MTR", 0.0254),
    "FOT": ("MTR", 0.3048),
    "MLT": ("LTR", 0.001),
}


@contextmanager
def _world(options: Options, folder: Path) -> Iterator[Callable[..., Rows]]:
    """Build the world once more; what gives rows of its tables."""
    with connect(Settings(home=folder), folder / "simulated.duckdb", keep_order=True) as con:
        simulation.build(con, options)

        def rows(table: str, *columns: str, where: str = "true") -> Rows:
            found = con.execute(f"select {', '.join(columns)} from {table} where {where}").fetchall()
            return [dict(zip(columns, values, strict=True)) for values in found]

        yield rows


def _now(options: Options) -> str:
    return f"visible_from <= timestamptz '{options.cut}' and coalesce(visible_to > timestamptz '{options.cut}', true)"


def _plants(rows: Callable[..., Rows]) -> dict[str, Any]:
    return {row["plant_id"]: row for row in rows("world.plant", "plant_id", "timezone", "erp", "mes", "wms")}


def _movements(rows: Callable[..., Rows], now: str) -> Rows:
    return rows(
        "held.inventory_movement",
        *("source_system", "event_id", "from_plant_id", "to_plant_id", "item_number", "quantity"),
        *("movement_class", "reference_type", "reference_number", "reference_line", "event_at", "visible_from"),
        *("from_location", "from_lot", "from_status", "from_ownership"),
        *("to_location", "to_lot", "to_status", "to_ownership"),
        where=now,
    )


def _told(rows: Callable[..., Rows], now: str) -> Rows:
    return rows(
        "held.engineering_change_plant",
        *("change_number", "plant_id", "is_applicable", "release_gate", "planned_effective_from"),
        where=now,
    )


def _costs(rows: Callable[..., Rows], now: str) -> Rows:
    return rows("held.item_plant", "source_system", "plant_id", "item_number", "standard_cost", where=now)


def kpis_of_what_is_wrong(options: Options, out: Path, folder: Path) -> Truth:
    """KPIs that a right world doesn't show, of the first delivery of a wrong one."""
    now = _now(options)
    with _world(options, folder) as rows:
        plants, movements, told = _plants(rows), _movements(rows, now), _told(rows, now)
        changed = rows("held.engineering_change_item", "change_number", "parent_item_number", where=now)
        orders = rows(
            "held.production_order",
            *("source_system", "plant_id", "item_number", "status", "actual_start_at"),
            *("quantity", "completed_quantity", "scrapped_quantity"),
            where=now,
        )
        costs = _costs(rows, now)
    found = planted.findings(out)
    return (
        planted.interfaces(out, found)
        | planted.reconciliation(found, plants, movements)
        | planted.blocked_orders(options.cut, found, plants, told, changed, orders, costs)
    )


def kpis(options: Options, folder: Path) -> Truth:
    """KPIs of a right world."""
    now = _now(options)
    with _world(options, folder) as rows:
        plants = _plants(rows)
        lines = rows(
            "held.bom_line",
            *("source_system", "plant_id", "row_id", "engineering_change_in", "engineering_change_out", "visible_from"),
            where="plant_id is not null",
        )
        in_force = rows(
            "held.bom_line",
            *("source_system", "plant_id", "parent_item_number", "alternative", "component_item_number"),
            *("quantity", "unit", "is_fixed_quantity"),
            where=f"{now} and plant_id is not null and coalesce(effective_from <= timestamptz '{options.cut}', true) "
            f"and coalesce(effective_to > timestamptz '{options.cut}', true)",
        )
        other_units = {
            (one["item_number"], one["alternative_unit"]): one["numerator"] / one["denominator"]
            for one in rows("held.item_unit_conversion", "item_number", "alternative_unit", "numerator", "denominator")
        }
        base_units = {one["item_number"]: one["base_unit"] for one in rows("held.item", "item_number", "base_unit")}
        headers = rows(
            "held.bom_header",
            *("source_system", "plant_id", "parent_item_number", "alternative", "base_quantity"),
            where=now,
        )
        sold = rows(
            "held.sales_order_line",
            *("sales_order_number", "line_number", "plant_id", "item_number", "quantity", "promised_at", "status"),
            where=now,
        )
        shipped = rows(
            "held.shipment",
            *("shipment_number", "line_number", "sales_order_number", "sales_order_line_number"),
            *("item_number", "quantity", "shipped_at"),
            where=f"{now} and shipped_at is not null",
        )
        changes = rows("held.engineering_change", "change_number", "status", "raised_at", "released_at", where=now)
        told = _told(rows, now)
        operations = rows("held.production_operation", "plant_id", "scheduled_end_at", "actual_end_at", where=now)
        orders = rows("held.purchase_order", "purchase_order_number", "ordered_at", where=now)
        order_lines = rows(
            "held.purchase_order_line", "purchase_order_number", "line_number", "plant_id", "item_number", where=now
        )
        answers = rows(
            "held.purchase_order_acknowledgement", "purchase_order_number", "line_number", "event_at", where=now
        )
        reports = rows(
            "held.production_confirmation",
            *("source_system", "plant_id", "production_order_number", "operation_sequence", "yield_quantity"),
            *("event_at", "visible_from", "erp_posting_reference"),
            where=now,
        )
        notices = rows(
            "held.advance_ship_notice",
            *("purchase_order_number", "purchase_order_line_number", "item_number", "plant_id"),
            *("shipped_at", "expected_at"),
            where=now,
        )
        movements = _movements(rows, now)
        costs = _costs(rows, now)
        bills = rows(
            "world.bom_line",
            *("plant_id", "parent_item_number", "component_item_number", "change_in", "change_out"),
            *("effective_from", "effective_to"),
        )
        bought = rows(
            "held.purchase_order_line",
            *("source_system", "plant_id", "item_number", "status", "due_at"),
            where=f"{now} and left(source_system, 3) = 'erp'",
        )
        suppliers = rows("held.supplier", "supplier_number", "tax_id", "duns_number", where=now)
        receipts = rows(
            "held.inventory_movement",
            *("source_system", "to_plant_id", "reference_number", "event_at", "visible_from"),
            where=f"{now} and movement_class = 'receipt' and reference_type = 'production_order'",
        )

        events = [
            row
            for entity in ("inventory_movement", "production_confirmation", "material_consumption")
            for row in rows(f"held.{entity}", "event_at", "visible_from", where=now)
        ]

    def in_base_unit(item: str, unit: str) -> float:
        """How many of an item's base unit one of another unit is."""
        if (item, unit) in other_units:
            return float(other_units[item, unit])
        (kind, factor), (base, of_base) = (IN_ONE_UNIT.get(one, (one, 1)) for one in (unit, base_units[item]))
        through = 1 if kind == base else float(other_units[item, kind])
        return factor * through / (of_base if kind == base else 1)

    found: Truth = {}
    cut = options.cut
    found |= of_stock.latency(cut, events)
    found |= of_changes.changes(cut, plants, changes, told, lines)
    found |= of_orders.schedule(cut, plants, operations)
    found |= of_orders.answers(cut, orders, order_lines, answers)
    found |= of_orders.confirmations(cut, plants, reports, receipts)
    found |= of_stock.stock(cut, plants, movements)
    found |= of_orders.notices(cut, notices, order_lines, movements)
    found |= of_orders.pending(cut, reports)
    found |= of_stock.suppliers(suppliers)
    found |= of_stock.positions(plants, movements, costs)
    found |= of_changes.purchases(cut, changes, told, bills, bought)
    found |= of_changes.bills(plants, in_force, headers, in_base_unit)
    found |= of_orders.fulfilment(cut, sold, shipped)
    return found
