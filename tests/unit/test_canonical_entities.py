"""The canonical models of what has no transformation of its own kind: numbers, units, versions and the few joins.

Compiled by dbt and run on landing tables with a handful of rows, so that every entity of the contracts is held to the
same rules without a run for each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from ruamel.yaml import YAML

from mfg_assets.contracts import contracts
from mfg_assets.contracts.derive import BATCH_COLUMNS, typed_empty_select
from mfg_assets.quality import load_suites
from mfg_assets.settings import PROJECT_ROOT
from tests.compiled_sql import Models, all_models
from tests.contract.contract_records import good_record, other_content

SEEN = datetime(2026, 5, 1, tzinfo=UTC)
PLAIN = [
    "advance_ship_notice",
    "approved_manufacturer",
    "change_log",
    "cycle_count",
    "dispatch_list",
    "document",
    "downtime_event",
    "engineering_change",
    "engineering_change_item",
    "engineering_change_plant",
    "nonconformance",
    "production_order_component",
    "purchase_order_acknowledgement",
    "purchase_requisition",
    "quality_hold",
    "reservation",
    "sales_order_line",
    "schedule_operation",
    "shipment",
    "sync_acknowledgement",
    "transfer_order",
]
# Entities whose quantities are of the item in item_number, with those quantities.
COUNTED = {
    name: [c.name for c in contracts()[name].columns if c.unit == "unit"]
    for name in PLAIN
    if "item_number" in {c.name for c in contracts()[name].columns} and name != "engineering_change_item"
}
COUNTED = {name: quantities for name, quantities in COUNTED.items() if quantities}
SUITES = load_suites(PROJECT_ROOT / "expectations")
GATES = {e.name for suite in SUITES for e in suite.expectations if e.severity == "blocking"}
MASTER = [
    "staging.stg_item_cross_reference",
    "staging.item_native_id",
    "staging.stg_item",
    "staging.stg_item_revision",
    "staging.stg_item_unit_conversion",
    "staging.stg_purchase_order_line",
    "canonical.item",
    "canonical.item_unit_conversion",
    "canonical.item_unit",
    "canonical.purchase_order_line",
]


class Landing:
    """Landing tables of every entity, and the canonical models over them."""

    def __init__(self, models: Models) -> None:
        self.models = models

    def add(self, entity: str, number: int = 0, *, seen: datetime = SEEN, source: str = "erp", **values: Any) -> None:
        """Land a record that keeps its contract, with other values where named. Another number is another key."""
        record: dict[str, Any] = {**good_record(contracts()[entity], number), **values}
        record |= {"source_system": source, "batch_id": f"b{seen:%H%M}", "recorded_at": seen, "extracted_at": seen}
        record |= {"delivery": "snapshot", "is_in_force": True, "is_deleted": values.get("is_deleted", False)}
        record |= {"batch_sequence": 1, "source_file": "f", "source_row": number}
        columns, marks = ", ".join(record), ", ".join("?" * len(record))
        self.models.connection.execute(
            f"insert into landing.{entity} ({columns}) values ({marks})", list(record.values())
        )

    def canonical(self, entity: str, columns: str) -> list[tuple[Any, ...]]:
        """Columns of the entity's canonical rows, in order."""
        self.models.build([*MASTER, f"canonical.{entity}"])
        return self.models.rows(f"select {columns} from canonical.{entity} order by all")


