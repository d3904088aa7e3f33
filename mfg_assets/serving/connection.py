"""One transaction on the serving database, through ADBC: SQL and bulk loads of Arrow data in the same one.

Belongs here: connecting, executing, errors in words for people. Doesn't belong here: what is executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from mfg_assets.errors import MfgError, Problem
from mfg_assets.settings import Settings

# Any number will do as long as all publishers take the same; this one is "mfgs" in ASCII.
_ADVISORY_LOCK = 0x6D666773
# There is one publisher at a time; with the server's defaults, joins and indexes of big tables go through its disk.
_MEMORY = ("set local work_mem = '128MB'", "set local maintenance_work_mem = '256MB'")
_PASSWORD = re.compile(r"(?<=:)[^:@/]+(?=@)")


class ServingError(MfgError):
    """The serving database can't be reached or refuses; readers keep the version that they have."""


def serving_url(settings: Settings) -> str | None:
    """`MFG_SERVING_URL` as libpq takes it, None when unset."""
    if settings.serving_url is None:
        return None
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", settings.serving_url.get_secret_value())


class Transaction:
    """The open transaction; it ends with its block."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement; its rows, if it gives any."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, list(parameters) if parameters else None)
            return cursor.fetchall() if cursor.description else []

    def script(self, *statements: str) -> None:
        """Run statements that give nothing."""
        for statement in statements:
            with self._connection.cursor() as cursor:
                # Not executescript, which would commit first.
                cursor.execute(statement)

    def load(self, schema: str, table: str, rows: pa.RecordBatchReader) -> int:
        """COPY rows into a table whose columns have the same names."""
        with self._connection.cursor() as cursor:
            return cursor.adbc_ingest(table, rows, mode="append", db_schema_name=schema)

    def load_temporary(self, table: str, rows: pa.RecordBatchReader) -> int:
        """COPY rows into a temporary table of this transaction."""
        with self._connection.cursor() as cursor:
            return cursor.adbc_ingest(table, rows, mode="append", temporary=True)


@contextmanager
def transaction(url: str) -> Iterator[Transaction]:
    """One transaction, alone among publishers; committed at the end of the block, undone by any error.

    Raises:
        ServingError: the server can't be reached, refuses a statement, or goes away.
    """
    import adbc_driver_manager
    import adbc_driver_postgresql.dbapi as adbc

    place = _PASSWORD.sub("***", url)
    try:
        with adbc.connect(url) as connection:
            opened = Transaction(connection)
            opened.execute(f"select pg_advisory_xact_lock({_ADVISORY_LOCK})")
            opened.script(*_MEMORY)
            yield opened
            connection.commit()
    except adbc_driver_manager.Error as error:
        said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ServingError(
            Problem(
                f"the serving database {place}: {_PASSWORD.sub('***', said)}",
                fix="check MFG_SERVING_URL, the server and its permissions; readers keep the version that they have, "
                "and `mfg publish serve` tries again",
            )
        ) from error
