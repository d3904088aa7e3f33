"""Which published lines hold for a question: instant, system, revision, lot size, overlaps, alternates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from mfg_assets.bom import Question, explode, items_like, read_structure
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from tests.bills import AS_OF, SWITCH, line, publish_bills


@pytest.fixture
def exploded(settings: Settings) -> Callable[..., dict[str, str]]:
    """Publishes bills and explodes one; gives item → quantity without trailing zeros."""

    def run(item: str = "A", lines: list[dict[str, object]] | None = None, **question: object) -> dict[str, str]:
        folder = publish_bills(settings, lines=lines)
        asked = Question(**{"item": item, "plant_id": "P1", "as_of": AS_OF, **question})  # pyright: ignore[reportArgumentType]
        with connect(settings, folder / "marts.duckdb", read_only=True) as connection:
            structure = read_structure(connection, asked, is_down=True)
        totals = explode(structure, item, order=Fraction(asked.lot_size or 1)).totals()
        return {t.item: f"{t.quantity.normalize():f}" for t in totals}

    return run


def test_the_bike_as_worked_out_by_hand(exploded: Callable) -> None:
    assert exploded("BIKE") == {
        "FRAME": "1",
        "TUBE-B": "1",
        "CHIP": "-0.1",
        "WHEEL": "2",
        "SPOKE": "80",
        "RIM": "2",
        "GREASE": "0.05",
        "SCREW": "4",
        "TAPE": "0.55",
        "HORN": "1",
    }


@pytest.mark.parametrize(
    ("instant", "present", "absent"),
    [
        (datetime(2024, 6, 30, 23, 59, 59, 999999, tzinfo=UTC), "BELL", "HORN"),
        (SWITCH, "HORN", "BELL"),
    ],
)
def test_rule_01_a_line_ends_at_the_instant_another_starts(
    exploded: Callable, instant: datetime, present: str, absent: str
) -> None:
    found = exploded("BIKE", as_of=instant)
    assert present in found
    assert absent not in found


def test_one_system_is_read_as_it_is_and_without_one_the_reconciled_bill(exploded: Callable) -> None:
    assert exploded("BIKE", system="erp") == {"WHEEL": "3"}
    assert exploded("BIKE")["WHEEL"] == "2"


def test_rule_02_of_overlapping_lines_the_latest_valid_from_counts_or_what_the_system_declares(
    exploded: Callable,
) -> None:
    early = datetime(2020, 1, 1, tzinfo=UTC)
    late = datetime(2022, 1, 1, tzinfo=UTC)
    lines = [
        line("A", "10", "B", "1", effective_from=late, recorded_at=early),
        line("A", "11", "B", "2", effective_from=early, recorded_at=late),
    ]
    assert exploded(lines=lines) == {"B": "1"}
    assert exploded(lines=lines, line_rules={"plm": ("component", "latest_recorded")}) == {"B": "2"}


def test_rule_07_by_position_the_same_component_may_come_twice(exploded: Callable) -> None:
    lines = [line("A", "10", "B", "1"), line("A", "20", "B", "2")]
    assert exploded(lines=lines, line_rules={"plm": ("position", "latest_valid_from")}) == {"B": "3"}


def test_rule_12_priority_chooses_and_a_member_of_no_probability_never_counts(exploded: Callable) -> None:
    group = {"alternate_group": "G"}
    lines = [
        line("A", "10", "B", **group, alternate_priority=1, usage_probability=Decimal(0)),
        line("A", "20", "C", **group, alternate_priority=3, usage_probability=Decimal(1)),
        line("A", "30", "D", **group, alternate_priority=2, usage_probability=Decimal("0.4")),
    ]
    assert exploded(lines=lines) == {"D": "1"}


def test_rule_13_the_lot_size_chooses_between_alternative_bills(exploded: Callable) -> None:
    lines = [
        line("A", "10", "BY-HAND", alternative="1", lot_size_to=Decimal(99)),
        line("A", "20", "BY-MACHINE", alternative="2", lot_size_from=Decimal(100)),
    ]
    assert exploded(lines=lines) == {"BY-HAND": "1"}
    assert exploded(lines=lines, lot_size=Decimal(500)) == {"BY-MACHINE": "500"}


def test_rule_18_a_revision_can_be_asked_for_and_else_the_one_in_force_counts(exploded: Callable) -> None:
    assert exploded("GATE")["FRAME"] == "2"
    assert exploded("GATE", revision="A", is_at_instant=False)["FRAME"] == "1"
    assert exploded("GATE", as_of=datetime(2024, 1, 1, tzinfo=UTC), revision="B") == {}


def test_a_bill_that_is_not_released_is_left_out_unless_asked_for(exploded: Callable) -> None:
    lines = [line("A", "10", "B", header_status="draft", revision="X")]
    assert exploded(lines=lines) == {}
    assert exploded(lines=lines, revision="X", is_at_instant=False) == {"B": "1"}


def test_texts_on_a_bill_are_no_components(exploded: Callable) -> None:
    assert exploded(lines=[line("A", "10", "B"), line("A", "20", "see drawing", line_type="text")]) == {"B": "1"}


def test_a_mistyped_number_finds_its_neighbours_nearest_first(settings: Settings) -> None:
    folder = publish_bills(settings)
    with connect(settings, folder / "marts.duckdb", read_only=True) as connection:
        assert items_like(connection, "tube-a")[:2] == ["TUBE-A", "TUBE-B"]
        assert items_like(connection, "WEEHL") == ["WHEEL"]
        assert items_like(connection, "x' or 1=1 --") == []
