"""Which bill and lines hold: dbt's SQL for the run's instant against `mfg_assets.bom` for a question, on the same rows.

Two plants, two systems of which one is believed, random usage, status, revision, lot sizes, effectivity and headers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mfg_assets.bom import Question, explode, read_structure
from tests.compiled_sql import Models, all_models
from tests.unit.test_explosion_random import AS_OF, INPUTS, ORDER

PLANTS = ["P1", "P2"]
ITEMS = [f"I{n}" for n in range(5)]
RULES = {"plm": ("component", "latest_valid_from"), "erp": ("position", "latest_recorded")}
BUILD = [ORDER[0], "canonical.bom_line", "canonical.bom_line_refused", *ORDER[1:]]


@dataclass(frozen=True)
class Rows:
    """What the models read, as rows of their tables."""

    lines: list[list[Any]]
    headers: list[list[Any]]
    lot_sizes: list[list[Any]]


@pytest.fixture(scope="module")
def models() -> Iterator[Models]:
    """The structure's models and what is published of them, over empty inputs."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(INPUTS)
        connection.execute("alter table canonical.item add column description varchar")
        connection.execute("insert into estate.system values ('erp', 'erp', 'position', 'latest_recorded')")
        connection.execute("insert into estate.extract values ('erp', 'bom_header')")
        connection.execute(
            "insert into canonical.item_revision values ('I0', 'AA', 2), ('I0', 'Z', 1), "
            "('I1', '10', 2), ('I1', '9', 1)"
        )
        models = Models(all_models(), connection)
        models.fill("platform.run", [[AS_OF]])
        models.fill("estate.plant", [[plant] for plant in PLANTS])
        models.fill("estate.system_plant", [[system, plant] for system in RULES for plant in PLANTS])
        owners = [
            ["bom_line", "quantity", p, None, s, n] for p in PLANTS for n, s in enumerate(["erp", "plm"], start=1)
        ]
        models.fill("estate.attribute_owner", owners)
        yield models


def instants(*days: int | None) -> st.SearchStrategy[datetime | None]:
    """Days relative to the as-of; None is open."""
    return st.sampled_from([None if day is None else AS_OF + timedelta(days=day) for day in days])


def decimals(*values: str | None) -> st.SearchStrategy[Decimal | None]:
    """One of these numbers."""
    return st.sampled_from([None if v is None else Decimal(v) for v in values])


@st.composite
def bills(draw: st.DrawFn) -> Rows:
    """Bills without cycles: item n holds only items after it."""
    lines: list[list[Any]] = []
    headers: list[list[Any]] = []
    for bill in range(draw(st.integers(1, 9))):
        parent = draw(st.integers(0, 3))
        revision = draw(st.sampled_from([None, None, "AA", "Z", "10", "9"]))
        usage = draw(st.sampled_from([None, None, "production", "universal", "engineering", "costing"]))
        key = [draw(st.sampled_from(list(RULES))), ITEMS[parent], draw(st.sampled_from([None, *PLANTS]))]
        variant = [usage, draw(st.sampled_from([None, "1", "2", "10"])), revision]
        if draw(st.integers(0, 7)):
            at = draw(st.sampled_from([None, key[2]]))
            status = draw(st.sampled_from([None, "released", "released", "superseded", "in_work"]))
            lots = [draw(decimals(None, "0", "10")), draw(decimals(None, "9", "100"))]
            period = [draw(instants(None, None, -30, 0, 5)), draw(instants(None, None, 0, 30))]
            header = [key[0], key[1], at, *variant, draw(decimals("1", "100")), "EA", status, *lots, *period]
            if not any(header[:6] == other[:6] for other in headers):
                headers.append(header)
        for number in range(draw(st.integers(1, 3))):
            group = draw(st.sampled_from([None, None, "G"]))
            lines.append(
                [
                    *key,
                    *variant,
                    f"{bill}-{number}",
                    draw(st.sampled_from([None, "10", "20"])),
                    draw(st.sampled_from(ITEMS[parent + 1 :])),
                    None,
                    Decimal(3 * bill + number + 1),
                    draw(st.sampled_from(["EA", "EA", "EA", "DZN", "KGM"])),
                    draw(st.integers(0, 5)) == 0,
                    draw(decimals(None, "0.1")),
                    draw(st.sampled_from([None, "multiply", "divide"])),
                    draw(decimals(None, "0.02")),
                    draw(st.booleans()),
                    draw(st.sampled_from([None, 10, 20])),
                    group,
                    draw(st.sampled_from([None, 1, 2])) if group else None,
                    draw(decimals(None, "0", "0.5")) if group else None,
                    draw(st.sampled_from([None, None, True])),
                    draw(st.sampled_from([None, "component", "component", "by_product", "text"])),
                    None,
                    draw(st.sampled_from([None, None, None, "P2"])),
                    draw(instants(None, None, -20, 0, 10)),
                    draw(instants(None, None, None, 0, 20)),
                    None,
                    None,
                    None,
                    "b",
                    "c",
                    AS_OF - timedelta(days=draw(st.integers(0, 3))),
                ]
            )
    lot_sizes = [
        [item, plant, draw(st.sampled_from([None, None, True])), draw(decimals(None, "5", "50"))]
        for item in ITEMS
        for plant in PLANTS
    ]
    return Rows(lines, headers, lot_sizes)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bills())
