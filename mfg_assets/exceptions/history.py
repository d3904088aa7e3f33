"""An exception's history: events, and the digest that ties them to the audit log.

Belongs here: reading events and their digest. Doesn't belong here: what causes an event (`acts`, `observe`).
"""

from __future__ import annotations

import hashlib
import json

from sqlalchemy import Connection, select

from mfg_assets.audit import canonical
from mfg_assets.exceptions.model import ExceptionEvent
from mfg_assets.ledger.schema import exception_event as event

# The actor of everything that nobody did.
PLATFORM = "platform"


def read(connection: Connection, exception_id: str) -> list[ExceptionEvent]:
    """All events of an exception, oldest first."""
    rows = connection.execute(select(event).where(event.c.exception_id == exception_id).order_by(event.c.version))
    return [
        ExceptionEvent(row.version, row.act, row.state, row.at, row.actor, row.reason, json.loads(row.details or "{}"))
        for row in rows
    ]


def digest(connection: Connection, audit_sequence: int) -> tuple[int, str]:
    """Number and SHA-256 of the events that one audit entry stands for, whatever the database's own order."""
    rows = connection.execute(
        select(
            event.c.exception_id,
            event.c.version,
            event.c.act,
            event.c.state,
            event.c.at,
            event.c.actor,
            event.c.reason,
            event.c.details,
        )
        .where(event.c.audit_sequence == audit_sequence)
        .order_by(event.c.exception_id, event.c.version)
    )
    hashed, count = hashlib.sha256(), 0
    for row in rows:
        hashed.update(canonical([str(value) if value is not None else None for value in row]).encode())
        count += 1
    return count, hashed.hexdigest()
