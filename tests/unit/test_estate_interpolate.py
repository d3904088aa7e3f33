"""`${VAR}` in the estate: replaced exactly, once, and never by guessing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfg_assets.estate.interpolate import interpolate

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
DEFAULTS = st.text().filter(lambda t: "}" not in t)
ENVIRONMENTS = st.dictionaries(NAMES, st.text(max_size=12), max_size=6)


@st.composite
def pieces(draw: st.DrawFn) -> list[tuple[str, str, str | None]]:
    """A text in pieces, each (kind, name or literal, default)."""
    piece = st.one_of(
        st.tuples(st.just("literal"), st.text(), st.none()),
        st.tuples(st.just("variable"), NAMES, st.none()),
        st.tuples(st.just("variable"), NAMES, DEFAULTS),
    )
    return draw(st.lists(piece, max_size=6))


@given(st.text())
def test_escaped_text_comes_back_unchanged(text: str) -> None:
    assert interpolate(text.replace("$", "$$"), {}).text == text


@given(st.text().filter(lambda t: "${" not in t and "$$" not in t), ENVIRONMENTS)
def test_text_without_reference_stays_as_it_is(text: str, environ: dict[str, str]) -> None:
    done = interpolate(text, environ)
    assert (done.text, done.variables, done.missing, done.broken) == (text, (), (), ())


@given(pieces(), ENVIRONMENTS)
def test_each_piece_is_replaced_on_its_own(parts: list[tuple[str, str, str | None]], environ: dict[str, str]) -> None:
    written, expected, missing = "", "", []
    for kind, value, default in parts:
        if kind == "literal":
            written += value.replace("$", "$$")
            expected += value
        elif default is None:
            written += f"${{{value}}}"
            expected += environ.get(value, f"${{{value}}}")
            missing += [] if value in environ else [value]
        else:
            written += f"${{{value}:-{default}}}"
            expected += environ.get(value) or default
    done = interpolate(written, environ)
    assert done.text == expected
    assert list(done.missing) == missing
    assert not done.broken


def test_a_value_is_not_looked_at_again() -> None:
    assert interpolate("${A}", {"A": "${B}$$", "B": "x"}).text == "${B}$$"


def test_default_counts_for_an_empty_variable_as_in_a_shell() -> None:
    assert interpolate("${A:-b}", {"A": ""}).text == "b"
    assert interpolate("${A}", {"A": ""}).text == ""
    assert interpolate("${A:-}", {}).text == ""


def test_lone_dollars_of_regular_expressions_stay() -> None:
    assert interpolate(r"^(\d+)\.csv$", {}).text == r"^(\d+)\.csv$"


@pytest.mark.parametrize("text", ["${", "${}", "${1A}", "${A-b}", "${A B}", "${A"])
def test_what_is_no_variable_is_reported(text: str) -> None:
    done = interpolate(f"x{text}", {"A": "1"})
    assert done.broken == (text,)
    assert done.text == f"x{text}"
