"""The findings about AdventureWorks, against figures that plain Python works out from the raw files.

Nothing of the platform's SQL is used for the expected side, and not DuckDB either: the files carry wrong minima and
maxima for decimals, which DuckDB believes and pyarrow doesn't.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from mfg_assets.settings import PROJECT_ROOT
from tests.integration.conftest import Pass

Row = dict[str, Any]
PENDING, APPROVED, COMPLETE = 1, 2, 4
OPEN = (PENDING, APPROVED)


@dataclass(frozen=True)
class Raw:
    """The vendor's tables as rows, and what follows from them by hand-written rules."""

    folder: Path

    def table(self, name: str) -> list[Row]:
        return pq.read_table(self.folder / f"{name}.parquet").to_pylist()

    @cached_property
    def orders(self) -> list[Row]:
        return self.table("Production.WorkOrder")

    @cached_property
    def ledger(self) -> list[Row]:
        return self.table("Production.TransactionHistory") + self.table("Production.TransactionHistoryArchive")

    @cached_property
    def numbers(self) -> dict[int, str]:
        return {p["ProductID"]: p["ProductNumber"] for p in self.table("Production.Product")}

    @cached_property
    def order_lines(self) -> list[Row]:
        """Purchase order lines with their header, vendor's terms, base unit, and place in the order."""
        headers = {h["PurchaseOrderID"]: h for h in self.table("Purchasing.PurchaseOrderHeader")}
        terms = {(t["ProductID"], t["BusinessEntityID"]): t for t in self.table("Purchasing.ProductVendor")}
        places: Counter[int] = Counter()
        result = []
        for line in sorted(self.table("Purchasing.PurchaseOrderDetail"), key=lambda d: d["PurchaseOrderDetailID"]):
            header = headers[line["PurchaseOrderID"]]
            places[line["PurchaseOrderID"]] += 1
            result.append(
                {
                    **line,
                    **{k: header[k] for k in ("Status", "VendorID", "OrderDate", "ShipDate")},
                    "unit": terms[line["ProductID"], header["VendorID"]]["UnitMeasureCode"].strip(),
                    "place": places[line["PurchaseOrderID"]],
                }
            )
        return result

    @cached_property
    def receipts(self) -> dict[tuple[int, int], Row]:
        """Ledger entries of type P by order and place."""
        rows = [t for t in self.ledger if t["TransactionType"] == "P"]
        found = {(t["ReferenceOrderID"], t["ReferenceOrderLineID"]): t for t in rows}
        assert len(found) == len(rows)
        return found

    def receipt(self, line: Row) -> Row | None:
        return self.receipts.get((line["PurchaseOrderID"], line["place"]))

    def sums(self, kind: str) -> Counter[int]:
        """Quantity per product of one transaction type."""
        result: Counter[int] = Counter()
        for t in self.ledger:
            if t["TransactionType"] == kind:
                result[t["ProductID"]] += t["Quantity"]
        return result

    @cached_property
    def consumption(self) -> dict[int, Decimal]:
        """What work orders call for by the bill lines whose inclusive period holds their start."""
        lines = defaultdict(list)
        for b in self.table("Production.BillOfMaterials"):
            if b["ProductAssemblyID"] is not None:
                lines[b["ProductAssemblyID"]].append(b)
        result: dict[int, Decimal] = defaultdict(Decimal)
        for order in self.orders:
            for b in lines[order["ProductID"]]:
                if b["StartDate"] <= order["StartDate"] and (
                    b["EndDate"] is None or order["StartDate"] <= b["EndDate"]
                ):
                    result[b["ComponentID"]] += order["OrderQty"] * b["PerAssemblyQty"]
        return dict(result)

    @cached_property
    def balance(self) -> Counter[int]:
        result: Counter[int] = Counter()
        for p in self.table("Production.ProductInventory"):
            result[p["ProductID"]] += p["Quantity"]
        return result

    @cached_property
    def net_ledger(self) -> Counter[int]:
        result: Counter[int] = Counter()
        for t in self.ledger:
            result[t["ProductID"]] += -t["Quantity"] if t["TransactionType"] == "S" else t["Quantity"]
        return result

    def factor(self, line: Row) -> int | None:
        """Pieces in one of the vendor's units; None when nothing converts it."""
        return {"EA": 1, "DZ": 12}.get(line["unit"])


@pytest.fixture(scope="session")
def raw(adventureworks: Path) -> Raw:
    return Raw(adventureworks / "parquet")


