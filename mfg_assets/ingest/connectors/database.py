"""Databases: one read-only transaction, and rows streamed from it into a Parquet file of texts.

Belongs here: connecting, SQL towards the source, errors of drivers in words for people, without the URL's secrets.
Doesn't belong here: what is new since the last read (`ingest.database`), landing.

Everything arrives as text, as from a file: the same mapping then reads SQLite, whose columns hold any type, and
PostgreSQL alike. PostgreSQL's texts are those of the server; other drivers' values are written in ISO 8601 and digits.
"""

from __future__ import annotations

import json
import re
import sqlite3
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from mfg_assets.errors import Problem, SourceError, TransientSourceError
from mfg_assets.estate.models import Estate
from mfg_assets.estate.systems import Extract, SqlConnector, SystemFile
from mfg_assets.estate.validate import nearest
from mfg_assets.ingest.connectors.table import unique_names

if TYPE_CHECKING:
    import pyarrow as pa

# Rows fetched at once, and the size of a row group: what is in memory at any time.
_BATCH = 5_000
_CONNECT_SECONDS = 10
# Dialects in which one transaction is known to show one state of the database to all of its statements.
_CONSISTENT = ("postgresql", "sqlite")
_TEXT_TYPES = (
    *("int2", "int4", "int8", "oid", "float4", "float8", "numeric", "uuid", "json", "jsonb", "inet", "cidr"),
    *("date", "time", "timetz", "timestamp", "timestamptz", "interval"),
)
_REFUSED = re.compile(r"authentication failed|no password supplied|does not exist|permission denied", re.IGNORECASE)
_SQLITE_PASSING = re.compile(r"locked|busy|unable to open|disk I/O", re.IGNORECASE)

_SECRET = re.compile(r"pass|pwd|secret|token|key", re.IGNORECASE)

Mark = str | int | float | datetime | date | Decimal


@dataclass(frozen=True)
class Window:
    """The rows to read: those whose cursor is at least `low` and, where `high` is given, at most that."""

    column: str | None = None
    low: Mark | None = None
    high: Mark | None = None


@dataclass(frozen=True)
class Extent:
    """How many rows a window has, the greatest value of its cursor, and how many rows have none."""

    rows: int
    mark: Mark | None
    nulls: int = 0


def label(name: str, extract: Extract) -> str:
    """What rows say they came from: the table, or the extract where it is a query."""
    return extract.from_ or name


@dataclass(frozen=True)
class State:
    """What tells whether a source may have changed since it was looked at.

    While `exact` stays the same, nothing has changed; None where the database can't say. `hint` changes when this very
    source was written to, sooner or later: good enough to be woken by, not to rely on.
    """

    exact: str | None
    hint: str | None


@contextmanager
def open_database(estate: Estate, system: SystemFile) -> Iterator[Session]:
    """One read-only transaction, ended whatever happens.

    Raises:
        TransientSourceError: the database can't be reached.
        SourceError: the URL, its driver, the user or the password is wrong.
    """
    connector = system.connector
    assert isinstance(connector, SqlConnector)  # noqa: S101 - callers ask for the connector's type first
    at = estate.path / "systems" / f"{system.system}.yaml"
    try:
        url = make_url(connector.url)
    except (ArgumentError, ValueError):
        raise SourceError(Problem("the URL of the database can't be read", at, fix="correct connector.url")) from None
    words = _Words(url, at)
    try:
        engine = _engine(url, estate.path, words)
    except (NoSuchModuleError, ImportError) as error:
        fix = "install the driver's package beside mfg_assets, or correct connector.url"
        raise SourceError(
            Problem(f"there is no driver for {url.drivername}: {words.safe(error)}", at, fix=fix)
        ) from None
    except SQLAlchemyError as error:
        raise words.error(error) from None
    try:
        try:
            connection = _begin(engine)
        except SQLAlchemyError as error:
            raise words.error(error) from None
        with connection:
            yield Session(connection, connector.schema_, words)
    finally:
        engine.dispose()


def _engine(url: URL, folder: Path, words: _Words) -> sa.Engine:
    backend = url.get_backend_name()
    if backend == "sqlite":
        path = (folder / (url.database or "")).resolve()
        if not path.is_file():
            fix = "correct connector.url, or have the file delivered"
            raise TransientSourceError(Problem(f"the database {path} does not exist", words.at, fix=fix))
        address = f"file:{urllib.parse.quote(str(path))}?mode=ro"

        def connect() -> sqlite3.Connection:
            return sqlite3.connect(address, uri=True, timeout=_CONNECT_SECONDS, isolation_level=None)

        return sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)
    if backend == "postgresql":
        query = {"connect_timeout": str(_CONNECT_SECONDS), **url.query}
        engine = sa.create_engine(url.set(drivername="postgresql+psycopg", query=query), poolclass=sa.NullPool)
        event.listen(engine, "connect", _take_texts)
        return engine
    return sa.create_engine(url, poolclass=sa.NullPool)


