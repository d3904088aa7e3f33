"""The two derived dbt tests, compiled by dbt and run on rows that break each rule."""

from __future__ import annotations

import duckdb
import pytest

from mfg_assets.contracts import PLATFORM_COLUMNS, Contract, contracts
from mfg_assets.contracts.derive import BATCH_COLUMNS, typed_empty_select
from mfg_assets.settings import Settings
from tests.compiled_sql import compile_models
from tests.contract.contract_records import broken_records, good_record

CONTRACTS = list(contracts().values())
each_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.entity)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Compiled SQL of the derived tests by name."""
    folder = tmp_path_factory.mktemp("compiled")
    settings = Settings(home=folder / "home", memory_limit="500MB", threads=1)  # pyright: ignore[reportCallIssue]
    return compile_models(settings, folder / "target", "source:landing")


@pytest.fixture
def landing() -> duckdb.DuckDBPyConnection:
    """Empty landing tables of all entities."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute("create schema landing")
    batch = ", ".join(f"null::{sql_type} as {name}" for name, (sql_type, _) in BATCH_COLUMNS.items())
    for contract in CONTRACTS:
        connection.execute(
            f"create table landing.{contract.entity} as select *, {batch} from ({typed_empty_select(contract)})"
        )
    return connection


def insert(
    landing: duckdb.DuckDBPyConnection,
    contract: Contract,
    values: dict[str, str | None],
    row: int = 1,
    system: str = "s",
) -> None:
    given = {k: v for k, v in values.items() if v is not None} | {
        "source_system": system,
        "source_row": row,
        "is_in_force": True,
    }
    columns, marks = ", ".join(given), ", ".join("?" * len(given))
    landing.execute(f"insert into landing.{contract.entity} ({columns}) values ({marks})", list(given.values()))


@each_contract
def test_contract_holds_finds_each_broken_rule_and_nothing_else(
    compiled: dict[str, str], landing: duckdb.DuckDBPyConnection, contract: Contract
) -> None:
    insert(landing, contract, good_record(contract), row=0)
    expected = {}
    checkable = (b for b in broken_records(contract) if b.rule.violation is not None)
    for row, broken in enumerate(checkable, start=1):
        insert(landing, contract, broken.values, row)
        expected[row] = [f"{broken.rule.column}: {broken.rule.reason}"]
    query = compiled[f"contract_holds_{contract.entity}"]
    found = landing.execute(f"select source_row, broken_rules from ({query})").fetchall()
    assert dict(found) == expected
    assert expected or not contract.required


def test_references_resolve_names_what_nobody_delivered(
    compiled: dict[str, str], landing: duckdb.DuckDBPyConnection
) -> None:
    known = contracts()
    lines = known["purchase_order_line"]
    insert(landing, known["item"], good_record(known["item"]) | {"item_number": "FRAME"}, system="plm")
    numbers = {"system": "erp", "native_id": "738", "item_number": "FRAME", "kind": "native_number"}
    insert(landing, known["item_cross_reference"], dict(numbers), system="erp")
    orders = good_record(known["purchase_order"]) | {"purchase_order_number": "4711"}
    insert(landing, known["purchase_order"], orders, system="erp")
    line = good_record(lines) | {"purchase_order_number": "4711"}
    insert(landing, lines, line | {"item_number": "738"}, system="erp")
    insert(landing, lines, line | {"item_number": "FRAME", "line_number": "2"}, system="erp")
    # 738 is a number of erp, not of this one
    insert(landing, lines, line | {"item_number": "738", "line_number": "3"}, system="portal")
    insert(landing, lines, line | {"item_number": "738", "purchase_order_number": "4712"}, system="erp")
    query = compiled["references_resolve_purchase_order_line"]
    found = landing.execute(
        f"select source_system, column_name, value, row_count from ({query}) order by all"
    ).fetchall()
    assert found == [("erp", "purchase_order_number", "4712", 1), ("portal", "item_number", "738", 1)]


def test_platform_columns_are_outside_the_contract_s_tests(compiled: dict[str, str]) -> None:
    holds = [sql for name, sql in compiled.items() if name.startswith("contract_holds_")]
    assert len(holds) == len(CONTRACTS)
    assert not any(f'"{name}"' in sql for sql in holds for name in PLATFORM_COLUMNS)
