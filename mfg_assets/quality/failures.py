"""What expectations found, kept where people can look at it: `quality.expectation_failure`, `quality.check_result`.

Belongs here: the table and its content. Doesn't belong here: deciding what fails (`run`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import duckdb

from mfg_assets.publish.model import PublishedTable

SCHEMA = "quality"
TABLE = f"{SCHEMA}.expectation_failure"
RESULTS = f"{SCHEMA}.check_result"
# Enough to see a pattern; the count beside them is exact.
ROWS_KEPT = 100

EXPECTATION_FAILURE = PublishedTable(
    name="expectation_failure",
    relation=TABLE,
    key=("suite", "expectation", "row_number"),
    description=f"One row per failing row of an expectation, at most {ROWS_KEPT} of each; failed_rows is exact.",
    columns={
        "suite": "The table that was checked.",
        "expectation": "Name of the expectation in the suite.",
        "severity": "blocking stops publication, warning is shown.",
        "failed_rows": "How many rows fail in all, kept here or not.",
        "row_number": "Place in the sample, ordered by the row's text, so that the same failures give the same rows.",
        "row_json": "The failing row.",
    },
)

_CREATE = f"""
    create table if not exists {TABLE} (
        suite varchar not null, expectation varchar not null, severity varchar not null,
        failed_rows bigint not null, row_number integer not null, row_json varchar not null
    )
"""

_CREATE_RESULTS = f"""
    create table if not exists {RESULTS} (
        suite varchar not null, expectation varchar not null, severity varchar not null, description varchar not null,
        success boolean not null, failed_rows bigint not null, error varchar
    )
"""


def begin(connection: duckdb.DuckDBPyConnection, suites: Iterable[str]) -> None:
    """Make the table if need be, and clear the rows of these suites and of tables that no longer exist."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    connection.execute(_CREATE)
    connection.execute(_CREATE_RESULTS)
    named = list(suites)
    for table in (TABLE, RESULTS):
        connection.execute(
            f"""
            delete from {table}
            where list_contains($1, suite)
                or suite not in (select table_schema || '.' || table_name from information_schema.tables)
            """,
            [named],
        )


def note(connection: duckdb.DuckDBPyConnection, results: Sequence[Sequence[Any]]) -> None:
    """Keep how each expectation came out: suite, name, severity, description, success, failed rows, error."""
    if results:
        connection.executemany(
            f"insert into {RESULTS} values (?, ?, ?, ?, ?, ?, ?)", [list(result) for result in results]
        )


def keep(
    connection: duckdb.DuckDBPyConnection, suite: str, expectation: str, severity: str, failed_rows: int, query: str
) -> list[dict[str, Any]]:
    """Write a sample of the rows that `query` finds and return its first rows."""
    connection.execute(
        f"""
        insert into {TABLE}
        select $1, $2, $3, $4, row_number() over (order by row_json), row_json
        from (
            select to_json(failing)::varchar as row_json from ({query}) as failing order by row_json limit {ROWS_KEPT}
        )
        """,
        [suite, expectation, severity, failed_rows],
    )
    rows = connection.execute(
        f"select row_json from {TABLE} where suite = $1 and expectation = $2 order by row_number limit 5",
        [suite, expectation],
    ).fetchall()
    return [json.loads(row[0]) for row in rows]
