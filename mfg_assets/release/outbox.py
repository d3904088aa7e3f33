"""The outbox in the ledger: messages, their numbers and what happened to each.

Belongs here: changing the tables, each act in one transaction. Doesn't belong here: deciding (`plan`), sending
(`deliver`), lists for people and answers of systems (`inspect`).

An attempt is written down before anything leaves. Whoever is killed in between leaves a message that may or may not
have come; it is sent again under the same key.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, and_, func, insert, select, update

from mfg_assets import audit
from mfg_assets.ledger import Ledger
from mfg_assets.ledger.schema import release_event, release_message, release_target
from mfg_assets.release import message as messages
from mfg_assets.release.model import Asked, Draft, ObjectId, Plan, Sent
from mfg_assets.release.plan import plan, take_back

PLATFORM = "platform"
_M = release_message.c
_LIVE = _M.state.not_in(("withdrawn", "compensated"))
_IN_CHUNKS_OF = 500


@dataclass(frozen=True)
class Occasion:
    """When and by whom something is done to the outbox: `at` by the clock, `as_of` by the published state."""

    at: datetime
    as_of: datetime
    actor: str = PLATFORM


@dataclass(frozen=True)
class Result:
    """What became of one attempt; `untried` is one that was begun and never made. An answer shows a receiver alive."""

    sent: Sent
    outcome: Literal["delivered", "failed", "dead_letter", "untried"]
    at: datetime
    detail: str | None = None
    retry_at: datetime | None = None
    is_answered: bool = False


@dataclass(frozen=True)
class Prepared:
    """What a version made of the outbox, in messages."""

    made: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    settled: int = 0


def prepare(
    ledger: Ledger, asked: Sequence[Asked], version: str, occasion: Occasion, targets: Collection[str]
) -> Prepared:
    """Bring the outbox of some targets to what a published version asks for, in one transaction; twice is once."""
    with ledger.write() as connection:
        standing = list(_sent(connection, and_(_LIVE, _M.is_settled.is_(False), _M.target.in_(targets))))
        found = plan(asked, standing)
        return _carry_out(connection, found, version, occasion, reason=None)


def undo(ledger: Ledger, keys: Collection[str], version: str, occasion: Occasion, *, reason: str) -> Prepared:
    """Take messages back: withdrawn where they never left, else compensated; those that are already are left alone.

    Args:
        ledger: where they are.
        keys: idempotency keys.
        version: the published version because of which this happens.
        occasion: when and by whom.
        reason: why; kept with each message and in the audit log.
    """
    with ledger.write() as connection:
        wanted = {one.idempotency_key: one for one in _of_keys(connection, keys)}
        objects = {one.object for one in wanted.values()}
        found = take_back(list(_of_objects(connection, objects)), set(wanted))
        return _carry_out(connection, found, version, occasion, reason=reason)


def since(ledger: Ledger, after: int, before: int) -> list[str]:
    """Releases made for published versions whose number lies between two others, that still stand."""
    with ledger.read() as connection:
        rows = connection.execute(
            select(_M.idempotency_key, _M.published_version).where(_LIVE, _M.kind == "release")
        ).all()
    return [key for key, version in rows if after < int(version.partition("-")[0]) < before]


def due(ledger: Ledger, target: str, now: datetime, limit: int) -> list[Sent]:
    """Messages of a target whose time has come, the oldest number of each object first."""
    query = and_(_M.target == target, _M.state == "prepared", _M.next_attempt_at <= now)
    with ledger.read() as connection:
        return list(_sent(connection, query, order=(_M.sequence, _M.prepared_at, _M.object_key), limit=limit))


def waiting_since(ledger: Ledger, targets: Collection[str], now: datetime) -> datetime | None:
    """When the message that waits longest became due; None where nothing is due, or only for targets left alone."""
    left_alone = select(release_target.c.target).where(release_target.c.open_until > now)
    query = select(func.min(_M.next_attempt_at)).where(
        _M.state == "prepared", _M.next_attempt_at <= now, _M.target.in_(targets), _M.target.not_in(left_alone)
    )
    with ledger.read() as connection:
        return connection.execute(query).scalar()


def begin(ledger: Ledger, keys: Sequence[str]) -> set[str]:
    """Write down that messages begin to leave; returns those that still may: others were withdrawn meanwhile."""
    with ledger.write() as connection:
        still = connection.execute(
            select(_M.idempotency_key).where(_M.idempotency_key.in_(keys), _M.state == "prepared")
        ).scalars()
        begun = set(still)
        connection.execute(
            update(release_message).where(_M.idempotency_key.in_(begun)).values(attempts=_M.attempts + 1)
        )
        return begun


def note(ledger: Ledger, target: str, results: Sequence[Result], failures: int, open_until: datetime | None) -> None:
    """Write down what became of messages that had begun to leave, and how their target stands, in one transaction."""
    with ledger.write() as connection:
        for one in results:
            _note_result(connection, one)
        _breaker(connection, target, failures, open_until)
        dead = [one for one in results if one.outcome == "dead_letter"]
        if dead:
            keys = [one.sent.idempotency_key for one in dead]
            _audit(connection, "dead_letter", target, Occasion(dead[0].at, dead[0].at), keys, dead[0].detail)


def _note_result(connection: Connection, one: Result) -> None:
    key, at = one.sent.idempotency_key, one.at
    match one.outcome:
        case "delivered":
            _set(connection, key, at, PLATFORM, "delivered", state="delivered", delivered_at=at, last_error=None)
        case "failed":
            values: dict[str, Any] = {"last_error": one.detail, "next_attempt_at": one.retry_at}
            _set(connection, key, at, PLATFORM, "failed", one.detail, **values)
        case "dead_letter":
            _set(connection, key, at, PLATFORM, "dead_letter", one.detail, state="dead_letter", last_error=one.detail)
        case "untried":
            # It didn't leave after all: its target was found to be away before its turn came.
            connection.execute(
                update(release_message).where(_M.idempotency_key == key).values(attempts=_M.attempts - 1)
            )


def breaker(ledger: Ledger, target: str) -> tuple[int, datetime | None]:
    """Failures in a row of a target, and until when it is left alone."""
    with ledger.read() as connection:
        row = connection.execute(
            select(release_target.c.failures, release_target.c.open_until).where(release_target.c.target == target)
        ).first()
    return (row.failures, row.open_until) if row else (0, None)


def retry(ledger: Ledger, keys: Collection[str], occasion: Occasion, *, reason: str) -> int:
    """Prepare dead letters anew; returns how many."""
    with ledger.write() as connection:
        again = [one.idempotency_key for one in _of_keys(connection, keys) if one.state == "dead_letter"]
        for key in again:
            values = {"state": "prepared", "next_attempt_at": occasion.at}
            _set(connection, key, occasion.at, occasion.actor, "retried", reason, **values)
        if again:
            _audit(connection, "retried", "outbox", occasion, again, reason)
        return len(again)


def _carry_out(
    connection: Connection, found: Plan, version: str, occasion: Occasion, *, reason: str | None
) -> Prepared:
    for key in found.withdrawn:
        _set(connection, key, occasion.at, occasion.actor, "withdrawn", reason, state="withdrawn")
    for chunk in _chunks(found.settled):
        connection.execute(update(release_message).where(_M.idempotency_key.in_(chunk)).values(is_settled=True))
    made = [_insert(connection, draft, version, occasion, reason) for draft in found.drafts]
    if made or found.withdrawn:
        _audit(connection, "prepared", version, occasion, made, reason, withdrawn=len(found.withdrawn))
    return Prepared(tuple(made), found.withdrawn, len(found.settled))


def _insert(connection: Connection, draft: Draft, version: str, occasion: Occasion, reason: str | None) -> str:
    own = and_(
        _M.target == draft.object.target,
        _M.object_type == draft.object.object_type,
        _M.object_key == draft.object.object_key,
    )
    last = connection.execute(select(func.coalesce(func.max(_M.sequence), 0)).where(own)).scalar_one()
    made = messages.make(
        draft, sequence=last + 1, published_version=version, as_of=occasion.as_of, prepared_at=occasion.at
    )
    key = made["idempotency_key"]
    connection.execute(
        insert(release_message).values(
            idempotency_key=key,
            target=draft.object.target,
            target_system=draft.target_system,
            plant_id=draft.plant_id,
            object_type=draft.object.object_type,
            object_key=draft.object.object_key,
            sequence=last + 1,
            kind=draft.kind,
            correlation_id=draft.correlation_id,
            published_version=version,
            payload=messages.encode(made).decode(),
            state="prepared",
            is_settled=False,
            attempts=0,
            next_attempt_at=occasion.at,
            prepared_at=occasion.at,
        )
    )
    _event(connection, key, "prepared", occasion.at, occasion.actor, reason)
    for taken_back in draft.compensates:
        values = {"state": "compensated", "compensated_by": key}
        _set(connection, taken_back, occasion.at, occasion.actor, "compensated", reason, **values)
    return key


def _set(
    connection: Connection, key: str, at: datetime, actor: str, act: str, detail: str | None = None, **values: Any
) -> None:
    connection.execute(update(release_message).where(_M.idempotency_key == key).values(**values))
    _event(connection, key, act, at, actor, detail)


def _event(connection: Connection, key: str, act: str, at: datetime, actor: str, detail: str | None) -> None:
    connection.execute(insert(release_event).values(idempotency_key=key, act=act, at=at, actor=actor, detail=detail))


def _audit(
    connection: Connection,
    act: str,
    subject: str,
    occasion: Occasion,
    keys: Sequence[str],
    reason: str | None,
    **details: Any,
) -> None:
    """One entry for each act, however many messages it was about; the messages' own history has each of them."""
    audit.append(
        connection,
        kind="release",
        subject=subject,
        actor=occasion.actor,
        at=occasion.as_of,
        details={"act": act, "messages": len(keys), "first": list(keys[:20]), "reason": reason, **details},
    )


