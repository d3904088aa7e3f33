"""Walking a structure: quantities worked out by hand, and against a path-by-path calculation that shares nothing."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfg_assets.bom import Edge, Structure, Walk, explode, walk, where_used
from mfg_assets.bom.model import rounded
from mfg_assets.errors import UsageError


def edge(parent: str, component: str, quantity: str | None = "1", **more: object) -> Edge:
    return Edge(parent, component, None if quantity is None else Decimal(quantity), "EA", **more)  # pyright: ignore[reportArgumentType]


def down(*edges: Edge, item: str = "A", **more: object) -> Walk:
    return explode(Structure(edges), item, **more)  # pyright: ignore[reportArgumentType]


def quantities(found: Walk) -> dict[str, str]:
    return {t.item: f"{t.quantity:f}" for t in found.totals()}


def test_rule_09_a_fixed_quantity_is_needed_once_per_order() -> None:
    edges = [edge("A", "B", "2"), edge("A", "OIL", "0.5", is_fixed=True), edge("B", "OIL", "0.1", is_fixed=True)]
    assert quantities(down(*edges, order=Fraction(1000)))["OIL"] == "0.600000"
    assert quantities(down(*edges, order=Fraction(1000)))["B"] == "2000.000000"


def test_rule_09_what_lies_below_a_fixed_quantity_does_not_scale_either() -> None:
    edges = [edge("A", "KIT", "3", is_fixed=True), edge("KIT", "PIN", "4")]
    assert quantities(down(*edges, order=Fraction(50))) == {"KIT": "3.000000", "PIN": "12.000000"}


@pytest.mark.parametrize(
    ("more", "quantity"),
    [
        ({"scrap": Decimal("0.2")}, "12.000000"),
        ({"scrap": Decimal("0.2"), "scrap_method": "divide"}, "12.500000"),
        ({"scrap": Decimal("0.2"), "assembly_scrap": Decimal("0.1")}, "13.200000"),
        ({"scrap": Decimal("0.2"), "assembly_scrap": Decimal("0.1"), "is_net": True}, "12.000000"),
        ({"scrap": Decimal("0.2"), "assembly_scrap": Decimal("0.1"), "is_fixed": True}, "12.000000"),
        ({"scrap": Decimal("0.2"), "assembly_scrap": Decimal("0.1"), "scrap_method": "divide"}, "13.888889"),
    ],
)
def test_rule_10_scrap_by_its_method_with_the_assemblys_unless_net(more: dict[str, object], quantity: str) -> None:
    assert quantities(down(edge("A", "B", "10", **more))) == {"B": quantity}


def test_rule_10_scrap_compounds_and_is_rounded_once_at_the_leaf() -> None:
    third = {"scrap": Decimal("0.1"), "scrap_method": "divide"}
    edges = [edge("A", "B", "1", **third), edge("B", "C", "1", **third), edge("C", "D", "0.9", **third)]
    # 0.9 ÷ 0.9³; rounding on the way would give 1.234567 or 1.234569.
    assert quantities(down(*edges))["D"] == "1.234568"


def test_rule_10_a_scrap_of_everything_is_unknown_not_infinite() -> None:
    found = down(edge("A", "B", "1", scrap=Decimal(1), scrap_method="divide"), edge("B", "C"))
    assert [(t.item, t.is_complete) for t in found.totals()] == [("B", False), ("C", False)]
    assert [e.component for e in found.unknown()] == ["B"]


def test_rule_11_phantoms_pass_through_and_both_paths_are_kept() -> None:
    edges = [
        edge("A", "SCREW", "2"),
        edge("A", "BAG", "3", is_phantom=True),
        edge("BAG", "SCREW", "4"),
        edge("BAG", "POUCH", "1", is_phantom=True),
        edge("POUCH", "TAPE", "1"),
    ]
    found = down(*edges)
    totals = {t.item: t for t in found.totals()}
    assert set(totals) == {"SCREW", "TAPE"}
    assert (totals["SCREW"].quantity, totals["SCREW"].paths) == (Decimal(14), 2)
    assert (totals["TAPE"].level_min, totals["TAPE"].level_max) == (1, 1)
    assert [(s.item, s.depth, s.level) for s in found.steps()] == [
        ("SCREW", 1, 1),
        ("BAG", 1, 1),
        ("SCREW", 2, 1),
        ("POUCH", 2, 1),
        ("TAPE", 3, 1),
    ]


def test_rule_12_alternates_are_shown_and_not_counted() -> None:
    edges = [edge("A", "B", "5"), edge("A", "C", "5", is_chosen=False), edge("C", "D")]
    found = down(*edges)
    assert quantities(found) == {"B": "5.000000"}
    assert [(s.item, s.quantity, s.note) for s in found.steps()] == [("B", Decimal(5), ""), ("C", None, "alternate")]


def test_rule_14_what_comes_out_of_an_order_is_below_zero_and_is_not_netted() -> None:
    edges = [
        edge("A", "B", "2"),
        edge("B", "SLAG", "0.5", kind="by_product"),
        edge("A", "SLAG", "3"),
        edge("SLAG", "DUST"),
    ]
    found = down(*edges)
    assert [(t.item, t.kind, t.quantity) for t in found.totals() if t.item == "SLAG"] == [
        ("SLAG", "component", Decimal(3)),
        ("SLAG", "by_product", Decimal(-1)),
    ]
    # DUST is needed for the slag that goes in, not for what comes out.
    assert quantities(found)["DUST"] == "3.000000"


def test_rule_15_a_cycle_is_named_with_its_path_and_the_rest_is_exploded() -> None:
    edges = [edge("A", "B"), edge("B", "C", "2"), edge("C", "A"), edge("C", "D", "5"), edge("A", "E", "7")]
    found = down(*edges)
    assert found.cycles == (("A", "B", "C", "A"),)
    assert {t.item: (t.quantity, t.is_complete) for t in found.totals()} == {
        "B": (Decimal(1), False),
        "E": (Decimal(7), False),
        "C": (Decimal(2), False),
        "D": (Decimal(10), False),
    }
    assert [s.note for s in found.steps() if s.item == "A"] == ["cycle"]


def test_rule_15_an_item_in_itself_is_a_cycle_of_one_step() -> None:
    assert down(edge("A", "A"), edge("A", "B")).cycles == (("A", "A"),)


def test_rule_15_only_items_on_or_below_a_cycle_are_incomplete() -> None:
    edges = [edge("TOP", "A"), edge("A", "B"), edge("B", "A"), edge("B", "LEAF"), edge("TOP", "SOUND")]
    complete = {t.item: t.is_complete for t in down(*edges, item="TOP").totals()}
    assert complete == {"A": False, "B": False, "LEAF": False, "SOUND": True}


def test_rule_15_every_way_round_of_a_tangle_ends() -> None:
    items = [f"I{n}" for n in range(12)]
    edges = [edge(one, other) for one in items for other in items if one != other]
    found = down(*edges, item="I0")
    assert len(found.totals()) == 11
    assert found.cycles


def test_a_structure_of_ten_thousand_levels_does_not_exhaust_the_stack() -> None:
    edges = [edge(str(n), str(n + 1)) for n in range(10_000)]
    found = down(*edges, item="0")
    assert max(t.level_max for t in found.totals()) == 10_000
    assert sum(1 for _ in found.steps()) == 10_000


def test_a_structure_with_more_ways_than_atoms_is_summed_and_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    edges = [edge(str(n), str(n + 1), "2", line_id=line) for n in range(100) for line in "ab"]
    found = down(*edges, item="0")
    assert {t.item: t.paths for t in found.totals()}["100"] == 2**100
    assert quantities(found)["20"] == f"{4**20}.000000"
    monkeypatch.setattr(walk, "MOST_STEPS", 1000)
    with pytest.raises(UsageError, match="more than 1,000 lines"):
        list(found.steps())


def test_max_level_cuts_lists_and_totals_alike() -> None:
    edges = [edge("A", "B"), edge("B", "C"), edge("C", "D")]
    found = down(*edges, max_level=2)
    assert list(quantities(found)) == ["B", "C"] == [s.item for s in found.steps()]


def test_rule_19_an_unknown_quantity_makes_everything_below_it_incomplete() -> None:
    found = down(edge("A", "B", None), edge("B", "C", "4"), edge("A", "C", "1"))
    assert {t.item: (t.quantity, t.is_complete) for t in found.totals()} == {
        "B": (Decimal(0), False),
        "C": (Decimal(1), False),
    }
    assert [(s.quantity, s.note) for s in found.steps() if s.item == "B"] == [(None, "quantity unknown")]


def test_where_used_does_not_climb_from_what_only_comes_out() -> None:
    edges = [edge("A", "B"), edge("B", "SLAG", "0.5", kind="by_product"), edge("Z", "A", kind="by_product")]
    found = where_used(Structure(tuple(edges)), "SLAG")
    assert {t.item: t.quantity for t in found.totals()} == {"B": Decimal("-0.5"), "A": Decimal("-0.5")}


def test_rounding_is_half_away_from_zero_at_any_size() -> None:
    assert rounded(Fraction(5, 10**7)) == Decimal("0.000001")
    assert rounded(Fraction(-5, 10**7)) == Decimal("-0.000001")
    assert rounded(Fraction(10**60) + Fraction(1, 3)) == Decimal(f"1{'0' * 60}.333333")


_ITEMS = "ABCDEFG"


@st.composite
def structures(draw: st.DrawFn) -> list[Edge]:
    """Structures without cycles: an item holds only later ones, so a plain recursion over all ways ends."""
    edges = []
    for number in range(draw(st.integers(1, 14))):
        parent = draw(st.integers(0, len(_ITEMS) - 2))
        component = draw(st.integers(parent + 1, len(_ITEMS) - 1))
        edges.append(
            edge(
                _ITEMS[parent],
                _ITEMS[component],
                draw(st.sampled_from(["1", "2", "0.25", "3.5"])),
                is_fixed=draw(st.booleans()),
                is_chosen=draw(st.sampled_from([True, True, True, False])),
                is_phantom=draw(st.booleans()),
                scrap=Decimal(draw(st.sampled_from(["0", "0.1"]))),
                line_id=str(number),
            )
        )
    return edges


def stands_for_its_components(phantom: Edge, edges: list[Edge]) -> bool:
    """A phantom without a bill has no components to stand in its place, so it is itself what is needed."""
    return phantom.is_phantom and any(e.parent == phantom.component and e.is_chosen for e in edges)


def by_ways(edges: list[Edge], item: str, order: int) -> dict[str, Fraction]:
    """Independent: each way from the item is followed on its own, with the number that an order on that way needs."""
    sums: dict[str, Fraction] = defaultdict(Fraction)

    def follow(at: str, needed: Fraction) -> None:
        for e in edges:
            if e.parent == at and e.is_chosen:
                per = Fraction(e.quantity_per or 0) * (1 + Fraction(e.scrap))
                amount = per if e.is_fixed else needed * per
                if not stands_for_its_components(e, edges):
                    sums[e.component] += amount
                follow(e.component, amount)

    follow(item, Fraction(order))
    return sums


@given(structures(), st.integers(1, 500))
def test_totals_equal_a_calculation_way_by_way(edges: list[Edge], order: int) -> None:
    found = {t.item: t.quantity for t in down(*edges, order=Fraction(order)).totals()}
    assert found == {item: rounded(q) for item, q in by_ways(edges, "A", order).items()}


@given(structures())
def test_the_indented_list_sums_to_the_totals(edges: list[Edge]) -> None:
    found = down(*edges)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for step in found.steps():
        if step.edge.is_chosen and not stands_for_its_components(step.edge, edges):
            sums[step.item] += step.quantity or 0
    for total in found.totals():
        # Each way is rounded for display; the total is rounded once.
        assert abs(sums[total.item] - total.quantity) <= Decimal("0.000001") * total.paths


@given(structures())
def test_where_used_says_of_each_parent_what_its_explosion_says(edges: list[Edge]) -> None:
    # Phantoms pass through an explosion, and where-used names them: without them both say the same.
    plain = [edge_ for edge_ in edges if not edge_.is_phantom]
    used = {t.item: t.quantity for t in where_used(Structure(tuple(plain)), "G").totals() if t.quantity}
    held = {item: quantity for item in _ITEMS if (quantity := rounded(by_ways(plain, item, 1).get("G", Fraction(0))))}
    assert used == held
