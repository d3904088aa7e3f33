"""A chain of entries, each holding the hash of the one before.

Belongs here: the chain. Doesn't belong here: gathering what is worth an entry (`facts`).

hash = SHA-256 over the canonical JSON of all other fields, the previous hash included. Who changes, removes or
inserts an entry has to rewrite all later ones; who cuts off the end is found out by the head that is kept outside of
the database (`facts`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from mfg_assets.ledger import Ledger
from mfg_assets.ledger.schema import audit_log

GENESIS = "0" * 64


@dataclass(frozen=True)
class AuditEntry:
    """One entry. `kind` is act, observation, publication, rollback, replay, dead_letter, release or configuration."""

    sequence: int
    at: datetime
    actor: str
    kind: str
    subject: str
    details: dict[str, Any]
    request_id: str | None
    previous_hash: str
    hash: str


def append(
    connection: Connection,
    *,
    kind: str,
    subject: str,
    actor: str,
    at: datetime,
    details: Mapping[str, Any],
    request_id: str | None = None,
) -> int:
    """Add an entry within the caller's writing transaction (`Ledger.write`).

    Args:
        connection: of a transaction that is alone among writers; the chain needs one order.
        kind: what sort of fact it is.
        subject: what it is about, such as a version or an exception.
        actor: the person, or the platform's own name for what it does by itself.
        at: when it happened.
        details: anything JSON can hold; instants as text.
        request_id: names the fact, so that it can't be entered twice.

    Returns:
        The entry's sequence number, from 1.
    """
    sequence, previous = head(connection)
    sequence, at, text = sequence + 1, at.astimezone(UTC), canonical(details)
    connection.execute(
        insert(audit_log).values(
            sequence=sequence,
            at=at,
            actor=actor,
            kind=kind,
            subject=subject,
            details=text,
            request_id=request_id,
            previous_hash=previous,
            hash=_hash(sequence, at, actor, kind, subject, text, request_id, previous),
        )
    )
    return sequence


def head(connection: Connection) -> tuple[int, str]:
    """Number and hash of the newest entry; 0 and a hash of zeros before the first."""
    last = connection.execute(
        select(audit_log.c.sequence, audit_log.c.hash).order_by(audit_log.c.sequence.desc()).limit(1)
    ).first()
    return (last.sequence, last.hash) if last else (0, GENESIS)


def record(
    ledger: Ledger,
    *,
    kind: str,
    subject: str,
    actor: str,
    at: datetime,
    details: Mapping[str, Any],
    request_id: str | None = None,
) -> bool:
    """Add an entry in a transaction of its own. Returns False, and adds nothing, when its request is on record."""
    with ledger.write() as connection:
        if request_id is not None and sequence_of(connection, request_id) is not None:
            return False
        append(connection, kind=kind, subject=subject, actor=actor, at=at, details=details, request_id=request_id)
        return True


def sequence_of(connection: Connection, request_id: str) -> int | None:
    """The entry that a request made, or None."""
    return connection.execute(
        select(audit_log.c.sequence).where(audit_log.c.request_id == request_id)
    ).scalar_one_or_none()


def entries(
    ledger: Ledger, *, kind: str | None = None, subject: str | None = None, limit: int | None = None
) -> list[AuditEntry]:
    """Entries, newest first."""
    query = select(audit_log).order_by(audit_log.c.sequence.desc())
    if kind is not None:
        query = query.where(audit_log.c.kind == kind)
    if subject is not None:
        query = query.where(audit_log.c.subject == subject)
    if limit is not None:
        query = query.limit(limit)
    with ledger.read() as connection:
        return [_entry(row) for row in connection.execute(query)]


def verify(connection: Connection) -> list[str]:
    """What is wrong with the chain, a sentence each; empty when every entry is as it was written."""
    problems: list[str] = []
    previous, expected = GENESIS, 1
    for row in connection.execute(select(audit_log).order_by(audit_log.c.sequence)):
        if row.sequence != expected:
            problems.append(f"entry {expected} is missing: the next one is {row.sequence}")
        elif row.previous_hash != previous:
            problems.append(f"entry {row.sequence} does not continue entry {row.sequence - 1}")
        actual = _hash(
            row.sequence, row.at, row.actor, row.kind, row.subject, row.details, row.request_id, row.previous_hash
        )
        if actual != row.hash:
            problems.append(f"entry {row.sequence} was changed after it was written")
        previous, expected = row.hash, row.sequence + 1
    return problems


def canonical(value: Any) -> str:
    """JSON in one form only: sorted keys, no spaces. Instants and other things become text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)


def _hash(
    sequence: int,
    at: datetime,
    actor: str,
    kind: str,
    subject: str,
    details: str,
    request_id: str | None,
    previous: str,
) -> str:
    # timestamp() would round; the text form keeps every microsecond in every database.
    fields = [sequence, at.isoformat(timespec="microseconds"), actor, kind, subject, details, request_id, previous]
    return hashlib.sha256(canonical(fields).encode()).hexdigest()


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(
        row.sequence,
        row.at,
        row.actor,
        row.kind,
        row.subject,
        json.loads(row.details),
        row.request_id,
        row.previous_hash,
        row.hash,
    )