def _breaker(connection: Connection, target: str, failures: int, open_until: datetime | None) -> None:
    values = {"failures": failures, "open_until": open_until}
    done = connection.execute(update(release_target).where(release_target.c.target == target).values(**values))
    if done.rowcount == 0 and failures:
        connection.execute(insert(release_target).values(target=target, **values))


def _of_keys(connection: Connection, keys: Collection[str]) -> list[Sent]:
    return [
        one for chunk in _chunks(sorted(keys)) for one in _sent(connection, and_(_LIVE, _M.idempotency_key.in_(chunk)))
    ]


def _of_objects(connection: Connection, objects: Collection[ObjectId]) -> Iterator[Sent]:
    """All that they were told; what was withdrawn never left."""
    for one in sorted(objects, key=str):
        own = and_(_M.target == one.target, _M.object_type == one.object_type, _M.object_key == one.object_key)
        yield from _sent(connection, and_(_M.state != "withdrawn", own))


def _sent(
    connection: Connection,
    condition: ColumnElement[bool],
    *,
    order: Sequence[ColumnElement[Any]] = (),
    limit: int | None = None,
) -> Iterator[Sent]:
    query = select(release_message).where(condition).order_by(*(order or (_M.sequence,))).limit(limit)
    for row in connection.execute(query):
        yield Sent(
            idempotency_key=row.idempotency_key,
            object=ObjectId(row.target, row.object_type, row.object_key),
            sequence=row.sequence,
            kind=row.kind,
            state=row.state,
            attempts=row.attempts,
            is_settled=row.is_settled,
            published_version=row.published_version,
            payload=json.loads(row.payload),
        )


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _IN_CHUNKS_OF):
        yield keys[start : start + _IN_CHUNKS_OF]
