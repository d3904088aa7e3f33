"""The explosion in SQL against an independent one in plain Python, on random structures.

Many unrelated structures are built side by side, each as a plant of its own, so that locality to a plant is tested with
every one, and what DuckDB takes to plan the models is spent once for all of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple

import duckdb
import pytest

from mfg_assets.bom.bulk import explode_all
from tests.compiled_sql import Models, all_models
from tests.unit.explosion_oracle import Line, Structure, cyclic_items, explode, lines_in_effect

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)
ITEMS = [f"I{n}" for n in range(7)]
STRUCTURES = 120
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 11))]
ORDER = [
    "canonical.bom_line_at_plant",
    "reconciliation.effective_bom_line",
    "reconciliation.reconciled_bom_line",
    "reconciliation.item_structure",
    "reconciliation.bom_cycle",
    "reconciliation.structure_item",
    "reconciliation.numbered_requirement",
    "reconciliation.item_requirement",
]
INPUTS = """
create schema staging; create schema canonical; create schema reconciliation;
create schema estate; create schema platform;
create table platform.run (as_of timestamptz);
create table estate.system as
    select 'plm' as source_system, 'plm' as kind, 'component' as line_identity, 'latest_valid_from' as overlap_winner;
create table estate.plant (plant_id varchar);
create table estate.extract as select 'plm' as source_system, 'bom_header' as entity;
create table estate.system_plant (source_system varchar, plant_id varchar);
create table estate.tolerance (attribute varchar, absolute decimal(18, 6), relative decimal(9, 6));
create table estate.attribute_owner (
    entity varchar, attribute varchar, plant_id varchar, item_type varchar, source_system varchar, priority integer
);
create table staging.stg_bom_header (
    source_system varchar, parent_item_number varchar, plant_id varchar, usage varchar, alternative varchar,
    revision varchar, base_quantity decimal(18, 6), unit varchar, status varchar, lot_size_from decimal(18, 6),
    lot_size_to decimal(18, 6), effective_from timestamptz, effective_to timestamptz
);
create table staging.stg_bom_line (
    source_system varchar, parent_item_number varchar, plant_id varchar, usage varchar, alternative varchar,
    revision varchar, line_id varchar, position varchar, component_item_number varchar, component_revision varchar,
    quantity decimal(18, 6), unit varchar, is_fixed_quantity boolean, component_scrap decimal(9, 6),
    scrap_method varchar, assembly_scrap decimal(9, 6), is_net boolean, operation_sequence integer,
    alternate_group varchar, alternate_priority integer, usage_probability decimal(9, 6), is_phantom boolean,
    line_type varchar, reference_designators varchar, applicable_plants varchar, effective_from timestamptz,
    effective_to timestamptz, engineering_change_in varchar, engineering_change_out varchar,
    is_manufacturing_only boolean, batch_id varchar, correlation_id varchar, recorded_at timestamptz
);
create table canonical.item as
    select 'I' || range as item_number, 'EA' as base_unit, 'made' as item_type from range(7);
create table canonical.item_unit as
    select item_number, 'EA' as unit, 'EA' as base_unit, 1::bigint as numerator, 1::bigint as denominator
    from canonical.item
    union all
    select item_number, 'DZN', 'EA', 12, 1 from canonical.item;
create table canonical.item_plant (item_number varchar, plant_id varchar, is_phantom boolean, lot_size decimal(18, 6));
create table canonical.item_revision (item_number varchar, revision varchar, revision_sequence integer);
"""


@pytest.fixture(scope="module")
def models() -> Iterator[Models]:
    """The structure's models over empty inputs."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(INPUTS)
        yield Models(all_models(), connection)


def decimal(dice: random.Random, *values: str | None) -> Decimal | None:
    """One of these numbers."""
    value = dice.choice(values)
    return None if value is None else Decimal(value)


def structure(dice: random.Random) -> Structure:
    """Up to a dozen lines among seven items; about half of the structures may hold cycles."""
    may_cycle = dice.random() < 0.5
    lines: list[Line] = []
    for number in range(dice.randint(1, 12)):
        first, second = sorted(dice.sample(range(7), 2))
        if may_cycle and dice.randrange(5) == 0:
            first, second = second, dice.choice([first, second])
        group = dice.choice([None, None, "G1", "G2"])
        lines.append(
            Line(
                line_id=f"L{number:02}",
                parent=ITEMS[first],
                component=ITEMS[second],
                quantity=Decimal(dice.choice(["1", "2", "3", "0.5", "2.25", "0.125", "37", "1.333333"])),
                unit=dice.choice(["EA", "EA", "DZN"]),
                is_fixed=dice.randrange(6) == 0,
                scrap=decimal(dice, None, None, None, "0", "0.1", "0.05", "0.25"),
                scrap_method=dice.choice([None, "multiply", "divide"]),
                assembly_scrap=decimal(dice, None, None, "0", "0.02", "0.2"),
                is_net=dice.random() < 0.5,
                group=group,
                priority=dice.choice([None, 1, 2]) if group else None,
                probability=decimal(dice, None, None, "0", "0.3", "0.7", "1") if group else None,
                is_phantom=dice.choice([None, None, None, True, False]),
                line_type=dice.choice([*["component"] * 6, "consumable", "by_product", "co_product", "text"]),
                start=dice.choice([None, None, -20, -10, 0, 10]),
                end=dice.choice([None, None, None, 0, 1, 20]),
            )
        )
    bases = {item: Decimal(dice.choice(["1", "10", "100", "4", "3"])) for item in ITEMS if dice.random() < 0.3}
    return Structure(tuple(lines), bases, frozenset(dice.sample(ITEMS, dice.randint(0, 2))))