@pytest.fixture(scope="session")
def published(adventureworks_pass: Pass) -> duckdb.DuckDBPyConnection:
    path = adventureworks_pass.settings.published_dir / "current" / "marts.duckdb"
    return duckdb.connect(str(path), read_only=True)


def _counts(published: duckdb.DuckDBPyConnection, table: str) -> dict[str, int]:
    return dict(published.execute(f"select finding_class, count(*) from {table} group by 1").fetchall())


def _shares(published: duckdb.DuckDBPyConnection, finding_class: str, cause: str) -> dict[str, Decimal]:
    rows = published.execute(
        "select item_number, quantity from inventory_finding where finding_class = ? and cause = ?",
        [finding_class, cause],
    ).fetchall()
    assert len(rows) == len({item for item, _ in rows})
    return dict(rows)


def _named(raw: Raw, by_product: dict[int, Any]) -> dict[str, Decimal]:
    """By product number, without zeros."""
    return {raw.numbers[p]: Decimal(q) for p, q in by_product.items() if q}


def test_every_statement_of_the_document_is_what_the_snapshot_says(published: duckdb.DuckDBPyConnection) -> None:
    document = (PROJECT_ROOT / "docs" / "adventureworks.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sql\n(.*?)```", document, re.DOTALL)
    assert len(blocks) > 10
    for block in blocks:
        expected = [line.removeprefix("-- ") for line in block.splitlines() if line.startswith("-- ")]
        rows = published.execute(block).fetchall()
        assert [" | ".join(str(value) for value in row) for row in rows] == expected, block


def test_work_orders_equal_sales_plus_what_parents_call_for(raw: Raw, published: duckdb.DuckDBPyConnection) -> None:
    made: Counter[int] = Counter()
    for order in raw.orders:
        made[order["ProductID"]] += order["OrderQty"]
    sold = raw.sums("S")
    assert len(made) == 238
    assert sum(made.values()) == 4_507_721
    for product, quantity in made.items():
        assert quantity == sold[product] + raw.consumption.get(product, 0), raw.numbers[product]

    rows = published.execute(
        "select item_number, ordered_quantity, produced_quantity, sold_quantity, consumed_quantity "
        "from material_flow_identity where is_closed"
    ).fetchall()
    assert {r[0]: tuple(int(x) for x in r[1:]) for r in rows} == {
        raw.numbers[p]: (q, q, sold[p], int(raw.consumption.get(p, 0))) for p, q in made.items()
    }


def test_bills_call_for_the_same_consumption(raw: Raw, published: duckdb.DuckDBPyConnection) -> None:
    shares = _shares(published, "unposted_in_wms", "component_issue")
    assert shares == {item: -q for item, q in _named(raw, raw.consumption).items()}
    assert len(shares) == 228


def test_rule_22_balance_and_ledger_of_every_product(raw: Raw, published: duckdb.DuckDBPyConnection) -> None:
    rows = published.execute("select item_number, erp_quantity, ledger_quantity, difference from inventory_comparison")
    found = {item: (erp, ledger, difference) for item, erp, ledger, difference in rows.fetchall()}
    stocked = {p["ProductID"] for p in raw.table("Production.ProductInventory")}
    expected = {}
    for product in stocked | set(raw.net_ledger):
        expected[raw.numbers[product]] = (
            Decimal(raw.balance[product]) if product in stocked else None,
            Decimal(raw.net_ledger[product]) if product in raw.net_ledger else None,
            Decimal(raw.balance[product] - raw.net_ledger[product]),
        )
    assert found == expected


def test_rule_23_ledgers_below_zero_are_kept(raw: Raw, published: duckdb.DuckDBPyConnection) -> None:
    negative = {p: q for p, q in raw.net_ledger.items() if q < 0}
    assert _shares(published, "negative_balance", "ledger") == _named(raw, negative)


def test_scrap_that_the_ledger_received(raw: Raw, published: duckdb.DuckDBPyConnection) -> None:
    posted = {t["ReferenceOrderID"]: t for t in raw.ledger if t["TransactionType"] == "W"}
    scrap: Counter[int] = Counter()
    for order in raw.orders:
        assert posted[order["WorkOrderID"]]["Quantity"] == order["OrderQty"]
        scrap[order["ProductID"]] -= order["ScrappedQty"]
    assert _shares(published, "scrap_not_posted", "production_scrap") == _named(raw, scrap)


