"""Instants as people type them (rule 5: an instant without a zone is never guessed)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mfg_assets.cli.instants import parse
from mfg_assets.errors import UsageError


def test_a_date_is_its_first_instant_in_the_plants_zone() -> None:
    assert parse("2025-03-01", ["Europe/Berlin"]) == datetime(2025, 2, 28, 23, tzinfo=UTC)


def test_an_offset_wins_over_every_zone() -> None:
    assert parse("2025-03-01T00:00:00+05:00", ["Europe/Berlin", "UTC"]) == datetime(2025, 2, 28, 19, tzinfo=UTC)


def test_without_a_plant_it_is_utc() -> None:
    assert parse("2025-03-01T06:00", ()) == datetime(2025, 3, 1, 6, tzinfo=UTC)


def test_now_is_now() -> None:
    before = datetime.now(UTC)
    assert before <= parse("now", ()) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("text", "zones", "words"),
    [
        ("yesterday", ["UTC"], "is not an instant"),
        ("2025-02-30", ["UTC"], "is not an instant"),
        ("2025-03-01", ["Europe/Berlin", "America/Chicago"], "different time zones"),
        ("2025-03-30T02:30", ["Europe/Berlin"], "happens twice or never"),
        ("2025-10-26T02:30", ["Europe/Berlin"], "happens twice or never"),
        ("0001-01-01T00:00:00+14:00", [], "out of range"),
    ],
)
def test_rule_05_what_is_not_one_instant_is_refused_with_a_fix(text: str, zones: list[str], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, zones)
    assert words in caught.value.problems[0].message
    assert caught.value.problems[0].message.startswith("--as-of: ")
    assert caught.value.problems[0].fix
    with pytest.raises(UsageError, match=r"^--until: "):
        parse(text, zones, "--until")