def instant(day: int | None) -> datetime | None:
    """A day relative to the as-of as an instant."""
    return None if day is None else AS_OF + timedelta(days=day)


def load(models: Models, plants: dict[str, Structure], shuffle: random.Random | None = None) -> None:
    """Put the structures of some plants where the models read them."""
    lines: list[list[Any]] = []
    headers: list[list[Any]] = []
    phantoms: list[list[Any]] = []
    for plant, structure in plants.items():
        for li in structure.lines:
            lines.append(
                [
                    *("plm", li.parent, plant, None, None, None, li.line_id, None, li.component, None),
                    *(li.quantity, li.unit, li.is_fixed, li.scrap, li.scrap_method, li.assembly_scrap, li.is_net, None),
                    *(li.group, li.priority, li.probability, li.is_phantom, li.line_type, None, None),
                    *(instant(li.start), instant(li.end), None, None, None, "b", "c", AS_OF),
                ]
            )
        for parent in sorted({li.parent for li in structure.lines}):
            base = structure.base_quantities.get(parent, Decimal(1))
            headers.append(["plm", parent, plant, None, None, None, base, "EA", "released", None, None, None, None])
        phantoms.extend([item, plant, True, None] for item in structure.phantoms)
    tables: dict[str, list[list[Any]]] = {
        "staging.stg_bom_line": lines,
        "staging.stg_bom_header": headers,
        "canonical.item_plant": phantoms,
        "estate.plant": [[plant] for plant in plants],
        "estate.system_plant": [["plm", plant] for plant in plants],
        "platform.run": [[AS_OF]],
    }
    for table, rows in tables.items():
        if shuffle is not None:
            shuffle.shuffle(rows)
        models.fill(table, rows)


def requirements(models: Models) -> dict[tuple[str, str, str, str], tuple[Any, ...]]:
    """The SQL's answer."""
    rows = models.rows(
        "select plant_id, root_item_number, component_item_number, requirement_kind, scaling_quantity, fixed_quantity, "
        "level_min, level_max, paths, is_complete, quantity_per_root from reconciliation.item_requirement"
    )
    result = {tuple(row[:4]): tuple(row[4:]) for row in rows}
    assert len(result) == len(rows), "one row per plant, root, component and kind"
    return result  # pyright: ignore[reportReturnType]


class Built(NamedTuple):
    """Structures by plant, and what the SQL made of them."""

    plants: dict[str, Structure]
    requirements: dict[tuple[str, str, str, str], tuple[Any, ...]]
    cycles: Sequence[tuple[Any, ...]]
    steps: Sequence[tuple[Any, ...]]


@pytest.fixture(scope="module", params=SEEDS)
def built(request: pytest.FixtureRequest, models: Models) -> Built:
    """Many structures built at once."""
    dice = random.Random(request.param)  # noqa: S311
    plants = {f"P{n}": structure(dice) for n in range(STRUCTURES)}
    load(models, plants)
    models.build(ORDER)
    models.connection.execute("set search_path = 'reconciliation'")
    steps = models.rows(
        "select plant_id, root_item_number, item_number, requirement_kind, cast(sum(quantity_per_root) as double), "
        "min(level), max(level), count(*), bool_and(is_complete) from ("
        + explode_all(models.connection, every_assembly=True)
        + ") where not (is_phantom and has_bill) group by all"
    )
    models.connection.execute("reset search_path")
    cycles = models.rows("select plant_id, cycle_path from reconciliation.bom_cycle where structure = 'reconciled'")
    return Built(plants, requirements(models), cycles, steps)


def test_rule_08_to_15_explosion_equals_an_independent_one(built: Built) -> None:
    found = built.requirements
    expected = {(plant, *key): need for plant, s in built.plants.items() for key, need in explode(s).items()}
    assert found.keys() == expected.keys()
    for key, need in expected.items():
        scaling, fixed, level_min, level_max, paths, is_complete, total = found[key]
        # six decimals are published; a factor such as 1/3 is carried with twelve
        assert float(scaling) == pytest.approx(float(need.scaling), abs=1e-6, rel=1e-9), key
        assert float(fixed) == pytest.approx(float(need.fixed), abs=1e-6, rel=1e-9), key
        assert float(total) == pytest.approx(float(need.scaling + need.fixed), abs=1e-6, rel=1e-9), key
        assert (level_min, level_max, paths) == (min(need.levels), max(need.levels), need.paths), key
        assert is_complete == need.is_complete, key


