"""The rules of product structure end to end: one run over bills made for them, every expectation worked out by hand."""

from __future__ import annotations

import csv
import io
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.building import build
from tests.running import mfg
from tests.structure_rules import write_rules


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("rules")
    settings = build(write_rules(folder), folder / "home")
    return {"MFG_HOME": str(settings.home), "MFG_ESTATE": str(settings.estate)}


def rows(environment: dict[str, str], sql: str) -> list[tuple[Any, ...]]:
    """From the published tables."""
    path = Path(environment["MFG_HOME"]) / "published" / "current" / "marts.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(sql).fetchall()


def needs(environment: dict[str, str], root: str, kind: str = "component") -> dict[str, Decimal | None]:
    """What one piece of the root needs in all."""
    return dict(
        rows(
            environment,
            "select component_item_number, quantity_per_root from item_requirement "
            f"where root_item_number = '{root}' and requirement_kind = '{kind}'",
        )
    )


def is_complete(environment: dict[str, str], root: str) -> bool:
    return rows(environment, f"select bool_and(is_complete) from item_requirement where root_item_number = '{root}'")[
        0
    ][0]


def classes(environment: dict[str, str], parent: str) -> set[tuple[str, str | None]]:
    """Findings about a bill: class and component. The ERP keeps no items here, which is another matter."""
    return set(
        rows(
            environment,
            "select finding_class, component_item_number from bom_finding "
            f"where parent_item_number = '{parent}' and finding_class <> 'missing_item_master'",
        )
    )


def test_rule_01_the_line_that_starts_at_the_instant_another_ends_is_the_one_that_holds(
    environment: dict[str, str],
) -> None:
    assert needs(environment, "PUMP").keys() == {"SEAL-B", "BOLT"}


def test_rule_01_and_05_inclusive_local_dates_become_half_open_in_utc(environment: dict[str, str]) -> None:
    found = rows(
        environment,
        "select line_id, effective_from::varchar, effective_to::varchar from bom_line "
        "where parent_item_number = 'TRAY' order by line_id",
    )
    assert found == [
        ("10", "2024-12-31 23:00:00+00", "2026-02-28 23:00:00+00"),
        ("20", "2026-02-28 23:00:00+00", None),
    ]
    assert needs(environment, "TRAY") == {"NUT": 1}


def test_rule_02_of_two_versions_that_hold_the_later_beginning_counts(environment: dict[str, str]) -> None:
    assert needs(environment, "PUMP")["BOLT"] == 4


