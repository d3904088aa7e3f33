"""The history of bill lines against its deliveries: what it says of an instant is what was delivered then.

The model's own SQL runs on random snapshots, proven and unproven; a plain replay of the deliveries is the judge. Each
series of deliveries is another system's, so that all are built at once.
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
from tests.compiled_sql import Models, all_models

START = datetime(2026, 3, 1, tzinfo=UTC)
SYSTEMS = [f"erp{number}" for number in range(60)]
Lines = dict[str, tuple[str, Decimal]]
Delivery = tuple[Lines, bool]


@pytest.fixture(scope="module")
def models() -> Iterator[Models]:
    """bom_line_history over empty landing tables; every item counts in pieces."""
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
            create table estate.system_plant (source_system varchar, plant_id varchar);
            create table estate.extract (source_system varchar, entity varchar);
            create table platform.current_batch (
                batch_id varchar, source_system varchar, extract_name varchar, delivery varchar,
                extracted_at timestamptz, batch_sequence bigint
            );
            create table platform.batch_manifest (batch_id varchar, entity varchar, completeness varchar);
            """
        )
        models = Models(all_models(), connection)
        models.fill("estate.system_plant", [[system, "P1"] for system in SYSTEMS])
        models.fill("estate.extract", [[system, "bom_line"] for system in SYSTEMS])
        yield models


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


def build(models: Models, told: dict[str, list[Delivery]], order: dict[str, list[int]]) -> list[tuple[Any, ...]]:
    """The history of these deliveries of every system, landed in this order."""
    batches: list[list[Any]] = []
    manifests: list[list[Any]] = []
    rows: list[list[Any]] = []
    for system, nights in told.items():
        for number in order[system]:
            lines, is_proven = nights[number]
            batch, instant = f"{system}-{number}", night(number)
            batches.append([batch, system, "lines", "snapshot", instant, number + 1])
            manifests.append([batch, "bom_line", "proven" if is_proven else "unproven"])
            for row, (line, (component, quantity)) in enumerate(lines.items()):
                said = [system, "lines", batch, "f", row, "A", line, component, quantity, "EA"]
                rows.append([*said, instant, f"{batch}:{row}", "snapshot", instant, number + 1])
    models.fill("platform.current_batch", batches)
    models.fill("platform.batch_manifest", manifests)
    models.connection.execute("delete from landing.bom_line")
    models.connection.executemany(
        "insert into landing.bom_line (source_system, extract_name, batch_id, source_file, source_row, "
        "parent_item_number, line_id, component_item_number, quantity, unit, recorded_at, correlation_id, "
        f"delivery, extracted_at, batch_sequence) values ({', '.join('?' * 15)})",
        rows,
    )
    models.build(["canonical.bom_line_history"])
    return models.rows("select * from canonical.bom_line_history order by all")


def straight(told: dict[str, list[Delivery]]) -> dict[str, list[int]]:
    """In the order of the nights."""
    return {system: list(range(len(nights))) for system, nights in told.items()}


@pytest.fixture(scope="module", params=[0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 11))])
def told(request: pytest.FixtureRequest) -> dict[str, list[Delivery]]:
    """What each system delivered."""
    dice = random.Random(request.param)  # noqa: S311
    return {system: deliveries(dice) for system in SYSTEMS}


def replayed(nights: list[Delivery], until: int) -> Lines:
    """What the system is known to hold after a delivery: a proven one replaces everything, another only adds."""
    held: Lines = {}
    for lines, is_proven in nights[: until + 1]:
        held = dict(lines) if is_proven else {**held, **lines}
    return held


def test_rule_31_at_each_delivery_the_history_holds_what_was_known_then(
    models: Models, told: dict[str, list[Delivery]]
) -> None:
    build(models, told, straight(told))
    for number in range(max(map(len, told.values()))):
        held = models.connection.execute(
            "select source_system, line_id, component_item_number, quantity_per from canonical.bom_line_history "
            "where recorded_from <= $at and (recorded_to is null or recorded_to > $at)",
            {"at": night(number)},
        ).fetchall()
        for system, nights in told.items():
            lines = [row[1:] for row in held if row[0] == system]
            expected = replayed(nights, number)
            assert {line: (component, quantity) for line, component, quantity in lines} == expected, system
            assert len(lines) == len(expected), system


def test_rule_04_the_order_in_which_deliveries_land_changes_nothing(
    models: Models, told: dict[str, list[Delivery]]
) -> None:
    dice = random.Random(len(told["erp0"]))  # noqa: S311
    shuffled = {system: dice.sample(order, len(order)) for system, order in straight(told).items()}
    assert shuffled != straight(told)
    assert build(models, told, straight(told)) == build(models, told, shuffled)


def test_a_version_lasts_as_long_as_nothing_else_is_said(models: Models, told: dict[str, list[Delivery]]) -> None:
    before = {row[:9] for row in build(models, told, straight(told))}
    twice = models.rows(
        "select a.source_system, a.line_id "
        "from canonical.bom_line_history as a inner join canonical.bom_line_history as b "
        "on a.source_system = b.source_system and a.line_id = b.line_id and a.recorded_to = b.recorded_from "
        "and a.component_item_number = b.component_item_number and a.quantity_per = b.quantity_per"
    )
    assert twice == []
    again = {s: nights + [(replayed(nights, len(nights) - 1), True)] * 3 for s, nights in told.items()}
    assert {row[:9] for row in build(models, again, straight(again))} == before