def test_the_structures_have_what_is_to_be_tested(built: Built) -> None:
    needs = built.requirements.values()
    assert built.cycles
    assert {kind for *_, kind in built.requirements} == {"component", "by_product", "co_product"}
    # fixed quantities, ways of different length, several ways at all, what is cut
    assert all([any(n[1] for n in needs), any(n[2] < n[3] for n in needs), any(n[4] > 2 for n in needs)])
    assert {n[5] for n in needs} == {True, False}


def test_rule_15_every_cycle_is_told_with_its_path_and_nothing_else_is(built: Built) -> None:
    for plant, structure in built.plants.items():
        lines = lines_in_effect(structure)
        edges = {(li.parent, li.component) for li in lines if li.line_type not in ("by_product", "co_product")}
        paths = [path for at, path in built.cycles if at == plant]
        for path in paths:
            assert path[0] == path[-1] == min(path), plant
            assert len(set(path)) == len(path) - 1, plant
            assert set(pairwise(path)) <= edges, plant
        assert len({tuple(p) for p in paths}) == len(paths), plant
        assert {item for path in paths for item in path} == cyclic_items(lines), plant


def test_the_order_of_input_rows_changes_nothing(models: Models, built: Built) -> None:
    load(models, built.plants, random.Random(len(built.steps)))  # noqa: S311
    models.build(ORDER)
    assert requirements(models) == built.requirements


def test_rule_11_the_indented_list_of_everything_sums_to_the_requirement(built: Built) -> None:
    listed = {tuple(row[:4]): row[4:] for row in built.steps}
    expected = built.requirements
    assert listed.keys() == expected.keys()
    for key, (_, _, level_min, level_max, paths, is_complete, total) in expected.items():
        # each line of a list is rounded for itself
        assert listed[key][0] == pytest.approx(float(total), abs=1e-6 * paths, rel=1e-9), key
        assert listed[key][1:4] == (level_min, level_max, paths), key
        assert listed[key][4] or not is_complete, key


def test_a_root_that_is_cut_at_its_depth_is_incomplete_throughout(models: Models) -> None:
    chain = [Line(f"L{n:03}", f"D{n:03}", f"D{n + 1:03}", Decimal(1)) for n in range(260)]
    load(models, {"P0": Structure((*chain, Line("M", "D000", "SCREW", Decimal(4))))})
    models.build(ORDER)
    found = requirements(models)
    # D009 is 251 levels above the last item, D010 exactly the 250 that are walked
    assert not found["P0", "D000", "SCREW", "component"][5]
    assert {need[5] for (_, root, *_), need in found.items() if root == "D009"} == {False}
    assert {need[5] for (_, root, *_), need in found.items() if root == "D010"} == {True}
    assert ("P0", "D010", "D260", "component") in found


def test_rule_11_a_phantom_without_a_bill_is_kept_and_its_root_is_incomplete(models: Models) -> None:
    lines = (
        Line("1", "I0", "I1", Decimal(2), is_phantom=True),
        Line("2", "I0", "I2", Decimal(3)),
        Line("3", "I3", "I2", Decimal(1)),
        Line("4", "I3", "I4", Decimal(1), line_type="by_product", is_phantom=True),
    )
    load(models, {"P0": Structure(lines)})
    models.build(ORDER)
    found = {(root, item): (need[-1], need[5]) for (_, root, item, _), need in requirements(models).items()}
    assert found == {
        ("I0", "I1"): (Decimal(2), False),
        ("I0", "I2"): (Decimal(3), False),
        ("I3", "I2"): (Decimal(1), True),
        ("I3", "I4"): (Decimal(-1), True),
    }


@pytest.mark.parametrize("last", ["1", "0.5"])
def test_rule_20_numbers_too_wide_for_narrow_arithmetic_are_exact_all_the_same(models: Models, last: str) -> None:
    """10,000 at each of five levels is over 64 bits; a half below them makes that no whole structure."""
    chain = [Line(f"L{n}", f"I{n}", f"I{n + 1}", Decimal(10_000)) for n in range(5)]
    load(models, {"P0": Structure((*chain, Line("M", "I0", "I6", Decimal(last))))})
    models.build(ORDER)
    assert requirements(models)["P0", "I0", "I5", "component"][-1] == Decimal(10_000) ** 5
    models.connection.execute("set search_path = 'reconciliation'")
    steps = dict(models.rows(f"select item_number, quantity_per_root from ({explode_all(models.connection)})"))
    models.connection.execute("reset search_path")
    assert (steps["I5"], steps["I6"]) == (Decimal(10_000) ** 5, Decimal(last))
