"""Dagster's event log in SQLite with connections that are kept.

Dagster opens a database file, up to three times, for each of the thousands of events of a run: a third of the processor
time of a run on little data. Which files there are and what stands in them stays Dagster's.

Belongs here: how a connection is had. Doesn't belong here: what is logged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

_BUSY_SECONDS = 60
# A webserver looks at many runs in its life, and each has a file.
_KEPT = 8


class KeptSqliteEventLogStorage(SqliteEventLogStorage):
    """As its parent, with one connection for each of the files used last."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> KeptSqliteEventLogStorage:
        """What Dagster calls with the settings of `dagster.yaml`."""
        return cls(inst_data=inst_data, **config_value)

    def has_table(self, table_name: str) -> bool:
        """As its parent, which opens the file to see, for each result of a check; a table that is there stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.pop(shard, None)
        if engine is None:
            # `_db_lock` lets one thread at a time use it, whichever that is.
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=QueuePool,
                pool_size=1,
                connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
            )
            event.listen(engine, "connect", _relax)
            self._initdb(engine)
            while len(self._engines) >= _KEPT:
                self._engines.pop(next(iter(self._engines))).dispose()
        self._engines[shard] = engine
        return engine

    def dispose(self) -> None:
        """Close what is kept."""
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()
        super().dispose()


def _relax(connection: Any, _record: Any) -> None:
    # With a write-ahead log this can lose the last events when the power fails, never the file.
    connection.execute("pragma synchronous = normal")
