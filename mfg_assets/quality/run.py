"""Running suites: results a person can act on, and failing rows kept in the warehouse.

Belongs here: what to run, in which order, and what a failure means. Doesn't belong here: Great Expectations' own
classes (`engine`, imported only when something is run) and Dagster's.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from mfg_assets.errors import Problem, QualityError
from mfg_assets.quality import failures
from mfg_assets.quality.suites import Expectation, Severity, Suite
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect


@dataclass(frozen=True)
class CheckResult:
    """How one expectation came out.

    Attributes:
        table: `schema.name` of the table checked.
        name: the expectation's name, unique in its suite.
        failed_rows: exact number of rows that fail; 0 where the failure is not one of rows.
        rows: number of rows in the table.
        sample: the first failing rows.
        error: why it could not be computed; then it counts as failed.
    """

    table: str
    name: str
    severity: Severity
    success: bool
    failed_rows: int
    rows: int
    sample: list[dict[str, Any]]
    description: str
    error: str | None = None


def run_suites(suites: Sequence[Suite], warehouse_path: Path, settings: Settings) -> list[CheckResult]:
    """Run suites in the warehouse and replace their rows in `quality.expectation_failure`.

    Returns:
        One result per expectation, in the suites' order. A missing table or column fails its expectations; it does
        not stop the others.

    Raises:
        QualityError: there is no warehouse.
        WarehouseError: another process holds it.
    """
    if not warehouse_path.is_file():
        raise QualityError(Problem("there is no warehouse to check", warehouse_path, fix="build it with `mfg run`"))
    if not suites:
        return []
    from mfg_assets.quality.engine import Validator

    results: list[CheckResult] = []
    with connect(settings, warehouse_path) as connection:
        with closing(Validator(connection)) as validator:
            for suite in suites:
                results.extend(_run(suite, validator, connection))
        return _keep_failures(connection, suites, results)


def _run(suite: Suite, validator: Any, connection: duckdb.DuckDBPyConnection) -> list[CheckResult]:
    columns = _columns(connection, suite)
    if not columns:
        return [_failed(suite, e, 0, f"{suite.table} is not in the warehouse") for e in suite.expectations]
    count = connection.execute(f"select count(*) from {suite.sql}").fetchone()
    rows = int(count[0]) if count else 0
    missing = {e.name: [c for c in e.columns_used if c not in columns] for e in suite.expectations}
    runnable = [e for e in suite.expectations if not missing[e.name]]
    outcome = {r.expectation_config.meta["name"]: r for r in validator.run(suite, runnable).results} if runnable else {}
    results: list[CheckResult] = []
    for expectation in suite.expectations:
        if missing[expectation.name]:
            lacking = ", ".join(missing[expectation.name])
            results.append(_failed(suite, expectation, rows, f"{suite.table} has no column {lacking}"))
            continue
        theirs = outcome[expectation.name]
        error = _exception(theirs.exception_info)
        if error is not None:
            results.append(_failed(suite, expectation, rows, error))
            continue
        failed = 0
        if not theirs.success and expectation.failing_rows(suite.sql) is not None:
            # A query's count is its observed value; a column's is called by its name.
            failed = int(theirs.result.get("unexpected_count", theirs.result.get("observed_value", 0)))
        results.append(
            CheckResult(
                suite.table,
                expectation.name,
                expectation.severity,
                bool(theirs.success),
                failed,
                rows,
                [],
                expectation.description,
            )
        )
    return results


def _keep_failures(
    connection: duckdb.DuckDBPyConnection, suites: Sequence[Suite], results: list[CheckResult]
) -> list[CheckResult]:
    expectations = {(suite.table, e.name): (suite, e) for suite in suites for e in suite.expectations}
    kept: list[CheckResult] = []
    connection.begin()
    failures.begin(connection, [suite.table for suite in suites])
    for result in results:
        suite, expectation = expectations[result.table, result.name]
        query = expectation.failing_rows(suite.sql)
        if result.success or result.error is not None or query is None:
            kept.append(result)
            continue
        sample = failures.keep(connection, result.table, result.name, result.severity, result.failed_rows, query)
        kept.append(CheckResult(**{**result.__dict__, "sample": sample}))
    failures.note(
        connection,
        [(r.table, r.name, r.severity, r.description, r.success, r.failed_rows, r.error) for r in results],
    )
    connection.commit()
    return kept


def _failed(suite: Suite, expectation: Expectation, rows: int, error: str) -> CheckResult:
    return CheckResult(
        suite.table, expectation.name, expectation.severity, False, 0, rows, [], expectation.description, error
    )


def _columns(connection: duckdb.DuckDBPyConnection, suite: Suite) -> set[str]:
    found = connection.execute(
        "select column_name from information_schema.columns where table_schema || '.' || table_name = $1",
        [suite.table],
    ).fetchall()
    return {row[0] for row in found}


def _exception(info: dict[str, Any] | None) -> str | None:
    """The message of an exception: Great Expectations reports it flat, or once per metric."""
    if not info:
        return None
    for one in (info, *(value for value in info.values() if isinstance(value, dict))):
        if one.get("raised_exception"):
            return str(one.get("exception_message")).strip().splitlines()[0]
    return None