@pytest.mark.parametrize(
    ("instant", "seal"), [("2026-03-01T07:59:59+00:00", "SEAL-A"), ("2026-03-01T08:00:00+00:00", "SEAL-B")]
)
def test_rule_03_one_second_earlier_is_the_old_structure(environment: dict[str, str], instant: str, seal: str) -> None:
    done = mfg(environment, "bom", "explode", "PUMP", "--as-of", instant, "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert {row["item_number"] for row in csv.DictReader(io.StringIO(done.stdout))} == {seal, "BOLT"}


def test_rule_06_goods_count_on_the_day_they_moved_and_the_posting_back_is_told(environment: dict[str, str]) -> None:
    (warehouse,) = (Path(environment["MFG_HOME"]) / "warehouse").glob("*.duckdb")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        matched = connection.execute(
            "select erp_event_id, wms_event_id, erp_posting_date::varchar, is_back_posted "
            "from reconciliation.inventory_movement_match"
        ).fetchall()
    assert matched == [("E1", "W1", "2026-01-31", True)]
    assert rows(environment, "select finding_class from inventory_finding where finding_class like 'unposted%'") == []


def test_rule_07_a_renumbering_alone_is_no_discrepancy(environment: dict[str, str]) -> None:
    assert {found for found, _ in classes(environment, "GEAR")} <= {"position_only", "structural_equivalent"}


def test_rule_08_and_09_per_hundred_pieces_and_once_per_order(environment: dict[str, str]) -> None:
    found = rows(
        environment,
        "select component_item_number, scaling_quantity, fixed_quantity from item_requirement "
        "where root_item_number = 'CABLE' order by 1",
    )
    assert found == [("CLIP", Decimal("2.5"), 0), ("SETUP", 0, 1)]


def test_rule_10_both_scraps_by_their_methods_and_down_the_levels(environment: dict[str, str]) -> None:
    # 10 × 1.05 × 1.2; 10 ÷ (0.95 × 0.8); 10 × 1.05
    assert needs(environment, "PANEL") == {"RES": Decimal("12.6"), "CAP": Decimal("13.157895"), "FUSE": Decimal("10.5")}
    # 3 × 1.1 panels, and rounded once: 3.3 × 13.157894736842 = 43.421052…
    assert needs(environment, "RACK") == {
        "PANEL": Decimal("3.3"),
        "RES": Decimal("41.58"),
        "CAP": Decimal("43.421053"),
        "FUSE": Decimal("34.65"),
    }


def test_rule_11_phantoms_pass_through_and_both_ways_add_up(environment: dict[str, str]) -> None:
    found = rows(
        environment,
        "select component_item_number, quantity_per_root, level_min, level_max, paths from item_requirement "
        "where root_item_number = 'BOX' order by 1",
    )
    assert found == [("NUT", 11, 1, 2, 2), ("SUB", 1, 1, 1, 1)]


def test_rule_12_one_member_and_never_one_of_zero_percent(environment: dict[str, str]) -> None:
    assert needs(environment, "GLUED") == {"GLUE-B": 2}


def test_rule_13_the_lot_size_chooses_the_alternative(environment: dict[str, str]) -> None:
    assert needs(environment, "MIX") == {"SUGAR": 2}
    done = mfg(environment, "bom", "explode", "MIX", "--quantity", "50", "--summarised", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert Decimal(row["quantity"]) == 50


def test_rule_14_by_products_are_below_zero_and_not_netted(environment: dict[str, str]) -> None:
    assert needs(environment, "TABLE") == {"PLANK": 5}
    assert needs(environment, "TABLE", "by_product") == {"PLANK": -2}


def test_rule_15_a_cycle_is_reported_with_its_path_and_the_rest_is_exploded(environment: dict[str, str]) -> None:
    assert rows(environment, "select cycle_text from bom_cycle where structure = 'reconciled'") == [
        ("LOOP-A > LOOP-B > LOOP-A",)
    ]
    assert "cycle" in {name for name, _ in classes(environment, "LOOP-A") | classes(environment, "LOOP-B")}
    assert needs(environment, "BIG") == {"LOOP-A": 1, "LOOP-B": 2, "NUT": 7}
    assert not is_complete(environment, "BIG")


def test_rule_16_designators_are_compared_as_the_places_they_stand_for(environment: dict[str, str]) -> None:
    assert ("reference_designators", "CAP") in classes(environment, "BOARD")
    assert "RES" not in {component for _, component in classes(environment, "BOARD")}


def test_rule_17_another_structure_of_the_same_need_is_equivalent_and_packing_is_manufacturings_own(
    environment: dict[str, str],
) -> None:
    assert needs(environment, "CART")["NUT"] == 6
    assert {found for found, _ in classes(environment, "CART")} == {"structural_equivalent"}


def test_rule_18_the_newest_revision_is_told_by_the_given_order(environment: dict[str, str]) -> None:
    assert needs(environment, "VALVE") == {"DISC": 2}


def test_rule_19_own_factor_then_global_factor_then_refusal(environment: dict[str, str]) -> None:
    assert needs(environment, "DOOR") == {"PAINT": Decimal("0.5")}
    assert needs(environment, "GATE") == {"PAINT": 5}
    assert needs(environment, "FENCE") == {"PAINT": None, "NUT": 4}
    refused = rows(environment, "select parent_item_number, refusal_reason from bom_line_refused")
    assert refused == [("FENCE", "unit_not_convertible")]
    assert "unit" in {name for name, _ in classes(environment, "FENCE")}


def test_rule_20_three_thirds_are_one(environment: dict[str, str]) -> None:
    assert needs(environment, "SACK") == {"SAND": 1}
    assert rows(environment, "select quantity_per from bom_line where parent_item_number = 'SACK'") == [(Decimal(1),)]


def test_rule_21_a_unit_without_a_code_is_a_dead_letter_and_never_a_piece(environment: dict[str, str]) -> None:
    assert needs(environment, "LAMP") == {"BOLT": 6}
    dead = rows(environment, "select entity, payload ->> 'parent', payload ->> 'unit' from dead_letter")
    assert dead == [("bom_line", "LAMP", "HANDFUL")]


def test_rule_36_the_owners_value_wins_and_the_other_is_a_finding(environment: dict[str, str]) -> None:
    found = rows(
        environment,
        "select scrap_fraction, scrap_fraction_source from reconciled_bom_line where parent_item_number = 'CHAIR'",
    )
    assert found == [(Decimal("0.02"), "plm")]
    assert classes(environment, "CHAIR") == {("scrap", "PLANK")}


@pytest.mark.parametrize(("component", "root", "quantity"), [("NUT", "BOX", "11"), ("RES", "RACK", "41.58")])
def test_where_used_is_the_explosion_seen_from_below(
    environment: dict[str, str], component: str, root: str, quantity: str
) -> None:
    done = mfg(environment, "bom", "where-used", component, "--summarised", "--format", "csv")
    held = {row["item_number"]: row["quantity"] for row in csv.DictReader(io.StringIO(done.stdout))}
    assert Decimal(held[root]) == Decimal(quantity)


@pytest.mark.slow
def test_rule_36_where_a_difference_blocks_nothing_is_published(environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    shutil.copytree(Path(environment["MFG_HOME"]).parent, folder, symlinks=True)
    going_on = {"MFG_HOME": str(folder / "home"), "MFG_ESTATE": str(folder / "estate")}
    before = rows(going_on, "select version from publication")
    ownership = folder / "estate" / "ownership.yaml"
    rule = '  - {attribute: "bom_line.component_scrap", owners: [plm, erp], conflict: block}\n'
    ownership.write_text(ownership.read_text().rstrip() + "\n" + rule)

    refused = mfg(going_on, "run", timeout=900)
    said = refused.stdout + refused.stderr
    assert refused.returncode == 1, said
    assert "bom_finding" in said
    assert "nothing_blocks" in said
    assert rows(going_on, "select version from publication") == before
    assert classes(going_on, "CHAIR") == {("scrap", "PLANK")}