def test_rule_13_the_bill_on_demand_is_the_bill_of_the_run(models: Models, drawn: Rows) -> None:
    on_demand_is_of_the_run(models, drawn)


@pytest.mark.slow
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bills())
def test_rule_13_the_bill_on_demand_is_the_bill_of_the_run_in_many_more_cases(models: Models, drawn: Rows) -> None:
    on_demand_is_of_the_run(models, drawn)


def on_demand_is_of_the_run(models: Models, drawn: Rows) -> None:
    """Build the bills for the run, and ask for each item on demand."""
    models.connection.execute("reset search_path")
    models.fill("staging.stg_bom_line", drawn.lines)
    models.fill("staging.stg_bom_header", drawn.headers)
    models.fill("canonical.item_plant", drawn.lot_sizes)
    models.build(BUILD)
    expected: dict[tuple[str, str, str, str], tuple[Any, ...]] = {
        tuple(row[:4]): tuple(row[4:])  # pyright: ignore[reportAssignmentType]
        for row in models.rows(
            "select plant_id, root_item_number, component_item_number, requirement_kind, quantity_per_root, unit, "
            "level_min, level_max, paths, is_complete from reconciliation.item_requirement"
        )
    }
    of_system = {
        (system, plant, parent, line_id)
        for system, plant, parent, line_id in models.rows(
            "select source_system, plant_id, parent_item_number, line_id from reconciliation.effective_bom_line"
        )
    }
    models.connection.execute("set search_path = 'canonical,reconciliation'")
    found: dict[tuple[str, str, str, str], tuple[Any, ...]] = {}
    found_of_system: set[tuple[str, str, str, str]] = set()
    for plant in PLANTS:
        for item in ITEMS:
            asked = Question(item, plant, AS_OF, line_rules=RULES)  # pyright: ignore[reportArgumentType]
            for total in explode(read_structure(models.connection, asked, is_down=True), item).totals():
                more = (total.unit, total.level_min, total.level_max, total.paths, total.is_complete)
                found[plant, item, total.item, total.kind] = (total.quantity, *more)
            for system in RULES:
                asked = Question(item, plant, AS_OF, system=system, line_rules=RULES)  # pyright: ignore[reportArgumentType]
                edges = read_structure(models.connection, asked, is_down=True).edges
                found_of_system |= {(system, plant, item, e.line_id) for e in edges if e.parent == item}
    assert found_of_system == of_system
    assert found.keys() == expected.keys()
    for key, (quantity, *more) in expected.items():
        assert found[key][1:] == tuple(more), key
        if more[-1]:
            assert float(found[key][0]) == pytest.approx(float(quantity), abs=2e-6, rel=1e-8), key
