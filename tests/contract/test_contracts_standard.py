"""The contract files themselves: valid by the standard, complete, and coherent with each other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from mfg_assets.contracts import PLATFORM_COLUMNS, Contract, contracts
from mfg_assets.contracts.registry import ENTITIES_DIR
from mfg_assets.contracts.rules import REASONS, rules

FILES = sorted(ENTITIES_DIR.glob("*.yaml"))
CONTRACTS = list(contracts().values())
ASKED_FOR = {
    "item",
    "item_plant",
    "item_revision",
    "item_unit_conversion",
    "item_cross_reference",
    "supplier",
    "supplier_item",
    "plant_location",
    "bom_header",
    "bom_line",
    "routing_operation",
    "purchase_order",
    "purchase_order_line",
    "production_order",
    "production_operation",
    "production_confirmation",
    "material_consumption",
    "inventory_balance",
    "inventory_movement",
    "engineering_change",
    "engineering_change_item",
    "engineering_change_plant",
    "approved_manufacturer",
    "document",
    "purchase_requisition",
    "purchase_order_acknowledgement",
    "advance_ship_notice",
    "production_order_component",
    "downtime_event",
    "dispatch_list",
    "schedule_operation",
    "reservation",
    "cycle_count",
    "quality_hold",
    "nonconformance",
    "transfer_order",
    "shipment",
    "sales_order_line",
    "sync_acknowledgement",
    "change_log",
}
LOGICAL_TYPES = {
    "VARCHAR": "string",
    "BOOLEAN": "boolean",
    "INTEGER": "integer",
    "BIGINT": "integer",
    "DATE": "date",
    "TIMESTAMPTZ": "timestamp",
}

each_file = pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
each_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.entity)


def test_every_entity_has_a_contract() -> None:
    assert set(contracts()) >= ASKED_FOR


@each_file
def test_file_is_valid_by_the_standard(path: Path) -> None:
    schema = json.loads(OpenDataContractStandard.json_schema())
    validator = jsonschema.Draft201909Validator(schema)
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    problems = [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(document)]
    assert problems == []


@each_file
def test_logical_type_agrees_with_the_warehouse_type(path: Path) -> None:
    for column in yaml.safe_load(path.read_text(encoding="utf-8"))["schema"][0]["properties"]:
        expected = LOGICAL_TYPES.get(column["physicalType"], "number")
        assert (column["name"], column["logicalType"]) == (column["name"], expected)


@each_file
def test_every_word_of_an_enumeration_is_explained(path: Path) -> None:
    for column in yaml.safe_load(path.read_text(encoding="utf-8"))["schema"][0]["properties"]:
        for word in column.get("enum", []):
            assert word.get("description"), f"{column['name']}: {word['value']}"
            assert re.fullmatch(r"[a-z][a-z_]*", str(word["value"])), f"{column['name']}: {word['value']}"


@each_contract
def test_names_say_what_a_column_holds(contract: Contract) -> None:
    names = [c.name for c in contract.columns]
    assert len(names) == len(set(names))
    assert not set(names) & set(PLATFORM_COLUMNS)
    for column in contract.columns:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        is_instant_s_name = column.name.endswith(("_at", "_from", "_to", "_until", "as_of"))
        assert column.sql_type != "TIMESTAMPTZ" or is_instant_s_name, column.name
        assert (column.sql_type == "DATE") == column.name.endswith("_date"), column.name
        assert (column.sql_type == "BOOLEAN") == column.name.startswith(("is_", "has_")), column.name


@each_contract
def test_rule_20_numbers_are_exact(contract: Contract) -> None:
    for column in contract.columns:
        assert column.sql_type not in ("DOUBLE", "FLOAT", "REAL")
        if re.search(r"quantity|price|cost|amount|stock|weight|numerator|denominator", column.name):
            assert column.sql_type.startswith("DECIMAL") or column.sql_type in ("BOOLEAN", "VARCHAR"), column.name


@each_contract
def test_every_quantity_and_amount_says_its_unit(contract: Contract) -> None:
    """In words, in another column of the row, or in the item's base unit."""
    names = {c.name for c in contract.columns}
    for column in contract.columns:
        if column.sql_type == "DECIMAL(18,6)":
            assert column.unit in names | {"base_unit", "hours"}, column.name
            if column.unit in names:
                assert contract.column(column.unit).code_type in ("unit", "currency"), column.name
                # a quantity that must be there is worth nothing without its unit
                assert contract.column(column.unit).required or not column.required, column.name


@each_contract
def test_key_and_order_are_sound(contract: Contract) -> None:
    positions = sorted(c.key_position for c in contract.columns if c.key_position is not None)
    assert positions == list(range(1, len(positions) + 1))
    assert any(contract.column(name).required for name in contract.key), "a record must be recognisable"
    if contract.kind == "event":
        assert all(contract.column(name).required for name in contract.key)
        assert contract.event_column is not None
    if contract.event_column is not None:
        ordering = contract.column(contract.event_column)
        assert (ordering.sql_type, ordering.required) == ("TIMESTAMPTZ", True)


@each_contract
def test_references_point_at_an_existing_column_of_the_same_type(contract: Contract) -> None:
    for column in contract.columns:
        if column.references is not None:
            target = contracts()[column.references.entity].column(column.references.column)
            assert target.sql_type == column.sql_type
            assert target.key_position is not None


@each_contract
def test_descriptions_are_sentences(contract: Contract) -> None:
    for text in (contract.description, contract.grain, *(c.description for c in contract.columns)):
        assert re.match(r"[A-Z0-9]", text), text
        assert text.endswith("."), text


@each_contract
def test_every_reason_is_explained(contract: Contract) -> None:
    assert {rule.reason for rule in rules(contract)} <= set(REASONS)