def _take_texts(connection: Any, _record: object) -> None:
    """Let psycopg hand over the server's own texts: no digit is lost, and `infinity` is no error."""
    from psycopg.types.string import TextLoader

    for name in _TEXT_TYPES:
        connection.adapters.register_loader(name, TextLoader)


def _begin(engine: sa.Engine) -> Connection:
    if engine.dialect.name == "postgresql":
        options: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        connection = engine.connect().execution_options(**options)
        connection.exec_driver_sql("set local time zone 'UTC'")
        connection.exec_driver_sql("set local datestyle to 'ISO'")
        connection.exec_driver_sql("set local intervalstyle to 'iso_8601'")
        return connection
    connection = engine.connect()
    if engine.dialect.name == "sqlite":
        connection.exec_driver_sql("begin")
    return connection


class Session:
    """A running transaction. Every statement in it sees the same state where `is_consistent`."""

    def __init__(self, connection: Connection, schema: str | None, words: _Words) -> None:
        self._connection, self._schema, self._words = connection, schema, words
        self.is_consistent = connection.dialect.name in _CONSISTENT
        self.place = words.place

    def columns(self, extract: Extract) -> list[str]:
        """Names of the columns. Raises SourceError when there is no such table, or the query is wrong."""
        with self._naming(extract):
            return list(self._connection.execute(self._select(extract).limit(0)).keys())

    def extent(self, extract: Extract, window: Window) -> Extent:
        """Count the rows of a window, and find the greatest cursor. Raises SourceError."""
        counted = [sa.func.count().label("n")]
        if window.column is not None:
            cursor = sa.column(window.column)
            counted += [sa.func.max(cursor).label("top"), sa.func.count(cursor).label("filled")]
        with self._naming(extract, window.column):
            found = tuple(self._connection.execute(self._select(extract, window, *counted)).one())
        if window.column is None:
            return Extent(int(found[0]), None)
        return Extent(int(found[0]), found[1], int(found[0]) - int(found[2]))

    def state(self, extract: Extract, path: Path | None) -> State:
        """The state of a table or query that is read whole; `path` is the file of an SQLite database."""
        if path is not None:
            facts = _file_state(path)
            return State(facts, facts)
        if self._connection.dialect.name != "postgresql":
            return State(None, None)
        with self._naming(extract):
            # As long as this stays the same, no transaction has written anything.
            exact = str(self._connection.exec_driver_sql("select pg_current_snapshot()::text").scalar())
            if extract.query:
                return State(exact, None)
            preparer = self._connection.dialect.identifier_preparer
            name = preparer.format_table(sa.table(extract.from_, schema=self._schema))
            found = self._connection.execute(_POSTGRES_TABLE, {"name": name}).one_or_none()
        return State(exact, None if found is None else "|".join(map(str, found)))

    def stream(self, extract: Extract, window: Window, target: Path, null_words: frozenset[str]) -> int:
        """Write the window's rows into a Parquet file of texts. Returns how many there are.

        Raises:
            TransientSourceError: the connection was lost meanwhile.
            SourceError: the table, a column or the query is wrong.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        written = 0
        with self._naming(extract, window.column):
            options = {"stream_results": True, "yield_per": _BATCH}
            result = self._connection.execute(self._select(extract, window), execution_options=options)
            names, _ = unique_names(result.keys())
            schema = pa.schema([(name, pa.string()) for name in names])
            with pq.ParquetWriter(target, schema) as writer:
                for part in result.partitions():
                    columns = [_texts(column, null_words) for column in zip(*part, strict=True)]
                    writer.write_table(pa.Table.from_arrays(columns, schema=schema))
                    written += len(part)
        return written

    def _select(self, extract: Extract, window: Window | None = None, *columns: Any) -> sa.Select[Any]:
        """Names are quoted by the dialect, values are bound."""
        if extract.query:
            # A colon would begin a bound value; the query has none.
            query = extract.query.strip().rstrip(";").replace(":", r"\:")
            source: Any = sa.text(f"{query}\n").columns().subquery("src")
        else:
            source = sa.table(extract.from_, schema=self._schema)
        statement = sa.select(*(columns or (sa.literal_column("*"),))).select_from(source)
        if window is not None and window.column is not None:
            cursor = sa.column(window.column)
            if window.low is not None:
                statement = statement.where(cursor >= _bound("low", window.low))
            if window.high is not None:
                statement = statement.where(cursor <= _bound("high", window.high))
        return statement

    @contextmanager
    def _naming(self, extract: Extract, column: str | None = None) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            found = self._words.error(error)
            if isinstance(found, TransientSourceError):
                raise found from None
            (problem,) = found.problems
            fix = self._suggestion(extract, column)
            what = "the query" if extract.query else f"{extract.from_!r}"
            raise SourceError(Problem(f"{what} can't be read: {problem.message}", problem.path, fix=fix)) from None

    def _suggestion(self, extract: Extract, column: str | None) -> str:
        """What the extract may have meant; the failed transaction is given up for that."""
        if extract.query:
            return "correct query:; it is run as select … from (query)"
        try:
            self._connection.rollback()
            inspector = sa.inspect(self._connection)
            names = [*inspector.get_table_names(self._schema), *inspector.get_view_names(self._schema)]
            if extract.from_ in names and column is not None:
                columns = [c["name"] for c in inspector.get_columns(extract.from_, self._schema)]
                meant = nearest(column, columns)
                return f"did you mean {meant}?" if meant else f"it has the columns {', '.join(columns[:12])}"
        except SQLAlchemyError:
            return "correct from:, or connector.schema"
        meant = nearest(extract.from_, names)
        if meant is not None:
            return f"did you mean {meant}?"
        return f"the database has {', '.join(names[:12])}" if names else "the database has no table that may be read"


_POSTGRES_TABLE = sa.text(
    # The counters come up to a minute late. Truncation isn't counted as deletion, but gives the table another file.
    "select c.relfilenode, s.n_tup_ins, s.n_tup_upd, s.n_tup_del from pg_class as c "
    "join pg_stat_all_tables as s on s.relid = c.oid where c.oid = to_regclass(:name) and c.relkind = 'r'"
)


def _bound(name: str, value: Mark) -> Any:
    """A bound value without a type of its own, so that the database takes that of the column it is compared with."""
    return sa.bindparam(name, value, type_=sa.types.NullType())


def _file_state(path: Path) -> str:
    """Of an SQLite file: its own counter of changes, its log, and what the file system says."""
    parts = []
    for file, start, size in ((path, 24, 4), (path.with_name(f"{path.name}-wal"), 0, 32)):
        try:
            facts = file.stat()
            with file.open("rb") as stream:
                stream.seek(start)
                parts.append(f"{facts.st_size}:{facts.st_mtime_ns}:{facts.st_ino}:{stream.read(size).hex()}")
        except FileNotFoundError:
            parts.append("")
    return "|".join(parts)


def sqlite_path(estate: Estate, system: SystemFile) -> Path | None:
    """The file of an SQLite database; None for a server."""
    connector = system.connector
    try:
        url = make_url(connector.url) if isinstance(connector, SqlConnector) else None
    except (ArgumentError, ValueError):
        return None
    if url is None or url.get_backend_name() != "sqlite":
        return None
    return (estate.path / (url.database or "")).resolve()


def _texts(values: tuple[Any, ...], null_words: frozenset[str]) -> pa.Array:
    import pyarrow as pa

    texts = [value if value is None or type(value) is str else _text(value) for value in values]
    return pa.array([None if text in null_words else text for text in texts], pa.string())


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Whole numbers that passed through a column of floats are 4711, not 4711.0.
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


@dataclass(frozen=True)
class _Words:
    """Errors of one database: what people may read of them."""

    url: URL
    at: Path

    @property
    def place(self) -> str:
        """Which database, without user, password and parameters."""
        backend, port = self.url.get_backend_name(), f":{self.url.port}" if self.url.port else ""
        host = "" if backend == "sqlite" else f"{self.url.host or 'localhost'}{port}/"
        return f"{backend} {host}{self.url.database or ''}"

    def error(self, error: SQLAlchemyError) -> SourceError:
        """The driver's error: worth another try unless the statement, the user or the password is wrong."""
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        text = self.safe(cause)
        backend = self.url.get_backend_name()
        if backend == "sqlite":
            passes = bool(_SQLITE_PASSING.search(text))
        else:
            lost = isinstance(error, DBAPIError) and error.connection_invalidated
            passes = lost or type(error).__name__ in ("OperationalError", "InterfaceError")
            passes = passes and not _REFUSED.search(text)
        if passes:
            fix = "see that the database runs and can be reached; it is tried again"
            return TransientSourceError(Problem(f"the database {self.place} fails: {text}", self.at, fix=fix))
        return SourceError(Problem(text, self.at, fix="correct connector.url, the user's rights or the extract"))

    def safe(self, error: BaseException) -> str:
        """The first line of a message without the password, however the driver writes it."""
        text = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        secrets = {str(self.url.password)} if self.url.password else set()
        secrets |= {v for k, v in self.url.query.items() if isinstance(v, str) and _SECRET.search(k)}
        for secret in secrets:
            for written in (secret, urllib.parse.quote(secret), urllib.parse.quote_plus(secret)):
                text = text.replace(written, "***")
        return text[:400]
