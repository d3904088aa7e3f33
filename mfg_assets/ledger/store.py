"""Opening the ledger: one engine, migrated before use, with transactions that nobody can interleave.

Belongs here: connections, locks, migrations. Doesn't belong here: what a transaction does.

All writers take one lock for the length of their transaction: SQLite's own by BEGIN IMMEDIATE, on PostgreSQL an
advisory lock. A ledger is written rarely and briefly, and the audit log's chain needs an order anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from mfg_assets.errors import Problem
from mfg_assets.ledger.errors import LedgerError
from mfg_assets.settings import Settings

# The newest migration; a test holds it to what Alembic says.
HEAD = "0002"
# Dagster keeps a table of Alembic's default name, and both may live in one database.
VERSION_TABLE = "mfg_ledger_version"
BUSY_SECONDS = 60
# Any number will do as long as all writers take the same; this one is "mfgl" in ASCII.
_ADVISORY_LOCK = 0x6D66676C
_READS = "mfg_reads_only"


class Ledger:
    """An open ledger. Close it, or use `open_ledger`."""

    def __init__(self, url: str | URL) -> None:
        """Connect and bring the database to the newest shape.

        Raises:
            LedgerError: the URL is wrong, or the database can't be reached or is newer than this program.
        """
        self.url = _driver(url)
        self.engine = _engine(self.url)
        try:
            migrate(self.engine)
        except DBAPIError as error:
            self.engine.dispose()
            raise LedgerError(
                Problem(
                    f"the exception ledger {self.place} can't be opened: {_first_line(error)}",
                    fix="check MFG_LEDGER_URL, the server and the permissions; without it the ledger is a file "
                    "under MFG_HOME",
                )
            ) from error

    @property
    def place(self) -> str:
        """Where it is, without its password."""
        return self.url.render_as_string(hide_password=True)

    @property
    def is_postgres(self) -> bool:
        """Whether it is PostgreSQL; else it is SQLite."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, alone among all writers; it is committed whole or not at all.

        Raises:
            LedgerError: another writer held the ledger for a minute, or the database is gone.
        """
        with _for_people(self.place), self.engine.begin() as connection:
            if self.is_postgres:
                connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent look, which waits for no writer."""
        with _for_people(self.place), self.engine.connect().execution_options(**{_READS: True}) as connection:
            if self.is_postgres:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


@contextmanager
def open_ledger(settings: Settings) -> Iterator[Ledger]:
    """The ledger of these settings, for the length of a block. Raises LedgerError when it can't be opened."""
    ledger = Ledger(ledger_url(settings))
    try:
        yield ledger
    finally:
        ledger.close()


def ledger_url(settings: Settings) -> str | URL:
    """`MFG_LEDGER_URL`, else a SQLite file under MFG_HOME, whose folder is made."""
    if settings.ledger_url is not None:
        return settings.ledger_url.get_secret_value()
    settings.exceptions_dir.mkdir(parents=True, exist_ok=True)
    return URL.create("sqlite", database=str(settings.exceptions_dir / "ledger.sqlite"))


def migrate(engine: Engine, target: str = "head") -> None:
    """Bring a database to a migration's shape; nothing happens, and Alembic isn't even loaded, when it has it.

    Raises:
        LedgerError: the database was made by a newer program.
    """
    if target == "head" and revision(engine) == HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    # Two processes may find an empty database at once: the second waits here and then finds nothing to do.
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        found = revision(connection)
        if found is not None and found not in known:
            raise LedgerError(
                Problem(
                    f"the ledger has shape {found}, which this program doesn't know",
                    fix="use the newer program that last wrote it",
                )
            )
        if target == "head" and found == HEAD:
            return
        config.attributes["connection"] = connection
        command.upgrade(config, target)


def revision(bind: Engine | Connection) -> str | None:
    """The migration that a database stands at; None when it has never been migrated."""
    if isinstance(bind, Engine):
        with bind.connect().execution_options(**{_READS: True}) as connection:
            return revision(connection)
    if not inspect(bind).has_table(VERSION_TABLE):
        return None
    return bind.execute(text(f"select version_num from {VERSION_TABLE}")).scalar()


def _driver(url: str | URL) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise LedgerError(Problem("MFG_LEDGER_URL is not a URL", fix="postgresql://user:password@host/db")) from error
    if parsed.drivername in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("postgresql", "sqlite"):
        raise LedgerError(
            Problem(
                f"MFG_LEDGER_URL names {parsed.get_backend_name()}, the ledger knows PostgreSQL and SQLite",
                fix="use postgresql://user:password@host/db",
            )
        )
    return parsed


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 10})
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _: object) -> None:
        # Python's driver would begin transactions where it pleases, too late for a lock before the first read.
        connection.isolation_level = None
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get(_READS, False)
        connection.exec_driver_sql("begin" if reads else "begin immediate")

    return engine


@contextmanager
def _for_people(place: str) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise LedgerError(
            Problem(
                f"the exception ledger {place} can't be used: {_first_line(error)}",
                fix="wait for the other writer, or check the server and the disk; nothing was changed",
            )
        ) from error


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
