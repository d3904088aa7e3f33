"""What values from extracts may do to the place where they are shown: nothing."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfg_assets.safe import csv_cell, json_text, plain, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b2J", "\\x9b2J"),
        ("two\nlines\tand\r", "two\\nlines\\tand\\r"),
        ("back\x08space", "back\\x08space"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("Räder 28″ [bold]", "Räder 28″ [bold]"),
    ],
)
def test_a_terminal_gets_controls_as_escapes_and_the_rest_as_it_is(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_nothing_printable_can_drive_a_terminal(text: str) -> None:
    shown = printable(text)
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in shown)
    shown.encode("utf-8")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠"])
def test_text_that_a_spreadsheet_would_compute_gets_an_apostrophe(start: str) -> None:
    assert csv_cell(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (-5, "-5"),
        (Decimal("-0.10"), "-0.10"),
        (-1.5, "-1.5"),
        ("A=1", "A=1"),
        ("", ""),
        (None, ""),
        (True, "true"),
        (["=a", "b"], '["=a", "b"]'),
    ],
)
def test_numbers_and_harmless_text_stay_as_they_are_in_csv(value: object, cell: str) -> None:
    assert csv_cell(value) == cell


def test_values_as_text_keep_their_precision() -> None:
    assert plain(Decimal("1E-9")) == "0.000000001"
    assert plain(date(2025, 3, 1)) == "2025-03-01"
    assert plain(datetime(2025, 3, 1, 6, tzinfo=UTC)) == "2025-03-01 06:00:00+00:00"


def test_json_keeps_decimals_exact_and_names_what_it_has_no_number_for() -> None:
    value = {"quantity": Decimal("12345678901234567890.123456789"), "rate": float("nan"), "at": date(2025, 3, 1)}
    text = json_text([value])
    assert "12345678901234567890.123456789" in text
    assert json.loads(text) == [{"quantity": pytest.approx(1.2345678901234567e19), "rate": "nan", "at": "2025-03-01"}]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_json_reads_back_as_it_was_and_holds_no_control_character(value: object) -> None:
    text = json_text(value)
    assert json.loads(text) == value
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in text)
