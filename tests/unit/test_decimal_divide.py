"""The macro that divides exactly, over every width of decimal, against Python's fractions."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from mfg_assets.settings import PROJECT_ROOT

MACROS = (PROJECT_ROOT / "dbt_project" / "macros" / "arithmetic.sql").read_text()
WIDTHS = [(4, 2), (9, 6), (10, 6), (18, 0), (18, 9), (18, 12), (28, 6), (38, 9), (38, 12)]
EXACT = Context(prec=80, rounding=ROUND_HALF_UP)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def divide(connection: duckdb.DuckDBPyConnection, n: str, d: str, scale: int = 12, digits: int = 9) -> Decimal | None:
    macro = getattr(Environment().from_string(MACROS).module, "decimal_divide")  # noqa: S701, B009 - SQL, not HTML
    row = connection.execute(f"select {macro('n', 'd', scale, digits)} from (select {n} as n, {d} as d)").fetchone()
    assert row is not None
    return row[0]


def rounded(numerator: Decimal, denominator: Decimal, scale: int) -> Decimal:
    """Exact quotient, half away from zero."""
    scaled = Fraction(numerator) / Fraction(denominator) * 10**scale
    whole = int(abs(scaled) + Fraction(1, 2))
    return Decimal(whole if scaled > 0 else -whole).scaleb(-scale, EXACT)


@pytest.mark.parametrize("n_type", WIDTHS)
@pytest.mark.parametrize("d_type", WIDTHS)
def test_rule_20_every_width_divides(
    connection: duckdb.DuckDBPyConnection, n_type: tuple[int, int], d_type: tuple[int, int]
) -> None:
    digits = max(n_type[1], d_type[1])
    found = divide(connection, f"cast(12 as decimal{n_type})", f"cast(7 as decimal{d_type})", 9, digits)
    assert found == Decimal("1.714285714")


@pytest.mark.parametrize("n_type", ["tinyint", "integer", "bigint", "hugeint"])
def test_rule_20_whole_numbers_divide(connection: duckdb.DuckDBPyConnection, n_type: str) -> None:
    assert divide(connection, f"cast(100 as {n_type})", f"cast(8 as {n_type})", 6) == Decimal("12.5")


@settings(max_examples=200, deadline=None)
@given(
    n=st.decimals(-99_999_999, 99_999_999, places=6),
    d=st.decimals(-999, 999, places=6).filter(bool),
)
@example(n=Decimal("-0.000001"), d=Decimal("2"))
@example(n=Decimal("99999999.999999"), d=Decimal("0.000001"))
def test_rule_20_the_quotient_is_exact_and_rounds_half_away_from_zero(n: Decimal, d: Decimal) -> None:
    with duckdb.connect() as connection:
        found = divide(connection, f"cast('{n}' as decimal(18, 6))", f"cast('{d}' as decimal(9, 6))", 12, 6)
    assert found == rounded(n, d, 12)


def test_rule_20_no_result_is_null(connection: duckdb.DuckDBPyConnection) -> None:
    assert divide(connection, "1.5::decimal(9, 6)", "0::decimal(9, 6)") is None
    assert divide(connection, "null::decimal(9, 6)", "1::decimal(9, 6)") is None
    # a quotient of 40 digits
    assert divide(connection, "9e27::decimal(38, 9)", "0.000000001::decimal(38, 9)") is None


def macro(name: str, *arguments: object) -> str:
    """A macro's SQL."""
    return getattr(Environment().from_string(MACROS).module, name)(*arguments)  # noqa: S701 - SQL, not HTML


whole_numbers = st.integers(-(10**37), 10**37) | st.integers(-1000, 1000)


@settings(max_examples=300, deadline=None)
@given(n=whole_numbers, d=(whole_numbers | st.sampled_from([10**12, 10**8, 2, 3])).filter(bool))
@example(n=5, d=2)
@example(n=-5, d=2)
@example(n=5 * 10**36 + 5 * 10**11, d=10**12)
@example(n=10**37, d=1)
def test_rule_20_whole_numbers_divide_exactly_and_round_half_away_from_zero(
    connection: duckdb.DuckDBPyConnection, n: int, d: int
) -> None:
    sql = f"select {macro('whole_quotient', 'n', 'd')} from (select $n::hugeint as n, $d::hugeint as d)"
    (found,) = connection.execute(sql, {"n": str(n), "d": str(d)}).fetchone() or (None,)
    expected = int(rounded(Decimal(n), Decimal(d), 0))
    assert found == (expected if abs(expected) < 10**30 else None)


def test_rule_20_no_quotient_is_null(connection: duckdb.DuckDBPyConnection) -> None:
    for n, d in (("1", "0"), ("0", "0"), ("null", "1"), ("1", "null"), ("1" + 31 * "0", "1")):
        sql = f"select {macro('whole_quotient', 'n', 'd')} from (select {n}::hugeint as n, {d}::hugeint as d)"
        assert connection.execute(sql).fetchone() == (None,)


@settings(max_examples=200, deadline=None)
@given(digits=st.integers(-(10**28) + 1, 10**28 - 1) | st.integers(-(10**17), 10**17), places=st.integers(1, 14))
def test_rule_20_a_decimal_and_its_whole_number_are_one_number(
    connection: duckdb.DuckDBPyConnection, digits: int, places: int
) -> None:
    value = Decimal(digits).scaleb(-places, EXACT)
    there = macro("decimal_to_whole", "v", places)
    back = macro("whole_to_decimal", "w", places)
    sql = f"select w, {back} from (select {there} as w from (select '{value:f}'::decimal(38, {places}) as v))"
    assert connection.execute(sql).fetchone() == (digits, value)
