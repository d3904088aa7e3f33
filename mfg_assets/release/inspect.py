"""What people ask of the outbox, and what systems answered to it.

Belongs here: lists, one message with its history, taking answers in. Doesn't belong here: making and sending messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, insert, select, update

from mfg_assets.errors import Problem, UsageError
from mfg_assets.ledger import Ledger
from mfg_assets.ledger.schema import release_event, release_message
from mfg_assets.release.model import Acknowledgement

_M = release_message.c
LISTED = (
    "idempotency_key",
    "target",
    "plant_id",
    "object_type",
    "object_key",
    "sequence",
    "kind",
    "state",
    "is_settled",
    "attempts",
    "published_version",
    "prepared_at",
    "next_attempt_at",
    "delivered_at",
    "acknowledged_at",
    "compensated_by",
    "correlation_id",
    "last_error",
)
# What a system's answer makes of a message; `sent` and `received` say nothing that delivering didn't.
_TAKEN, _REFUSED = ("processed",), ("rejected", "failed")


@dataclass(frozen=True)
class MessageFilter:
    """Which messages are meant; all of them where nothing is said."""

    states: tuple[str, ...] = ()
    target: str | None = None
    plant: str | None = None
    object_key: str | None = None
    correlation_id: str | None = None
    keys: tuple[str, ...] = ()


def find(ledger: Ledger, wanted: MessageFilter, *, limit: int | None = None) -> list[dict[str, Any]]:
    """Messages without their content, the newest first."""
    conditions = [
        column == value
        for column, value in (
            (_M.target, wanted.target),
            (_M.plant_id, wanted.plant),
            (_M.object_key, wanted.object_key),
            (_M.correlation_id, wanted.correlation_id),
        )
        if value is not None
    ]
    if wanted.states:
        conditions.append(_M.state.in_(wanted.states))
    if wanted.keys:
        conditions.append(_M.idempotency_key.in_([key_of(ledger, key) for key in wanted.keys]))
    query = (
        select(*(_M[name] for name in LISTED))
        .where(and_(True, *conditions))
        .order_by(_M.prepared_at.desc(), _M.target, _M.object_type, _M.object_key, _M.sequence.desc())
        .limit(limit)
    )
    with ledger.read() as connection:
        return [dict(row._mapping) for row in connection.execute(query)]


def key_of(ledger: Ledger, start: str) -> str:
    """The one message whose key starts so.

    Raises:
        UsageError: none or several do.
    """
    with ledger.read() as connection:
        query = select(_M.idempotency_key).where(_M.idempotency_key.startswith(start, autoescape=True)).limit(2)
        found = connection.execute(query).scalars().all()
    if len(found) != 1 or not start:
        raise UsageError(
            Problem(
                f"{'several messages begin' if found else 'no message begins'} with {start!r}",
                fix="`mfg release list` shows them",
            )
        )
    return found[0]


def show(ledger: Ledger, start: str) -> tuple[dict[str, Any], str, list[dict[str, Any]]]:
    """One message: its columns, its JSON as sent, and what happened to it, oldest first."""
    key = key_of(ledger, start)
    with ledger.read() as connection:
        row = connection.execute(select(release_message).where(_M.idempotency_key == key)).one()
        events = connection.execute(
            select(release_event.c.at, release_event.c.act, release_event.c.actor, release_event.c.detail)
            .where(release_event.c.idempotency_key == key)
            .order_by(release_event.c.event_id)
        ).all()
    return {name: getattr(row, name) for name in LISTED}, row.payload, [dict(one._mapping) for one in events]


def acknowledge(ledger: Ledger, answers: Iterable[Acknowledgement], at: datetime) -> int:
    """Take answers in; returns how many messages they changed. The latest answer to a message counts.

    A system that took a message over makes it acknowledged, one that refused it a dead letter. Neither says that the
    system holds what was asked: that is seen in its own extracts.
    """
    newest: dict[tuple[str, str, str, int], Acknowledgement] = {}
    for one in sorted(answers, key=lambda answer: answer.event_at):
        if one.version is not None and one.version.isdecimal() and one.state in (*_TAKEN, *_REFUSED):
            newest[one.target_system, one.object_type, one.object_key, int(one.version)] = one
    if not newest:
        return 0
    changed = 0
    with ledger.write() as connection:
        # A message that was sent but not yet noted as delivered has come if it is answered.
        waiting = connection.execute(
            select(_M.idempotency_key, _M.target_system, _M.object_type, _M.object_key, _M.sequence).where(
                (_M.state == "delivered") | ((_M.state == "prepared") & (_M.attempts > 0))
            )
        ).all()
        for row in waiting:
            answer = newest.get((row.target_system, row.object_type, row.object_key, row.sequence))
            if answer is None:
                continue
            taken = answer.state in _TAKEN
            values: dict[str, Any] = {"state": "acknowledged" if taken else "dead_letter", "acknowledged_at": at}
            if not taken:
                values["last_error"] = (answer.detail or answer.state)[:1000]
            connection.execute(
                update(release_message).where(_M.idempotency_key == row.idempotency_key).values(**values)
            )
            connection.execute(
                insert(release_event).values(
                    idempotency_key=row.idempotency_key,
                    act=values["state"],
                    at=at,
                    actor=row.target_system,
                    detail=answer.detail,
                )
            )
            changed += 1
    return changed
