"""Great Expectations on DuckDB: the adapter that pushes every expectation down into the warehouse.

Belongs here: the execution engine, the data source and the translation of our expectations into theirs.
Doesn't belong here: anything that must load quickly; importing this module takes seconds, so `run` does it late.

Great Expectations closes its connection before it fetches, and on DuckDB the result is gone with the connection
(`list index out of range`). One connection, kept, is what works. Regular expressions are unsupported on this
dialect: use `unexpected_rows` with `regexp_matches`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import great_expectations as gx
import sqlalchemy as sa
from duckdb_engine import ConnectionWrapper
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
from great_expectations.expectations.core.expect_column_values_to_be_in_set import ExpectColumnValuesToBeInSet
from great_expectations.expectations.core.expect_column_values_to_not_be_null import ExpectColumnValuesToNotBeNull
from great_expectations.expectations.core.expect_table_row_count_to_be_between import ExpectTableRowCountToBeBetween
from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation

from mfg_assets.quality import suites

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.expectations.expectation import Expectation

_SEVERITY = {"blocking": "critical", "warning": "warning"}


class _Catalogue:
    """The two questions that Great Expectations asks of an inspector, answered by DuckDB's own catalogue.

    SQLAlchemy's inspector asks the catalogue that DuckDB shows to clients of PostgreSQL, which takes longer for one
    table than all of a suite's expectations together.
    """

    def __init__(self, engine: DuckDBExecutionEngine) -> None:
        self.dialect = engine.dialect
        self._engine = engine

    def get_pk_constraint(self, table_name: str, schema: str | None = None) -> dict[str, Any]:
        """None: keys are expectations here."""
        return {"constrained_columns": []}

    def get_columns(self, table_name: str, schema: str | None = None) -> list[dict[str, Any]]:
        """The names of a table's columns, in order; no expectation of ours asks for their types."""
        query = sa.text(
            "select column_name from duckdb_columns() where schema_name = :schema and table_name = :table"
            " order by column_index asc"
        )
        with self._engine.get_connection() as connection:
            names = connection.execute(query, {"schema": schema, "table": table_name}).scalars().all()
        return [{"name": name, "type": sa.types.NullType()} for name in names]


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """Keeps its one connection open, so that results outlive the statement."""

    def get_inspector(self) -> Any:
        """What it asks about tables, without SQLAlchemy's detour."""
        return _Catalogue(self)

    @contextmanager
    def get_connection(self) -> Iterator[sa.Connection]:
        """The kept connection; leaving the context doesn't close it."""
        connection = self._connection or self.engine.connect()
        self._connection = connection
        yield connection

    def close(self) -> None:
        """Close the kept connection too; theirs does so for some dialects only."""
        if self._connection is not None:
            self._connection.close()
        super().close()


class DuckDBDatasource(SQLDatasource):
    """A data source over a DuckDB connection that someone else opened, with its limits and its time zone."""

    # Both names are Great Expectations': the class registers itself under this type as `add_duckdb`.
    type: Literal["duckdb"] = "duckdb"  # pyright: ignore[reportIncompatibleVariableOverride]

    @property
    def execution_engine_type(self) -> type[SqlAlchemyExecutionEngine]:
        """The engine that keeps its connection."""
        return DuckDBExecutionEngine

    def get_execution_engine(self) -> SqlAlchemyExecutionEngine:
        """One engine over this source's connection, made once."""
        engine = self._execution_engine or DuckDBExecutionEngine(engine=self.get_engine())
        self._execution_engine = engine
        return engine


class Validator:
    """Runs suites over one DuckDB connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        # It logs a traceback for every metric that fails to compute; those come back as results.
        logging.getLogger("great_expectations").setLevel(logging.ERROR)
        context = gx.get_context(
            mode="ephemeral",
            project_config=DataContextConfig(
                # No call home, no bars: this runs in plants without internet and in logs.
                analytics_enabled=False,
                progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
                store_backend_defaults=InMemoryStoreBackendDefaults(),
            ),
        )
        self._source: DuckDBDatasource = context.data_sources.add_duckdb(  # pyright: ignore[reportAttributeAccessIssue]
            name="warehouse",
            connection_string="duckdb://",
            # A cursor is a connection of its own to the same database. They need several at once: each begins a
            # transaction, which one connection can't do twice.
            kwargs={"creator": lambda: ConnectionWrapper(connection.cursor()), "poolclass": sa.NullPool},
        )

    def close(self) -> None:
        """Close the kept connection: their context outlives this object, and the file would stay open."""
        self._source.get_execution_engine().close()

    def run(self, suite: suites.Suite, expectations: list[suites.Expectation]) -> ExpectationSuiteValidationResult:
        """Validate a table; results carry `meta["name"]`. Whatever can't be computed is a result with an exception."""
        schema, table = suite.table.split(".")
        asset = self._source.add_table_asset(suite.table, table_name=table, schema_name=schema)
        batch = asset.add_batch_definition_whole_table("whole table").get_batch()
        theirs = gx.ExpectationSuite(name=suite.table, expectations=[_translate(e, suite) for e in expectations])
        return batch.validate(theirs, result_format={"result_format": "BASIC", "partial_unexpected_count": 0})


def _translate(ours: suites.Expectation, suite: suites.Suite) -> Expectation:
    common: dict[str, Any] = {
        "severity": _SEVERITY[ours.severity],
        "description": ours.description,
        "meta": {"name": ours.name},
    }
    match ours:
        case suites.NotNull():
            return ExpectColumnValuesToNotBeNull(column=ours.column, **common)
        case suites.InSet():
            return ExpectColumnValuesToBeInSet(column=ours.column, value_set=list(ours.value_set), **common)
        case suites.Between():
            return ExpectColumnValuesToBeBetween(
                column=ours.column,
                min_value=ours.min_value,
                max_value=ours.max_value,
                strict_min=ours.strict_min,
                strict_max=ours.strict_max,
                **common,
            )
        case suites.RowCount():
            return ExpectTableRowCountToBeBetween(min_value=ours.min_value, max_value=ours.max_value, **common)
        case suites.UnexpectedRows():
            return UnexpectedRowsExpectation(unexpected_rows_query=ours.query, **common)
        case suites.UniqueKey():
            query = ours.failing_rows("{batch}")
            return UnexpectedRowsExpectation(unexpected_rows_query=query, **common)
