"""What one run saw, in temporary tables of the ledger's database, beside what it changes.

Belongs here: these tables, and filling them. Doesn't belong here: judging (`transitions`), the steps (`observe`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Double, Integer, MetaData, String, Table, Text, select, update

from mfg_assets.ledger.schema import Instant

temporary = MetaData()
# One row per class and business key. The columns that carry a finding's content have the ledger's names.
observed = Table(
    "observed_exception",
    temporary,
    Column("exception_id", String(20), primary_key=True),
    Column("domain", Text, nullable=False),
    Column("finding_class", Text, nullable=False),
    Column("business_key", Text, nullable=False),
    Column("plant_id", Text),
    Column("severity", String(8), nullable=False),
    Column("owner_role", Text),
    Column("escalate_to", Text),
    Column("service_seconds", Integer),
    Column("finding_count", Integer, nullable=False),
    Column("value_at_stake", Double),
    Column("currency", String(3)),
    Column("suggested_action", Text),
    Column("evidence", Text),
    Column("correlation_ids", Text, nullable=False),
    Column("due_at", Instant),
    prefixes=["TEMPORARY"],
)
# What a source gives, in this order; due_at follows from the service level.
OBSERVED_COLUMNS = tuple(c.name for c in observed.columns if c.name != "due_at")
CONTENT = ("finding_count", "value_at_stake", "currency", "suggested_action", "evidence", "correlation_ids")
ROUTING = ("plant_id", "severity", "owner_role", "escalate_to", "service_seconds")

change = Table(
    "exception_change",
    temporary,
    Column("exception_id", String(20), primary_key=True),
    Column("act", String(16), nullable=False),
    Column("state", String(12), nullable=False),
    Column("reason", Text),
    prefixes=["TEMPORARY"],
)


def load(connection: Connection, rows: Iterable[Sequence[Sequence[Any]]], *, is_postgres: bool) -> None:
    """The driver's own way for many rows: SQLAlchemy's would look at each value."""
    names = ", ".join(OBSERVED_COLUMNS)
    driver = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("the transaction has no connection")
    if is_postgres:
        with driver.cursor() as cursor, cursor.copy(f"copy {observed.name} ({names}) from stdin") as copy:
            for batch in rows:
                for row in batch:
                    copy.write_row(row)
        return
    marks = ", ".join("?" * len(OBSERVED_COLUMNS))
    for batch in rows:
        driver.executemany(f"insert into {observed.name} ({names}) values ({marks})", batch)


def set_due(connection: Connection, at: datetime) -> None:
    """The end of each service level, had it begun now."""
    levels = connection.execute(
        select(observed.c.service_seconds).where(observed.c.service_seconds.is_not(None)).distinct()
    ).scalars()
    for seconds in levels.all():
        due = at + timedelta(seconds=seconds)
        connection.execute(update(observed).where(observed.c.service_seconds == seconds).values(due_at=due))
