"""Cron expressions: whatever the estate's check accepts, the scheduler accepts too."""

from __future__ import annotations

import pytest
from dagster._utils.schedules import is_valid_cron_string
from hypothesis import given
from hypothesis import strategies as st

from mfg_assets.estate.cron import cron_fault

NUMBERS = st.integers(-1, 62).map(str)
NAMES = st.sampled_from(["jan", "DEC", "mon", "Sat", "x", "*"])
SPANS = st.one_of(NUMBERS, NAMES, st.tuples(NUMBERS, NUMBERS).map("-".join))
ITEMS = st.one_of(SPANS, st.tuples(SPANS, NUMBERS).map("/".join))
FIELDS = st.lists(ITEMS, min_size=1, max_size=3).map(",".join)
EXPRESSIONS = st.lists(st.one_of(st.just("*"), FIELDS), min_size=4, max_size=6).map(" ".join)


@given(EXPRESSIONS)
def test_what_is_accepted_the_scheduler_accepts(expression: str) -> None:
    if cron_fault(expression) is None:
        assert is_valid_cron_string(expression)


@pytest.mark.parametrize(
    "expression", ["0 4 * * *", "*/15 6-20 * * mon-fri", "0 0 1 jan *", "5/10 * * * 7", "0 0 29 2 *", "@daily"]
)
def test_usual_expressions_are_accepted(expression: str) -> None:
    assert cron_fault(expression) is None


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("0 4 * *", "'0 4 * *' has 4 fields instead of 5 (minute hour day month weekday)"),
        ("60 * * * *", "minute '60': use numbers from 0 to 59"),
        ("0 24 * * *", "hour '24': use numbers from 0 to 23"),
        ("0 4 * * tuesday", "day of week 'tuesday': use numbers from 0 to 7 or sun…sat"),
        ("20-10 * * * *", "minute '20-10': 20-10 runs backwards"),
        ("*/0 * * * *", "minute '*/0': the step '0' is not a number from 1 to 59"),
        ("0 0 31 2 *", "'0 0 31 2 *' never comes: no such day in that month"),
        ("@reboot", "'@reboot' is not one of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually"),
    ],
)
def test_a_fault_says_which_field_and_why(expression: str, fault: str) -> None:
    assert cron_fault(expression) == fault