def test_rule_19_purchase_receipts_by_unit_and_quantity(raw: Raw, published: duckdb.DuckDBPyConnection) -> None:
    missing: Counter[int] = Counter()
    taken_over: Counter[int] = Counter()
    not_stocked: Counter[int] = Counter()
    for line in raw.order_lines:
        factor, receipt = raw.factor(line), raw.receipt(line)
        if factor is None:
            continue
        if receipt is None:
            missing[line["ProductID"]] += line["StockedQty"] * factor
            continue
        assert receipt["ProductID"] == line["ProductID"]
        assert receipt["Quantity"] == line["OrderQty"]
        taken_over[line["ProductID"]] += line["OrderQty"] * (factor - 1)
        not_stocked[line["ProductID"]] += (line["StockedQty"] - line["OrderQty"]) * factor
    assert _shares(published, "unposted_in_wms", "purchase_receipt") == _named(raw, missing)
    assert _shares(published, "unit_of_measure", "receipt_unit_taken_over") == _named(raw, taken_over)
    assert _shares(published, "receipt_quantity", "receipt_posted_not_stocked") == _named(raw, not_stocked)


def test_the_rest_is_classed_by_what_is_known_of_the_product(raw: Raw, published: duckdb.DuckDBPyConnection) -> None:
    explained: dict[str, Decimal] = defaultdict(Decimal)
    for item, quantity in published.execute(
        "select item_number, quantity from inventory_finding where explains_difference and cause <> 'rest'"
    ).fetchall():
        explained[item] += quantity
    unconvertible = {
        line["ProductID"]
        for line in raw.order_lines
        if raw.factor(line) is None and (raw.receipt(line) or line["StockedQty"] > 0)
    }
    moved = set(raw.net_ledger) | set(raw.consumption)
    expected = {}
    for product in set(raw.balance) | set(raw.net_ledger):
        item = raw.numbers[product]
        rest = Decimal(raw.balance[product] - raw.net_ledger[product]) - explained[item]
        closes = raw.net_ledger[product] == raw.consumption.get(product, 0) or product not in moved
        if rest:
            is_opening = closes and rest > 0 and product not in unconvertible
            expected[item] = ("opening_balance_missing" if is_opening else "unexplained", rest)
    rows = published.execute(
        "select item_number, finding_class, quantity from inventory_finding where cause = 'rest'"
    ).fetchall()
    assert {item: (finding_class, quantity) for item, finding_class, quantity in rows} == expected


def test_rule_19_lines_in_an_unknown_unit_are_named_and_explain_nothing(
    raw: Raw, published: duckdb.DuckDBPyConnection
) -> None:
    lines: Counter[int] = Counter()
    posted: Counter[int] = Counter()
    for line in raw.order_lines:
        receipt = raw.receipt(line)
        if raw.factor(line) is None and (receipt or line["StockedQty"] > 0):
            lines[line["ProductID"]] += 1
            posted[line["ProductID"]] += receipt["Quantity"] if receipt else 0
    rows = published.execute(
        "select item_number, (evidence ->> 'order_lines')::int, coalesce((evidence ->> 'posted')::decimal(18, 6), 0) "
        "from inventory_finding where finding_class = 'unit_not_convertible' "
        "and quantity is null and value_at_stake is null and not explains_difference"
    ).fetchall()
    assert {item: (n, q) for item, n, q in rows} == {raw.numbers[p]: (n, posted[p]) for p, n in lines.items()}
    assert _counts(published, "inventory_finding")["unit_not_convertible"] == len(rows)


def test_only_what_nothing_explains_is_to_be_counted(published: duckdb.DuckDBPyConnection) -> None:
    rows = published.execute(
        "select f.item_number from inventory_finding as f "
        "inner join inventory_comparison using (plant_id, item_number) "
        "where f.suggested_action like 'Count %' and abs(difference - f.quantity) > abs(difference)"
    ).fetchall()
    assert rows == []


def test_production_findings(raw: Raw, published: duckdb.DuckDBPyConnection) -> None:
    orders = {o["WorkOrderID"]: o for o in raw.orders}
    routing = raw.table("Production.WorkOrderRouting")
    with_routing = {r["WorkOrderID"] for r in routing}
    per_product: dict[int, list[bool]] = defaultdict(list)
    for key, order in orders.items():
        per_product[order["ProductID"]].append(key in with_routing)
    # all or none of a product's work orders have routing rows
    assert all(len(set(flags)) == 1 for flags in per_product.values())
    assert _counts(published, "production_order_finding") == {
        "late_completion": sum(o["EndDate"] > o["DueDate"] for o in orders.values()),
        "confirmation_after_close": len(
            {r["WorkOrderID"] for r in routing if r["ActualEndDate"] > orders[r["WorkOrderID"]]["EndDate"]}
        ),
        "missing_operations": sum(not any(flags) for flags in per_product.values()),
        "scrap_not_posted": sum(o["ScrappedQty"] > 0 for o in orders.values()),
        "receipt_before_completion": 1,
        "unposted_in_wms": 1,
    }
    early = [
        t
        for t in raw.ledger
        if t["TransactionType"] == "W" and t["TransactionDate"] < orders[t["ReferenceOrderID"]]["EndDate"]
    ]
    assert len(early) == len(orders)
    assert not [t for t in raw.ledger if t["TransactionType"] not in "WPS"]


