"""dbt sources, documentation and the typed empty relation say exactly what the contracts say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from mfg_assets.contracts import PLATFORM_COLUMNS, Contract, contracts, derive
from mfg_assets.contracts.rules import REASONS, rules

CONTRACTS = list(contracts().values())
each_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.entity)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The written sources file, read back, by table."""
    path = derive.write_dbt_sources(tmp_path_factory.mktemp("project"))
    (source,) = yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]
    assert (source["name"], source["schema"]) == ("landing", "landing")
    return {table["name"]: table for table in source["tables"]}


def test_sources_cover_every_contract(tables: dict[str, Any]) -> None:
    assert list(tables) == list(contracts())


@each_contract
def test_source_columns_are_the_contract_s(tables: dict[str, Any], contract: Contract) -> None:
    columns = tables[contract.entity]["columns"]
    own = columns[: len(contract.columns)]
    assert [(c["name"], c["data_type"], c["description"]) for c in own] == [
        (c.name, c.sql_type, c.description) for c in contract.columns
    ]
    assert [c["name"] for c in columns[len(own) :]] == [*PLATFORM_COLUMNS, *derive.BATCH_COLUMNS]
    assert all(c["description"] for c in columns)


@each_contract
def test_source_meta_carries_key_and_kind(tables: dict[str, Any], contract: Contract) -> None:
    meta = tables[contract.entity]["config"]["meta"]
    assert (meta["key"], meta["kind"], meta["event_column"]) == (
        list(contract.key),
        contract.kind,
        contract.event_column,
    )


@each_contract
def test_source_tests_carry_every_rule_of_the_contract(tables: dict[str, Any], contract: Contract) -> None:
    """Counted from the contract's columns, not from the rules that both sides share."""
    tests = {name: body for test in tables[contract.entity]["data_tests"] for name, body in test.items()}
    checked = {(rule["column"], rule["reason"]) for rule in tests["contract_holds"]["arguments"]["rules"]}
    expected = set()
    for c in contract.columns:
        expected |= {(c.name, "missing_required")} if c.required else set()
        expected |= {(c.name, "not_in_enumeration")} if c.enumeration else set()
        limits = (c.minimum, c.maximum, c.exclusive_minimum)
        expected |= {(c.name, "out_of_range")} if any(v is not None for v in limits) else set()
        expected |= {(c.name, "too_long")} if c.max_length is not None else set()
        expected |= {(c.name, "pattern_mismatch")} if c.pattern is not None else set()
    assert checked == expected
    assert tests["contract_holds"]["config"]["severity"] == "error"
    references = {
        (r["column"], r["to_entity"], r["to_column"])
        for r in tests.get("references_resolve", {"arguments": {"references": []}})["arguments"]["references"]
    }
    assert references == {
        (c.name, c.references.entity, c.references.column) for c in contract.columns if c.references is not None
    }


@each_contract
def test_names_of_source_tests_are_those_in_the_sources_file(tables: dict[str, Any], contract: Contract) -> None:
    written = [body["name"] for test in tables[contract.entity]["data_tests"] for body in test.values()]
    assert derive.dbt_source_tests(contract) == written
    assert f"contract_holds_{contract.entity}" in written


def test_sources_file_is_only_written_when_it_changes(tmp_path: Path) -> None:
    path = derive.write_dbt_sources(tmp_path)
    first = path.stat().st_mtime_ns
    assert derive.write_dbt_sources(tmp_path).stat().st_mtime_ns == first
    path.write_text("sources: []", encoding="utf-8")
    derive.write_dbt_sources(tmp_path)
    assert "contract_holds_item" in path.read_text(encoding="utf-8")
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@each_contract
def test_typed_empty_select_has_the_contract_s_types(contract: Contract) -> None:
    relation = duckdb.connect().sql(derive.typed_empty_select(contract))
    names = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
    found = [(name, names.get(str(t), str(t))) for name, t in zip(relation.columns, relation.types, strict=True)]
    assert found == [(c.name, c.sql_type) for c in contract.columns] + [
        (name, sql_type) for name, (sql_type, _) in PLATFORM_COLUMNS.items()
    ]
    assert relation.fetchall() == []


@each_contract
def test_documentation_shows_every_column_and_reason(contract: Contract) -> None:
    page = derive.markdown(contract)
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in page.splitlines() if line.startswith("| ")}
    for column in contract.columns:
        row = rows[column.name]
        assert f" {column.sql_type} " in row
        assert column.description in row
        assert ("| yes |" in row) == column.required
        assert all(f"`{word}`" in row for word in column.enumeration)
        reasons = [rule.reason for rule in rules(contract) if rule.column == column.name]
        assert all(f"`{reason}`" in row for reason in reasons)
    assert ", ".join(contract.key) in page


def test_documentation_has_a_page_per_entity_and_explains_reasons(tmp_path: Path) -> None:
    pages = {path.stem: path.read_text(encoding="utf-8") for path in derive.write_docs(tmp_path)}
    assert set(pages) == {"index", *contracts()}
    assert all(f"({entity}.md)" in pages["index"] for entity in contracts())
    assert all(f"`{reason}`" in pages["index"] for reason in REASONS)
