"""The history of bill lines against its deliveries: what it says of an instant is what was delivered then.

The model's own SQL runs on random snapshots, proven and unproven; a plain replay of the deliveries is the judge.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from mfg_assets.contracts import contracts
from mfg_assets.contracts.derive import BATCH_COLUMNS, typed_empty_select
from mfg_assets.settings import Settings
from tests.compiled_sql import Models, compile_models

START = datetime(2026, 3, 1, tzinfo=UTC)
Lines = dict[str, tuple[str, Decimal]]
Delivery = tuple[Lines, bool]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    """bom_line_history over empty landing tables; every item counts in pieces."""
    folder = tmp_path_factory.mktemp("history")
    sql = compile_models(Settings(home=folder / "home"), folder / "target", "bom_line_history")  # pyright: ignore[reportCallIssue]
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for schema in ("landing", "staging", "canonical", "estate", "platform"):
            connection.execute(f"create schema {schema}")
        batch = ", ".join(f"null::{sql_type} as {name}" for name, (sql_type, _) in BATCH_COLUMNS.items())
        for entity in ("bom_line", "bom_header"):
            connection.execute(
                f"create table landing.{entity} as select *, {batch} from ({typed_empty_select(contracts()[entity])})"
            )
        connection.execute(
            """
            create table staging.item_native_id (source_system varchar, native_id varchar, item_number varchar);
            create table canonical.item as select unnest(['A', 'B', 'C', 'D']) as item_number, 'EA' as base_unit;
            create table canonical.item_unit as
                select item_number, 'EA' as unit, 1 as numerator, 1 as denominator from canonical.item;
            create table estate.system_plant as select 'erp' as source_system, 'P1' as plant_id;
            create table estate.extract as select 'erp' as source_system, 'bom_line' as entity;
            create table platform.current_batch (
                batch_id varchar, source_system varchar, extract_name varchar, delivery varchar,
                extracted_at timestamptz, batch_sequence bigint
            );
            create table platform.batch_manifest (batch_id varchar, entity varchar, completeness varchar);
            """
        )
        yield Models(sql, connection)


def deliveries(dice: random.Random) -> list[Delivery]:
    """Nights of lines that come, go and change; some can't be proven whole."""
    result: list[Delivery] = []
    lines: Lines = {}
    for _ in range(dice.randrange(1, 8)):
        lines = dict(lines)
        for line in ("10", "20", "30"):
            match dice.randrange(6):
                case 0:
                    lines.pop(line, None)
                case 1 | 2:
                    lines[line] = (dice.choice("BCD"), Decimal(dice.randrange(1, 4)))
                case _:
                    pass
        result.append((lines, dice.random() < 0.8))
    return result


def night(number: int) -> datetime:
    return START + timedelta(days=number)


def build(models: Models, nights: list[Delivery], order: list[int]) -> list[tuple[Any, ...]]:
    """The history of these deliveries, landed in this order."""
    connection = models.connection
    for table in ("landing.bom_line", "platform.current_batch", "platform.batch_manifest"):
        connection.execute(f"delete from {table}")
    for number in order:
        lines, is_proven = nights[number]
        batch, at = f"b{number}", night(number)
        connection.execute(
            "insert into platform.current_batch values (?, 'erp', 'lines', 'snapshot', ?, ?)", [batch, at, number + 1]
        )
        connection.execute(
            "insert into platform.batch_manifest values (?, 'bom_line', ?)",
            [batch, "proven" if is_proven else "unproven"],
        )
        for row, (line, (component, quantity)) in enumerate(lines.items()):
            connection.execute(
                "insert into landing.bom_line (source_system, extract_name, batch_id, source_file, source_row, "
                "parent_item_number, line_id, component_item_number, quantity, unit, recorded_at, correlation_id, "
                "delivery, extracted_at, batch_sequence) "
                "values ('erp', 'lines', ?, 'f', ?, 'A', ?, ?, ?, 'EA', ?, ?, 'snapshot', ?, ?)",
                [batch, row, line, component, quantity, at, f"{batch}:{row}", at, number + 1],
            )
    models.build(["canonical.bom_line_history"])
    return models.rows("select * from canonical.bom_line_history order by all")


def replayed(nights: list[Delivery], until: int) -> Lines:
    """What the system is known to hold after a delivery: a proven one replaces everything, another only adds."""
    held: Lines = {}
    for lines, is_proven in nights[: until + 1]:
        held = dict(lines) if is_proven else {**held, **lines}
    return held


@pytest.mark.parametrize("seed", range(25))
def test_rule_31_at_each_delivery_the_history_holds_what_was_known_then(models: Models, seed: int) -> None:
    nights = deliveries(random.Random(seed))  # noqa: S311
    build(models, nights, list(range(len(nights))))
    for number in range(len(nights)):
        held = models.connection.execute(
            "select line_id, component_item_number, quantity_per from canonical.bom_line_history "
            "where recorded_from <= $at and (recorded_to is null or recorded_to > $at)",
            {"at": night(number)},
        ).fetchall()
        assert {line: (component, quantity) for line, component, quantity in held} == replayed(nights, number)
        assert len(held) == len(replayed(nights, number))


@pytest.mark.parametrize("seed", range(25))
def test_rule_04_the_order_in_which_deliveries_land_changes_nothing(models: Models, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    nights = deliveries(dice)
    straight = list(range(len(nights)))
    assert build(models, nights, straight) == build(models, nights, dice.sample(straight, len(straight)))


@pytest.mark.parametrize("seed", range(25))
def test_a_version_lasts_as_long_as_nothing_else_is_said(models: Models, seed: int) -> None:
    nights = deliveries(random.Random(seed))  # noqa: S311
    build(models, nights, list(range(len(nights))))
    twice = models.rows(
        "select a.line_id from canonical.bom_line_history as a inner join canonical.bom_line_history as b "
        "on a.line_id = b.line_id and a.recorded_to = b.recorded_from "
        "and a.component_item_number = b.component_item_number and a.quantity_per = b.quantity_per"
    )
    assert twice == []
    again = nights + [(replayed(nights, len(nights) - 1), True)] * 3
    before = {row[:9] for row in models.rows("select * from canonical.bom_line_history")}
    assert {row[:9] for row in build(models, again, list(range(len(again))))} == before
