"""The one list of what findings there are and what identifies each: dbt's manifest, with conventions for the rest.

Belongs here: which relations are observed, their domain, business key and the records behind them.
Doesn't belong here: reading rows (`sources`).

A published model called `…_finding` is observed without being named anywhere. Where the conventions don't fit, its YAML
says `meta: {exception: {domain: …, key: […], entity: …}}`.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from mfg_assets.publish import published_tables
from mfg_assets.warehouse.sql import identifier

SUFFIX = "_finding"
# What a finding may be about, in the order in which a key shows it. A table's key is what it has of these.
KEY_COLUMNS = (
    "plant_id",
    "change_number",
    "engineering_change_number",
    "parent_item_number",
    "component_item_number",
    "object_type",
    "object_key",
    "supplier_number",
    "supplier_a",
    "supplier_b",
    "location",
    "item_number",
    "lot_number",
    "stock_status",
    "ownership",
    "attribute",
)


@dataclass(frozen=True)
class FindingTable:
    """A relation whose rows become exceptions.

    Attributes:
        name: the published name.
        relation: `schema.name` in the warehouse.
        unique_id: the model's id in dbt, by which its results name it.
        domain: what the estate's `finding_owners` calls it.
        key: columns of the business key; None takes what the table has of KEY_COLUMNS.
        entity: whose attribute the column `attribute` names, for the stewards of ownership.yaml.
    """

    name: str
    relation: str
    unique_id: str
    domain: str
    key: tuple[str, ...] | None = None
    entity: str | None = None

    @property
    def sql(self) -> str:
        """The relation quoted for SQL."""
        schema, _, name = self.relation.partition(".")
        return f"{identifier(schema)}.{identifier(name)}"


@dataclass(frozen=True)
class Records:
    """Canonical rows behind the findings of a domain: equal columns, and an expression that equals `object_key`."""

    relation: str
    columns: tuple[str, ...]
    object_key: str | None = None


RECORDS: dict[str, tuple[Records, ...]] = {
    "bom": (Records("canonical.bom_line_at_plant", ("plant_id", "parent_item_number", "component_item_number")),),
    "change": (Records("canonical.engineering_change_plant", ("plant_id", "change_number")),),
    "routing": (Records("canonical.routing_operation", ("plant_id", "item_number", "operation_sequence")),),
    "inventory": (
        Records("canonical.inventory_balance", ("plant_id", "item_number")),
        Records("reconciliation.inventory_ledger_leg", ("plant_id", "item_number")),
    ),
    "production": (
        Records("canonical.production_order", ("plant_id",), "production_order_number"),
        Records("canonical.production_confirmation", ("plant_id",), "production_order_number"),
    ),
    "fulfilment": (
        Records("canonical.sales_order_line", ("plant_id",), "sales_order_number || '/' || line_number"),
        Records("canonical.shipment", ("plant_id",), "shipment_number || '/' || line_number"),
    ),
    "procurement": (
        Records("canonical.purchase_order_line", ("plant_id",), "purchase_order_number || '/' || line_number"),
        Records("canonical.supplier_item", ("item_number",), "supplier_number || '/' || item_number"),
    ),
}
_ENTITIES = {"bom": "bom_line", "routing": "routing_operation"}


def finding_tables(manifest_path: Path) -> list[FindingTable]:
    """Every relation whose rows become exceptions, by name.

    Raises:
        PublicationError: the manifest can't be read.
    """
    published = {table.name for table in published_tables(manifest_path)}
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    found = []
    for unique_id, node in manifest.get("nodes", {}).items():
        name = str(node.get("alias") or node.get("name"))
        declared = ((node.get("config") or {}).get("meta") or {}).get("exception")
        if node.get("resource_type") != "model" or not (declared or (name in published and name.endswith(SUFFIX))):
            continue
        declared = declared or {}
        domain = str(declared.get("domain") or name.removesuffix(SUFFIX))
        key = tuple(declared["key"]) if declared.get("key") else None
        entity = declared.get("entity") or _ENTITIES.get(domain)
        found.append(FindingTable(name, f"{node['schema']}.{name}", unique_id, domain, key, entity))
    return sorted(found, key=lambda table: table.name)


def built(tables: Collection[FindingTable], results_path: Path) -> list[FindingTable]:
    """Those tables that dbt's last invocation really built, which may have been a part of the project only."""
    if not results_path.is_file():
        return []
    results = json.loads(results_path.read_text(encoding="utf-8"))["results"]
    done = {node["unique_id"] for node in results if node["status"] == "success"}
    return [table for table in tables if table.unique_id in done]
