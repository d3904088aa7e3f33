"""The macro that divides exactly, over every width of decimal, against Python's fractions."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from mfg_assets.settings import PROJECT_ROOT

MACROS = (PROJECT_ROOT / "dbt_project" / "macros" / "arithmetic.sql").read_text()
MODULE = Environment().from_string(MACROS).module  # noqa: S701 - SQL, not HTML
WIDTHS = [(4, 2), (9, 6), (10, 6), (18, 0), (18, 9), (18, 12), (28, 6), (38, 9), (38, 12)]
EXACT = Context(prec=80, rounding=ROUND_HALF_UP)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def macro(name: str, *arguments: object) -> str:
    """A macro's SQL."""
    return getattr(MODULE, name)(*arguments)


def divide(connection: duckdb.DuckDBPyConnection, n: str, d: str, scale: int = 12, digits: int = 9) -> Decimal | None:
    sql = f"select {macro('decimal_divide', 'n', 'd', scale, digits)} from (select {n} as n, {d} as d)"
    row = connection.execute(sql).fetchone()
    assert row is not None
    return row[0]


def rounded(numerator: Decimal, denominator: Decimal, scale: int) -> Decimal:
    """Exact quotient, half away from zero."""
    scaled = Fraction(numerator) / Fraction(denominator) * 10**scale
    whole = int(abs(scaled) + Fraction(1, 2))
    return Decimal(whole if scaled > 0 else -whole).scaleb(-scale, EXACT)


@pytest.mark.parametrize("n_type", WIDTHS)
def test_rule_20_every_width_divides(connection: duckdb.DuckDBPyConnection, n_type: tuple[int, int]) -> None:
    quotients = [
        macro(
            "decimal_divide",
            f"cast(12 as decimal{n_type})",
            f"cast(7 as decimal{d_type})",
            9,
            max(n_type[1], d_type[1]),
        )
        for d_type in WIDTHS
    ]
    found = connection.execute(f"select {', '.join(quotients)}").fetchone()
    assert found == (Decimal("1.714285714"),) * len(WIDTHS)


@pytest.mark.parametrize("n_type", ["tinyint", "integer", "bigint", "hugeint"])
def test_rule_20_whole_numbers_divide(connection: duckdb.DuckDBPyConnection, n_type: str) -> None:
    assert divide(connection, f"cast(100 as {n_type})", f"cast(8 as {n_type})", 6) == Decimal("12.5")


def many(pairs: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Many at once: planning the SQL takes longer than dividing."""
    return st.lists(pairs, min_size=40, max_size=60)


@settings(max_examples=8, deadline=None)
@given(
    pairs=many(
        st.tuples(
            st.decimals(-99_999_999, 99_999_999, places=6),
            st.decimals(-999, 999, places=6).filter(bool),
        )
    ),
)
@example(pairs=[(Decimal("-0.000001"), Decimal("2")), (Decimal("99999999.999999"), Decimal("0.000001"))])
def test_rule_20_the_quotient_is_exact_and_rounds_half_away_from_zero(
    connection: duckdb.DuckDBPyConnection, pairs: list[tuple[Decimal, Decimal]]
) -> None:
    sql = (
        f"select {macro('decimal_divide', 'n', 'd', 12, 6)} from (select unnest($n::decimal(18, 6)[]) as n, "
        "unnest($d::decimal(9, 6)[]) as d)"
    )
    found = connection.execute(sql, {"n": [f"{n:f}" for n, _ in pairs], "d": [f"{d:f}" for _, d in pairs]}).fetchall()
    assert [q for (q,) in found] == [rounded(n, d, 12) for n, d in pairs]


def test_rule_20_no_result_is_null(connection: duckdb.DuckDBPyConnection) -> None:
    assert divide(connection, "1.5::decimal(9, 6)", "0::decimal(9, 6)") is None
    assert divide(connection, "null::decimal(9, 6)", "1::decimal(9, 6)") is None
    # a quotient of 40 digits
    assert divide(connection, "9e27::decimal(38, 9)", "0.000000001::decimal(38, 9)") is None


whole_numbers = st.integers(-(10**37), 10**37) | st.integers(-1000, 1000)


@settings(max_examples=8, deadline=None)
@given(
    pairs=many(
        st.tuples(whole_numbers, (whole_numbers | st.sampled_from([10**12, 10**8, 2, 3])).filter(bool)),
    ),
)
@example(pairs=[(5, 2), (-5, 2), (5 * 10**36 + 5 * 10**11, 10**12), (10**37, 1)])
def test_rule_20_whole_numbers_divide_exactly_and_round_half_away_from_zero(
    connection: duckdb.DuckDBPyConnection, pairs: list[tuple[int, int]]
) -> None:
    sql = (
        f"select {macro('whole_quotient', 'n', 'd')} "
        "from (select unnest($n::hugeint[]) as n, unnest($d::hugeint[]) as d)"
    )
    found = connection.execute(sql, {"n": [str(n) for n, _ in pairs], "d": [str(d) for _, d in pairs]}).fetchall()
    expected = [int(rounded(Decimal(n), Decimal(d), 0)) for n, d in pairs]
    assert [q for (q,) in found] == [q if abs(q) < 10**30 else None for q in expected]


def test_rule_20_no_quotient_is_null(connection: duckdb.DuckDBPyConnection) -> None:
    for n, d in (("1", "0"), ("0", "0"), ("null", "1"), ("1", "null"), ("1" + 31 * "0", "1")):
        sql = f"select {macro('whole_quotient', 'n', 'd')} from (select {n}::hugeint as n, {d}::hugeint as d)"
        assert connection.execute(sql).fetchone() == (None,)


@settings(max_examples=3, deadline=None)
@given(all_digits=many(st.integers(-(10**28) + 1, 10**28 - 1) | st.integers(-(10**17), 10**17)))
@pytest.mark.parametrize("places", range(1, 15))
def test_rule_20_a_decimal_and_its_whole_number_are_one_number(
    connection: duckdb.DuckDBPyConnection, places: int, all_digits: list[int]
) -> None:
    values = [Decimal(digits).scaleb(-places, EXACT) for digits in all_digits]
    there = macro("decimal_to_whole", "v", places)
    back = macro("whole_to_decimal", "w", places)
    sql = f"select w, {back} from (select {there} as w from (select unnest($v::decimal(38, {places})[]) as v))"
    found = connection.execute(sql, {"v": [f"{value:f}" for value in values]}).fetchall()
    assert found == list(zip(all_digits, values, strict=True))
