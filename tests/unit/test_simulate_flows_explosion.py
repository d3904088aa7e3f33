"""The components of orders, against an explosion written down once more in plain Python from the world's bills."""

from collections import defaultdict
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from mfg_assets.simulate.world.nodes import PIECES
from tests.unit.test_simulate_flows import built

MILLIONTH = Decimal("0.000001")
COMPONENTS = ("component", "consumable")


def rows(con: DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    cursor = con.execute(sql)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


class Bills:
    """The world's bills, asked one order at a time."""

    def __init__(self, con: DuckDBPyConnection) -> None:
        self.lines: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for line in rows(con, "select * from world.bom_line"):
            self.lines[line["plant_id"], line["parent_item_number"]].append(line)
        self.headers: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for header in rows(con, "select * from world.bom_header"):
            self.headers[header["plant_id"], header["parent_item_number"]].append(header)
        self.plants = {(r["plant_id"], r["item_number"]): r for r in rows(con, "select * from world.item_plant")}
        self.units = {r["item_number"]: r["base_unit"] for r in rows(con, "select * from world.item")}

    def needs(self, plant: str, item: str, quantity: Decimal, at: datetime) -> dict[tuple[str, bool], Decimal]:
        """Component and whether it is a by-product → quantity, each path rounded by itself."""
        result: dict[tuple[str, bool], Decimal] = defaultdict(Decimal)
        self._walk(plant, item, quantity, quantity, at, result)
        return dict(result)

    def _walk(
        self,
        plant: str,
        item: str,
        lot: Decimal,
        quantity: Decimal,
        at: datetime,
        result: dict[tuple[str, bool], Decimal],
    ) -> None:
        alternative = self._alternative(plant, item, lot, at)
        for line in self._chosen(plant, item, alternative, at):
            component = line["component_item_number"]
            per = Decimal(line["quantity_per"])
            scrap = Decimal(line["component_scrap"] or 0)
            per = per / (1 - scrap) if line["scrap_method"] == "divide" else per * (1 + scrap)
            needed = per if line["is_fixed_quantity"] else per * quantity
            own = self.plants[plant, component]
            passed = own["is_phantom"] if line["is_phantom"] is None else line["is_phantom"]
            if passed and line["line_type"] in COMPONENTS and self.headers.get((plant, component)):
                self._walk(plant, component, Decimal(own["lot_size"]), needed, at, result)
                continue
            if self.units[component] in PIECES:
                # a digit of division far behind the point must not cost a whole piece
                leaf = needed.quantize(MILLIONTH, ROUND_HALF_UP).to_integral_value(ROUND_CEILING)
            else:
                leaf = needed.quantize(MILLIONTH, ROUND_HALF_UP)
            result[component, line["line_type"] not in COMPONENTS] += leaf

    def _alternative(self, plant: str, item: str, lot: Decimal, at: datetime) -> str:
        def fits(header: dict[str, Any]) -> bool:
            return lot >= (header["lot_size_from"] or 0) and (
                header["lot_size_to"] is None or lot <= header["lot_size_to"]
            )

        found = [header for header in self.headers[plant, item] if holds(header, at)]
        return min(found, key=lambda header: (not fits(header), int(header["alternative"])))["alternative"]

    def _chosen(self, plant: str, item: str, alternative: str, at: datetime) -> list[dict[str, Any]]:
        lines = [
            line
            for line in self.lines[plant, item]
            if line["alternative"] == alternative and holds(line, at) and line["line_type"] != "text"
        ]
        groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for line in lines:
            if line["alternate_group"] is not None and line["usage_probability"] != 0:
                groups[line["alternate_group"]].append(line)
        best = [min(group, key=lambda line: line["alternate_priority"]) for group in groups.values()]
        return [line for line in lines if line["alternate_group"] is None] + best


def holds(row: dict[str, Any], at: datetime) -> bool:
    return (row["effective_from"] is None or row["effective_from"] <= at) and (
        row["effective_to"] is None or at < row["effective_to"]
    )


def compare(con: DuckDBPyConnection) -> int:
    """Explode every order of the world again; how many there are."""
    bills = Bills(con)
    orders = rows(con, "select * from world.production_order order by production_order_number")
    components: dict[str, dict[tuple[str, bool], Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in rows(con, "select * from world.production_order_component"):
        key = (row["item_number"], row["is_by_product"])
        components[row["production_order_number"]][key] += abs(row["quantity"])
    for order in orders:
        expected = bills.needs(order["plant_id"], order["item_number"], order["quantity"], order["scheduled_start_at"])
        assert dict(components[order["production_order_number"]]) == expected, order
    return len(orders)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_components_are_what_the_bills_call_for(seed: int) -> None:
    con = built(seed, 42)
    assert compare(con) > 10
    used = """
        select distinct component.item_number from world.production_order_component as component
        inner join world.production_order as orders using (production_order_number)
        where orders.scheduled_start_at {} timestamptz '2026-01-19 00:00:00+00'
    """
    assert "100020" in {row[0] for row in con.execute(used.format("<")).fetchall()}
    assert "100025" in {row[0] for row in con.execute(used.format(">=")).fetchall()}