@pytest.fixture(scope="module")
def models() -> Iterator[Models]:
    """All models over empty landing tables."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for schema in ("landing", "staging", "canonical", "estate", "platform"):
            connection.execute(f"create schema {schema}")
        batch = ", ".join(f"null::{sql_type} as {name}" for name, (sql_type, _) in BATCH_COLUMNS.items())
        for contract in contracts().values():
            connection.execute(
                f"create table landing.{contract.entity} as select *, {batch} from ({typed_empty_select(contract)})"
            )
        connection.execute("create table platform.run as select timestamptz '2026-06-01' as as_of")
        connection.execute(
            "create table estate.attribute_owner (entity varchar, attribute varchar, plant_id varchar, "
            "item_type varchar, source_system varchar, priority integer)"
        )
        seed = PROJECT_ROOT / "dbt_project" / "seeds" / "unit_of_measure_unece.csv"
        connection.execute(f"create table canonical.unit_of_measure_unece as select * from read_csv('{seed}')")
        yield Models(all_models(), connection)


@pytest.fixture
def landing(models: Models) -> Iterator[Landing]:
    """Two items: FRAME counts in pieces, 12 to a box, and erp calls it 7; PAINT is weighed."""
    # what a test lands and builds is gone after it
    models.connection.execute("begin")
    filled = Landing(models)
    filled.add("item", item_number="FRAME", base_unit="EA")
    filled.add("item", item_number="PAINT", base_unit="KGM")
    filled.add("item_unit_conversion", item_number="FRAME", alternative_unit="BX", numerator="12", denominator="1")
    filled.add("item_cross_reference", system="erp", native_id="7", item_number="FRAME", kind="native_number")
    yield filled
    models.connection.execute("rollback")


@pytest.mark.parametrize("entity", COUNTED)
def test_rule_19_quantities_come_in_the_item_s_base_unit_or_not_at_all(entity: str, landing: Landing) -> None:
    quantities = COUNTED[entity]
    counted: dict[str, Any] = dict.fromkeys(quantities, "3")
    for number, unit in enumerate(["EA", "BX", "LTR"]):
        landing.add(entity, number, item_number="7", unit=unit, **counted)
    base = ", ".join(f"base_{q}" for q in quantities)
    found = landing.canonical(entity, f"unit, item_number, native_item_number, base_unit, {base}")
    expected = [("BX", 36), ("EA", 3), ("LTR", None)]
    assert found == [(unit, "FRAME", "7", "EA", *[n and Decimal(n)] * len(quantities)) for unit, n in expected]


@pytest.mark.parametrize("entity", PLAIN)
def test_rule_32_a_row_stands_once_however_often_it_comes(entity: str, landing: Landing) -> None:
    contract = contracts()[entity]
    for again in range(3):
        landing.add(entity, seen=SEEN + timedelta(hours=again))
    landing.add(entity, source="other")
    found = landing.canonical(entity, "source_system, batch_id")
    # of an event the first stands, of anything else the newest
    assert found == [("erp", "b0000" if contract.kind == "event" else "b0200"), ("other", "b0000")]


@pytest.mark.parametrize("entity", [name for name in PLAIN if contracts()[name].kind == "record"])
def test_what_its_system_deleted_is_gone(entity: str, landing: Landing) -> None:
    landing.add(entity)
    landing.add(entity, seen=SEEN + timedelta(hours=1), is_deleted=True)
    assert landing.canonical(entity, "batch_id") == []


@pytest.mark.parametrize("entity", PLAIN)
def test_every_value_arrives_as_it_landed(entity: str, landing: Landing) -> None:
    contract = contracts()[entity]
    landing.add(entity)
    columns = ", ".join(c.name for c in contract.columns)
    landed = landing.models.rows(f"select {columns} from landing.{entity}")
    # nothing has these items, order lines or plants, so nothing is resolved
    assert landing.canonical(entity, columns) == landed


@pytest.mark.parametrize("entity", PLAIN)
def test_inlined_staging_has_the_columns_that_it_describes(entity: str, landing: Landing) -> None:
    landing.models.build(MASTER)
    found = landing.models.rows(f"describe {landing.models.sql[f'stg_{entity}']}")
    path = PROJECT_ROOT / "dbt_project" / "models" / "staging" / f"stg_{entity}.yml"
    (model,) = YAML(typ="safe").load(path)["models"]
    assert [column["name"] for column in model["columns"]] == [name for name, *_ in found]


@pytest.mark.parametrize("entity", PLAIN)
def test_a_suite_finds_a_row_that_stands_twice_and_nothing_that_blocks_in_a_good_one(
    entity: str, landing: Landing
) -> None:
    landing.models.connection.execute("create table estate.system as select 'erp' as source_system")
    landing.models.build([*MASTER, "staging.stg_production_order", "canonical.production_order"])
    landing.models.build(["canonical.engineering_change"])
    landing.add(entity)
    assert len(landing.canonical(entity, "*")) == 1
    assert {name: count for name, count in failing(entity, landing).items() if count and name in GATES} == {}
    landing.models.connection.execute(f"insert into canonical.{entity} from canonical.{entity}")
    assert failing(entity, landing)["unique_key"] == 2


def failing(entity: str, landing: Landing) -> dict[str, int]:
    """How many rows of the canonical table fail each expectation of its suite."""
    (suite,) = (suite for suite in SUITES if suite.table == f"canonical.{entity}")
    queries = {e.name: e.failing_rows(suite.sql) for e in suite.expectations}
    return {name: len(landing.models.rows(query)) for name, query in queries.items() if query is not None}


def test_a_change_counts_each_component_in_its_own_unit(landing: Landing) -> None:
    landing.add(
        "engineering_change_item",
        item_number="7",
        action="replace",
        old_component_item_number="7",
        new_component_item_number="PAINT",
        old_quantity="2",
        new_quantity="500",
        unit="GRM",
    )
    landing.add(
        "engineering_change_item",
        1,
        item_number="7",
        action="quantity",
        old_component_item_number=None,
        new_component_item_number=None,
        old_quantity="1",
        new_quantity="2",
        unit="BX",
    )
    found = landing.canonical(
        "engineering_change_item",
        "item_number, old_component_item_number, base_old_quantity, old_base_unit, base_new_quantity, new_base_unit",
    )
    assert found == [
        ("FRAME", "FRAME", None, "EA", Decimal("0.5"), "KGM"),
        ("FRAME", None, Decimal(12), "EA", Decimal(24), "EA"),
    ]


@pytest.fixture
def answered(landing: Landing) -> Landing:
    """An order line of erp for a frame, answered through a portal in boxes."""
    landing.add("purchase_order_line", purchase_order_number="4711", line_number="1", item_number="7", plant_id="P1")
    landing.add(
        "purchase_order_acknowledgement",
        source="portal",
        purchase_order_number="4711",
        line_number="1",
        promised_quantity="2",
        unit="BX",
    )
    return landing


ANSWER = "plant_id, item_number, promised_quantity, base_promised_quantity, base_unit"


def test_an_answer_takes_item_and_plant_from_the_line_it_answers(answered: Landing) -> None:
    found = answered.canonical("purchase_order_acknowledgement", ANSWER)
    assert found == [("P1", "FRAME", Decimal(2), Decimal(24), "EA")]


def test_an_answer_to_a_line_on_which_systems_disagree_takes_neither_item(answered: Landing) -> None:
    answered.add(
        "purchase_order_line",
        source="other",
        purchase_order_number="4711",
        line_number="1",
        item_number="PAINT",
        plant_id="P1",
    )
    found = answered.canonical("purchase_order_acknowledgement", ANSWER)
    assert found == [("P1", None, Decimal(2), None, None)]


def test_goods_on_their_way_go_where_their_order_line_goes(answered: Landing) -> None:
    line: dict[str, Any] = {"purchase_order_number": "4711", "purchase_order_line_number": "1"}
    answered.add("advance_ship_notice", 0, plant_id=None, **line)
    answered.add("advance_ship_notice", 1, plant_id="P2", **line)
    answered.add("advance_ship_notice", 2, plant_id=None, purchase_order_number=None)
    assert answered.canonical("advance_ship_notice", "asn_number, plant_id") == [
        ("A1", "P1"),
        ("A2", "P2"),
        ("A3", None),
    ]


@pytest.mark.parametrize("entity", [name for name, c in contracts().items() if c.kind == "event"])
def test_rule_32_an_event_that_comes_again_with_other_content_is_a_conflict(entity: str, landing: Landing) -> None:
    contract = contracts()[entity]
    later = SEEN + timedelta(hours=1)
    landing.add(entity)
    landing.add(entity, seen=later)
    changed: dict[str, Any] = {**other_content(contract, good_record(contract, 1))}
    landing.add(entity, 1)
    landing.add(entity, 1, seen=later, **changed)
    found = landing.canonical("event_conflict", "entity, event_key, kept_batch_id, refused_batch_id")
    assert found == [(entity, "A2", "b0000", "b0100")]
    contents = landing.models.rows("select kept_content, refused_content from canonical.event_conflict")
    assert all(json.loads(kept) != json.loads(refused) for kept, refused in contents)


def test_a_compliance_flag_is_believed_of_its_owner(landing: Landing) -> None:
    landing.add("item", source="plm", item_number="FRAME", base_unit="EA", is_regulated="false")
    landing.models.connection.execute(
        "insert into estate.attribute_owner values ('item', 'is_regulated', null, null, 'plm', 1), "
        "('item', 'is_regulated', null, null, 'erp', 2)"
    )
    found = landing.canonical("item", "item_number, is_regulated, is_regulated_source")
    assert found == [("FRAME", False, "plm"), ("PAINT", True, "erp")]


def test_the_list_of_entities_is_whole() -> None:
    """Every canonical entity that isn't here has a test or a reconciliation of its own; a new one belongs here."""
    models = PROJECT_ROOT / "dbt_project" / "models" / "staging"
    inlined = [p.stem for p in models.glob("stg_*.sql") if "materialized='ephemeral'" in p.read_text()]
    assert sorted(f"stg_{name}" for name in PLAIN) == sorted(inlined)
