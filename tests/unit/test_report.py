"""The static report: numbers made from parts, and nothing in it that data could make run."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from mfg_assets.report.facts import Facts, gather
from mfg_assets.report.page import render
from mfg_assets.settings import Settings

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
LONG_AGO = NOON.replace(day=1)
HOSTILE = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'


@pytest.fixture
def version(tmp_path: Path) -> Path:
    """A version with two plants, two days of one rate, and three exceptions of which one is resolved."""
    folder = tmp_path / "000001-aa"
    folder.mkdir()
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            "create table kpi (kpi varchar, plant_id varchar, breakdown varchar, product_family varchar, day date, "
            "numerator decimal(28, 6), denominator decimal(28, 6), value decimal(28, 6), unit varchar)"
        )
        rate = "bom_synchronisation_accuracy"
        connection.executemany(
            "insert into kpi values (?, ?, null, ?, ?, ?, ?, ?, 'ratio')",
            [
                (rate, "P1", None, date(2026, 3, 10), 90, 100, Decimal("0.9")),
                (rate, "P1", None, date(2026, 3, 8), 50, 100, Decimal("0.5")),
                (rate, "P1", "pumps", date(2026, 3, 10), 1, 100, Decimal("0.01")),
                # Chicago's day is still the ninth.
                (rate, "P3", None, date(2026, 3, 9), 10, 100, Decimal("0.1")),
                (rate, "P3", None, date(2026, 3, 7), 10, 100, Decimal("0.1")),
            ],
        )
        connection.execute(
            "create table exception (exception_id varchar, domain varchar, class varchar, plant_id varchar, "
            "severity varchar, owner_role varchar, assignee varchar, state varchar, first_seen_at timestamptz, "
            "due_at timestamptz, value_at_stake decimal(28, 4), currency varchar, business_key varchar, "
            "suggested_action varchar)"
        )
        connection.executemany(
            "insert into exception values (?, ?, 'unit', ?, ?, 'engineering', null, ?, ?, ?, 10, 'EUR', ?, ?)",
            [
                (
                    "1",
                    "bom",
                    "P1",
                    "high",
                    "open",
                    NOON.replace(day=1),
                    NOON.replace(day=2),
                    '{"item_number": "A"}',
                    "",
                ),
                ("2", "bom", HOSTILE, "low", "open", NOON, NOON.replace(day=20), '{"item_number": "B"}', HOSTILE),
                ("3", "bom", "P1", "high", "resolved", NOON, NOON, '{"item_number": "C"}', ""),
            ],
        )
    return folder


def _gather(version: Path) -> Facts:
    return gather(Settings(home=version.parent), version, NOON, NOON)


def test_a_rate_over_plants_is_made_from_their_newest_days(version: Path) -> None:
    (headline,) = _gather(version).headlines
    assert headline.value == pytest.approx((90 + 10) / 200)
    assert headline.change == pytest.approx((90 + 10) / 200 - (50 + 10) / 200)
    assert headline.since == date(2026, 3, 8)
    assert headline.is_better


def test_a_change_from_nothing_is_a_change(version: Path) -> None:
    with duckdb.connect(str(version / "marts.duckdb")) as connection:
        connection.execute("update kpi set numerator = 0, value = 0 where day < date '2026-03-09'")
    (headline,) = _gather(version).headlines
    assert headline.change == pytest.approx((90 + 10) / 200)


def test_what_is_resolved_is_not_open_and_what_is_due_is_overdue(version: Path) -> None:
    facts = _gather(version)
    assert (facts.open_exceptions, facts.overdue) == (2, 1)
    assert [(row["severity"], row["is_overdue"], row["about"]) for row in facts.urgent] == [
        ("high", True, "item_number A"),
        ("low", False, "item_number B"),
    ]
    assert {(row["age"], row["exceptions"]) for row in facts.by_age} == {("1 under a day", 1), ("4 longer", 1)}


def test_names_in_the_data_are_text_on_the_page(version: Path) -> None:
    page = render(_gather(version), HOSTILE, "window.x = '</SCRIPT>';")
    assert "<script>alert" not in page
    assert "<img" not in page
    assert page.count("</script>") == 2
    assert "</SCRIPT>" not in page


def test_the_page_asks_for_nothing_from_outside(version: Path) -> None:
    page = render(_gather(version), "Pumps", "")
    assert "default-src 'none'" in page
    assert 'src="http' not in page
    assert "href=" not in page


def test_a_version_without_kpis_or_exceptions_has_a_page(tmp_path: Path) -> None:
    folder = tmp_path / "000001-aa"
    folder.mkdir()
    duckdb.connect(str(folder / "marts.duckdb")).close()
    assert "There are none." in render(_gather(folder), "Pumps", "")