def _procurement(raw: Raw) -> dict[str, int]:
    vendors = {v["BusinessEntityID"]: v for v in raw.table("Purchasing.Vendor")}
    products = {p["ProductID"]: p for p in raw.table("Production.Product")}
    terms = raw.table("Purchasing.ProductVendor")
    preferred = {
        t["ProductID"]
        for t in terms
        if vendors[t["BusinessEntityID"]]["PreferredVendorStatus"] and vendors[t["BusinessEntityID"]]["ActiveFlag"]
    }
    now = datetime(2026, 1, 1)  # every date in the files is years before
    components = {
        b["ComponentID"]
        for b in raw.table("Production.BillOfMaterials")
        if b["ProductAssemblyID"] is not None and (b["EndDate"] is None or b["EndDate"] + timedelta(days=1) > now)
    }
    outstanding: Counter[tuple[int, int]] = Counter()
    counts: Counter[str] = Counter()
    for line in raw.order_lines:
        vendor, product, receipt = vendors[line["VendorID"]], products[line["ProductID"]], raw.receipt(line)
        is_open = line["Status"] in OPEN
        short = max(line["OrderQty"] - line["ReceivedQty"], 0)
        outstanding[line["ProductID"], line["VendorID"]] += short if is_open else 0
        counts.update(
            {
                "inactive_supplier": is_open and not vendor["ActiveFlag"],
                "non_preferred_supplier": (
                    is_open and not vendor["PreferredVendorStatus"] and line["ProductID"] in preferred
                ),
                "phase_out_item": (
                    is_open
                    and product["SellEndDate"] is not None
                    and product["DiscontinuedDate"] is None
                    and line["ProductID"] not in components
                ),
                "receipt_without_approval": line["Status"] == PENDING and line["ReceivedQty"] > 0,
                "rejected_receipt": line["RejectedQty"] > 0,
                # What is still to come is late; only what is complete is short.
                "short_receipt": short > 0 and line["Status"] == COMPLETE,
                "late_receipt": short > 0 and line["Status"] == APPROVED,
                "over_receipt": line["ReceivedQty"] > line["OrderQty"],
                "late_shipment": line["ShipDate"] > line["DueDate"],
                "due_before_order": line["DueDate"] < line["OrderDate"],
                "receipt_quantity": receipt is not None and receipt["Quantity"] != line["StockedQty"],
                "unposted_in_wms": receipt is None and line["StockedQty"] > 0,
            }
        )
    counts["receipt_before_shipment"] = 1
    counts["order_unit_without_conversion"] = sum(t["UnitMeasureCode"].strip() not in ("EA", "DZ") for t in terms)
    counts["on_order_quantity"] = sum(
        t["OnOrderQty"] is not None and t["OnOrderQty"] != outstanding[t["ProductID"], t["BusinessEntityID"]]
        for t in terms
    )
    return {name: count for name, count in counts.items() if count}


def test_procurement_findings(raw: Raw, published: duckdb.DuckDBPyConnection) -> None:
    assert _counts(published, "procurement_finding") == _procurement(raw)
    posted = [line for line in raw.order_lines if raw.receipt(line)]
    assert len(posted) == len(raw.receipts) == 8_788
    assert all(
        raw.receipts[line["PurchaseOrderID"], line["place"]]["TransactionDate"] == line["OrderDate"] for line in posted
    )


def test_every_finding_has_an_owner_an_action_and_evidence(published: duckdb.DuckDBPyConnection) -> None:
    for table in ("inventory_finding", "production_order_finding", "procurement_finding"):
        incomplete = published.execute(
            f"select count(*) from {table} where owner_role is null or suggested_action is null "
            "or evidence is null or not json_valid(evidence) or severity is null or quantity = 0"
        ).fetchone()
        assert incomplete == (0,), table
