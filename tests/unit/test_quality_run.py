"""Suites run in DuckDB by Great Expectations: exact counts, kept rows, and failures that say what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mfg_assets.errors import QualityError
from mfg_assets.quality import CheckResult, Suite, run_suites
from mfg_assets.settings import Settings


@pytest.fixture
def warehouse(settings: Settings) -> Path:
    settings.warehouse_dir.mkdir(parents=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("create schema canonical")
        connection.execute("""
            create table canonical.stock as
            select
                range as n,
                case when range % 100 = 0 then null else 'I' || range end as item,
                case when range < 3 then null else 'L' || range end as lot,
                case when range < 3 then 'same' else 'k' || range end as place,
                ['EA', 'KGM', 'XXX'][range % 3 + 1] as unit,
                ((range - 2) * 0.5)::decimal(18, 3) as quantity,
                timestamptz '2026-01-01 00:00:00+00' + to_hours(range) as as_of
            from range(1000)
        """)
        connection.execute("create view canonical.empty as select * from canonical.stock where false")
    return settings.warehouse_path


def _suite(table: str, *expectations: dict[str, Any]) -> Suite:
    common = {"severity": "blocking", "description": "What must hold."}
    return Suite.model_validate({"table": table, "expectations": [{**common, **e} for e in expectations]})


def _run(settings: Settings, *suites: Suite) -> dict[str, CheckResult]:
    return {result.name: result for result in run_suites(suites, settings.warehouse_path, settings)}


ALL = [
    {"type": "expect_column_values_to_not_be_null", "column": "item"},
    {"type": "expect_column_values_to_be_in_set", "column": "unit", "value_set": ["EA", "KGM"]},
    {"type": "expect_column_values_to_be_between", "column": "quantity", "min_value": 0, "severity": "warning"},
    {
        "type": "expect_column_values_to_be_between",
        "column": "quantity",
        "min_value": 0,
        "max_value": 10,
        "strict_min": True,
        "strict_max": True,
        "name": "strictly_between",
    },
    {"type": "unique_key", "columns": ["place", "lot"]},
    {"type": "expect_table_row_count_to_be_between", "min_value": 1001},
    {
        "type": "unexpected_rows",
        "name": "digits",
        "query": "select n, item from {batch} where regexp_matches(item, '7{{2}}')",
    },
]


def test_counts_are_exact_and_agree_with_the_rows_kept(settings: Settings, warehouse: Path) -> None:
    results = _run(settings, _suite("canonical.stock", *ALL))
    counted = {
        name: (result.success, result.failed_rows, result.rows, result.error) for name, result in results.items()
    }
    assert counted == {
        "not_null__item": (False, 10, 1000, None),
        "in_set__unit": (False, 333, 1000, None),
        "between__quantity": (False, 2, 1000, None),
        "strictly_between": (False, 3 + 978, 1000, None),
        # Three rows share ('same', null): a null in the key must not hide them.
        "unique_key": (False, 3, 1000, None),
        "row_count": (False, 0, 1000, None),
        "digits": (False, 19, 1000, None),
    }
    assert results["between__quantity"].severity == "warning"
    assert results["digits"].sample[0] == {"n": 177, "item": "I177"}
    with duckdb.connect(str(warehouse)) as connection:
        kept = connection.execute("""
            select expectation, severity, any_value(failed_rows), count(*), min(row_number), max(row_number)
            from quality.expectation_failure where suite = 'canonical.stock' group by all order by expectation
        """).fetchall()
        first = connection.execute(
            "select row_json from quality.expectation_failure where expectation = 'between__quantity' order by all"
        ).fetchall()
    assert kept == [
        ("between__quantity", "warning", 2, 2, 1, 2),
        ("digits", "blocking", 19, 19, 1, 19),
        ("in_set__unit", "blocking", 333, 100, 1, 100),
        ("not_null__item", "blocking", 10, 10, 1, 10),
        ("strictly_between", "blocking", 981, 100, 1, 100),
        ("unique_key", "blocking", 3, 3, 1, 3),
    ]
    assert [json.loads(row[0])["quantity"] for row in first] == [-1.0, -0.5]


def test_each_count_is_that_of_its_failing_rows(settings: Settings, warehouse: Path) -> None:
    """Great Expectations counts and our SQL for the rows must not drift apart."""
    suite = _suite("canonical.stock", *ALL)
    results = _run(settings, suite)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for expectation in suite.expectations:
            query = expectation.failing_rows(suite.sql)
            if query is not None:
                found = connection.execute(f"select count(*) from ({query})").fetchone()
                assert found == (results[expectation.name].failed_rows,), expectation.name


def test_what_holds_leaves_nothing_behind_and_old_failures_go(settings: Settings, warehouse: Path) -> None:
    _run(settings, _suite("canonical.stock", *ALL))
    holds = {"type": "expect_column_values_to_not_be_null", "column": "n"}
    other = _suite("canonical.empty", *ALL[:5], {**ALL[5], "min_value": 0})
    results = _run(settings, _suite("canonical.stock", holds), other)
    assert all(result.success for result in results.values())
    assert [result.failed_rows for result in results.values()] == [0] * 7
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        assert connection.execute("select count(*) from quality.expectation_failure").fetchone() == (0,)


def test_only_the_suites_run_replace_their_failures(settings: Settings, warehouse: Path) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create table canonical.other as select * from canonical.stock")
    _run(settings, _suite("canonical.stock", ALL[0]), _suite("canonical.other", ALL[0]))
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("update canonical.stock set item = 'x'; drop table canonical.other")
        before = connection.execute("select distinct suite from quality.expectation_failure").fetchall()
    _run(settings, _suite("canonical.empty", ALL[0]))
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        after = connection.execute("select distinct suite from quality.expectation_failure").fetchall()
    assert len(before) == 2
    assert after == [("canonical.stock",)], "a table that is gone keeps no failures; one not checked keeps its own"


def test_rows_kept_do_not_depend_on_the_order_of_the_table(settings: Settings, warehouse: Path) -> None:
    def kept() -> list[Any]:
        _run(settings, _suite("canonical.stock", ALL[1]))
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            return connection.execute("select * from quality.expectation_failure order by all").fetchall()

    first = kept()
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create or replace table canonical.stock as from canonical.stock order by n desc")
    assert kept() == first


def test_what_cannot_be_computed_fails_and_says_why_and_the_rest_goes_on(settings: Settings, warehouse: Path) -> None:
    results = _run(
        settings,
        _suite("canonical.gone", {"type": "unique_key", "columns": ["n"], "name": "of_a_missing_table"}),
        _suite(
            "canonical.stock",
            {"type": "expect_column_values_to_not_be_null", "column": "nope"},
            {"type": "unexpected_rows", "name": "broken", "query": "select nonsense from {batch}"},
            {"type": "expect_column_values_to_be_between", "column": "unit", "min_value": 1, "name": "text_as_number"},
            {"type": "expect_column_values_to_not_be_null", "column": "n"},
        ),
    )
    assert [name for name, result in results.items() if not result.success] == [
        "of_a_missing_table",
        "not_null__nope",
        "broken",
        "text_as_number",
    ]
    assert results["of_a_missing_table"].error == "canonical.gone is not in the warehouse"
    assert results["not_null__nope"].error == "canonical.stock has no column nope"
    assert "nonsense" in str(results["broken"].error)
    assert "VARCHAR" in str(results["text_as_number"].error)
    assert all("\n" not in str(result.error) for result in results.values())


def test_no_warehouse_is_said_plainly(settings: Settings) -> None:
    with pytest.raises(QualityError, match="no warehouse"):
        run_suites([_suite("canonical.stock", ALL[0])], settings.warehouse_path, settings)


def test_the_warehouse_is_free_afterwards(settings: Settings, warehouse: Path) -> None:
    """Great Expectations' engine lives on in its context; its connection must not."""
    _run(settings, _suite("canonical.stock", ALL[0]))
    moved = warehouse.with_name("moved.duckdb")
    warehouse.rename(moved)
    with duckdb.connect(str(moved), config={"threads": 1, "memory_limit": "100MB"}) as connection:
        connection.execute("drop table canonical.stock cascade")
