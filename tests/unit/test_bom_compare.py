"""Two bills held against each other: pairing (rule 7), sets of designators (16), units (19), tolerances (38)."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from mfg_assets.bom import Comparison, Edge, Rules, Structure, compare, explode, net_requirement
from mfg_assets.bom.designators import designator_set
from mfg_assets.bom.pairs import pair_lines

MARCH = datetime(2026, 3, 1, tzinfo=UTC)


def edge(parent: str, component: str, quantity: str | None = "1", **more: Any) -> Edge:
    return Edge(parent, component, None if quantity is None else Decimal(quantity), "EA", **more)


def held(a: list[Edge], b: list[Edge], rules: Rules | None = None, **more: Any) -> Comparison:
    return compare(Structure(tuple(a)), Structure(tuple(b)), ("A", "A"), rules or Rules(), **more)


def told(found: Comparison) -> list[tuple[object, ...]]:
    """What differs: status, item, and for each attribute its two values as texts."""
    return [
        (row.status, row.line.component, *((c.attribute, str(c.a), str(c.b)) for c in row.changes))
        for row in found.rows
        if row.status != "same"
    ]


def test_lines_are_added_removed_and_changed_and_the_rest_is_equal() -> None:
    a = [edge("A", "SAME"), edge("A", "GONE"), edge("A", "MORE", "2")]
    b = [edge("A", "SAME"), edge("A", "MORE", "3"), edge("A", "NEW")]
    found = held(a, b)
    assert told(found) == [("removed", "GONE"), ("changed", "MORE", ("quantity", "2", "3")), ("added", "NEW")]
    assert found.counts() == {"added": 1, "removed": 1, "changed": 1, "position_only": 0, "same": 1}


def test_rule_07_positions_that_were_swapped_are_a_renumbering_and_nothing_else() -> None:
    rules = Rules(identity={"plm": "position"})
    a = [edge("A", "B", position="10", source_system="plm"), edge("A", "C", "2", position="20", source_system="plm")]
    b = [edge("A", "C", "2", position="10", source_system="plm"), edge("A", "B", position="20", source_system="plm")]
    found = held(a, b, rules)
    assert told(found) == [
        ("position_only", "B", ("position", "10", "20")),
        ("position_only", "C", ("position", "20", "10")),
    ]


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        ("position", [("changed", "NEW", ("component_item_number", "OLD", "NEW"))]),
        ("component", [("removed", "OLD"), ("added", "NEW")]),
    ],
)
def test_rule_07_another_component_at_the_same_position_is_a_replacement_where_positions_identify(
    identity: str, expected: list[tuple[object, ...]]
) -> None:
    rules = Rules(identity={"plm": identity})
    a = [edge("A", "OLD", position="10", source_system="plm")]
    b = [edge("A", "NEW", position="10", source_system="plm")]
    assert told(held(a, b, rules)) == expected


def test_rule_07_systems_that_identify_lines_differently_are_compared_by_component() -> None:
    rules = Rules(identity={"plm": "position", "erp": "component"})
    a = [edge("A", "OLD", position="10", source_system="plm")]
    b = [edge("A", "NEW", position="10", source_system="erp")]
    assert told(held(a, b, rules)) == [("removed", "OLD"), ("added", "NEW")]


def test_rule_07_of_several_lines_of_one_component_the_most_alike_are_paired() -> None:
    a = [edge("A", "B", "2", operation_sequence=10), edge("A", "B", "5", operation_sequence=20)]
    b = [edge("A", "B", "5", operation_sequence=20), edge("A", "B", "3", operation_sequence=10)]
    assert told(held(a, b)) == [("changed", "B", ("quantity", "2", "3"))]


def test_rule_16_designators_are_compared_as_the_places_they_stand_for() -> None:
    assert designator_set("R1-R4, R07") == {"R1", "R2", "R3", "R4", "R7"}
    assert designator_set("c1..3;c9") == {"C1", "C2", "C3", "C9"}
    assert designator_set("R1-R999999") == {"R1-R999999"}
    assert designator_set(None) == frozenset()
    a = [edge("A", "R", "5", reference_designators="R1-R4,R7"), edge("A", "C", reference_designators="C1")]
    b = [edge("A", "R", "5", reference_designators="R7,R1,R2,R3,R4"), edge("A", "C", reference_designators="C2")]
    assert told(held(a, b)) == [("changed", "C", ("reference_designators", "C1", "C2"))]


@pytest.mark.parametrize(
    ("quantity", "is_same"), [("1.0009", True), ("1.001", True), ("1.0011", False), ("0.9989", False)]
)
def test_rule_38_what_is_within_the_tolerance_is_equal(quantity: str, is_same: bool) -> None:
    # 0.001 of the larger magnitude, 1.001, is 0.001001.
    rules = Rules(tolerances={"quantity": (Decimal("0.0001"), Decimal("0.001"))})
    found = held([edge("A", "B", "1")], [edge("A", "B", quantity)], rules)
    assert (found.rows[0].status == "same") is is_same


def test_rule_19_a_quantity_that_nobody_knows_equals_only_another_such() -> None:
    assert told(held([edge("A", "B", None)], [edge("A", "B", None)])) == []
    assert told(held([edge("A", "B", "1")], [edge("A", "B", None)])) == [("changed", "B", ("quantity", "1", "None"))]


def test_rule_09_per_order_and_per_piece_are_a_difference_of_that_and_not_of_the_quantity() -> None:
    found = held([edge("A", "B", "5")], [edge("A", "B", "1", is_fixed=True)])
    assert told(found) == [("changed", "B", ("is_fixed_quantity", "False", "True"))]


def test_rule_12_the_order_of_alternates_counts_and_not_its_numbers() -> None:
    a = [
        edge("A", "B", alternate_group="G", alternate_priority=1),
        edge("A", "C", alternate_group="G", alternate_priority=2),
    ]
    tens = [
        edge("A", "B", alternate_group="X", alternate_priority=10),
        edge("A", "C", alternate_group="X", alternate_priority=20),
    ]
    turned = [
        edge("A", "B", alternate_group="X", alternate_priority=2),
        edge("A", "C", alternate_group="X", alternate_priority=1),
    ]
    assert told(held(a, tens)) == []
    assert [row[:2] for row in told(held(a, turned))] == [("changed", "B"), ("changed", "C")]


def test_what_another_system_does_not_say_is_no_difference_and_in_one_system_it_is() -> None:
    a, b = edge("A", "B", source_system="plm"), edge("A", "B", source_system="erp", component_revision="C")
    assert told(held([a], [b])) == []
    same = edge("A", "B", source_system="plm", component_revision="C")
    assert told(held([a], [same])) == [("changed", "B", ("component_revision", "None", "C"))]
    scrapped = edge("A", "B", source_system="erp", scrap=Decimal("0.05"))
    assert told(held([a], [scrapped])) == [("changed", "B", ("component_scrap", "0", "0.05"))]
    undelivered = Rules(delivered={"plm": frozenset({"quantity"})})
    assert told(held([a], [scrapped], undelivered)) == []


def test_periods_are_compared_within_a_revision_and_not_between_two() -> None:
    a = [edge("A", "B", revision="1", effective_from=MARCH)]
    assert told(held(a, [edge("A", "B", revision="2")])) == []
    assert [row[2][0] for row in told(held(a, [edge("A", "B", revision="1")]))] == ["effective_from"]  # pyright: ignore[reportIndexIssue]


def test_differences_further_down_are_found_once_and_shown_below_what_leads_to_them() -> None:
    shared = [edge("A", "M"), edge("A", "N"), edge("M", "P"), edge("N", "P")]
    found = held([*shared, edge("P", "Q", "1")], [*shared, edge("P", "Q", "4")])
    assert told(found) == [("changed", "Q", ("quantity", "1", "4"))]
    assert [(row.depth, row.line.component, row.is_repeated) for row in found.rows] == [
        (1, "M", False),
        (2, "P", False),
        (3, "Q", False),
        (1, "N", False),
        (2, "P", True),
    ]
    assert [row.line.component for row in found.relevant()] == ["M", "P", "Q"]
    assert [row.line.component for row in held(shared, shared, max_level=1).rows] == ["M", "N"]


def test_rule_15_items_that_hold_each_other_end() -> None:
    ring = [edge("A", "B"), edge("B", "A", "1")]
    assert told(held(ring, [edge("A", "B"), edge("B", "A", "2")])) == [("changed", "A", ("quantity", "1", "2"))]


def test_rule_17_another_structure_with_the_same_leaves_has_the_same_net_requirement() -> None:
    nested = [edge("A", "M", "2"), edge("M", "P", "3"), edge("A", "Q")]
    flat = [edge("A", "P", "6"), edge("A", "Q")]
    twice = [edge("A", "P", "7"), edge("A", "Q")]
    sides = [explode(Structure(tuple(lines)), "A").totals() for lines in (nested, flat, twice)]
    assert [(n.item, n.a, n.b, n.is_equal) for n in net_requirement(sides[0], sides[1], Rules())] == [
        ("P", Decimal(6), Decimal(6), True),
        ("Q", Decimal(1), Decimal(1), True),
    ]
    assert [n.is_equal for n in net_requirement(sides[0], sides[2], Rules())] == [False, True]


@pytest.mark.parametrize("seed", range(30))
def test_every_line_is_in_exactly_one_pair_and_sides_can_be_exchanged(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    identity = dice.choice(["component", "position", "reference_designator"])

    def side() -> list[Edge]:
        return [
            edge("A", dice.choice("BCD"), dice.choice("12"), position=dice.choice(["10", "20", None]), line_id=str(n))
            for n in range(dice.randrange(7))
        ]

    a, b = side(), side()
    pairs = pair_lines(a, b, identity=identity)
    assert sorted(p.line_id for p, _ in pairs if p) == sorted(e.line_id for e in a)
    assert sorted(q.line_id for _, q in pairs if q) == sorted(e.line_id for e in b)
    there, back = held(a, b).counts(), held(b, a).counts()
    assert (there["added"], there["removed"]) == (back["removed"], back["added"])
    assert (there["changed"], there["same"]) == (back["changed"], back["same"])
    assert set(held(a, a).counts().items()) >= {("same", len(a)), ("added", 0), ("changed", 0)}
