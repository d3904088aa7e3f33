"""The transitions that nobody causes: opened, resolved, reopened, woken, rerouted, escalated.

Belongs here: each as a statement over all rows at once. Doesn't belong here: acts by people (`acts`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, and_, case, func, insert, literal, or_, select, true, update

from mfg_assets.exceptions.history import PLATFORM
from mfg_assets.exceptions.model import SILENT, QueueCount
from mfg_assets.exceptions.observed import CONTENT, ROUTING, change, observed
from mfg_assets.exceptions.queues import is_overdue
from mfg_assets.ledger.schema import Instant, exception, exception_event


def find_changes(connection: Connection, evaluated: tuple[str, ...], inputs: str, at: datetime) -> None:
    """At most one change per exception; each statement leaves out what an earlier one has found."""
    seen = exception.join(observed, exception.c.exception_id == observed.c.exception_id)
    unseen = exception.outerjoin(observed, exception.c.exception_id == observed.c.exception_id)
    back = case((exception.c.assignee.is_not(None), "assigned"), else_="open")
    _note(
        connection,
        "opened",
        literal("open"),
        None,
        observed.outerjoin(exception, exception.c.exception_id == observed.c.exception_id),
        exception.c.exception_id.is_(None),
        observed.c.exception_id,
    )
    _note(
        connection,
        "resolved",
        literal("resolved"),
        "no longer observed",
        unseen,
        and_(
            observed.c.exception_id.is_(None),
            exception.c.domain.in_(evaluated),
            exception.c.state != literal("resolved"),
        ),
    )
    _note(
        connection,
        "reopened",
        literal("reopened"),
        "observed again",
        seen,
        and_(
            exception.c.state == "resolved",
            # What a person called resolved may rest on what the next delivery will say, so that one has to come first.
            or_(
                exception.c.resolved_by == PLATFORM,
                exception.c.is_observed.is_(False),
                exception.c.seen_inputs.is_distinct_from(inputs),
            ),
        ),
    )
    _note(
        connection,
        "reopened",
        literal("reopened"),
        "the acceptance has expired",
        exception,
        and_(exception.c.state == "accepted", exception.c.accepted_until <= at),
    )
    _note(
        connection,
        "woke",
        back,
        "the snooze has ended",
        exception,
        and_(exception.c.state == "snoozed", exception.c.snoozed_until <= at),
    )
    _note(
        connection,
        "rerouted",
        exception.c.state,
        "severity, owner or plant changed",
        seen,
        and_(
            exception.c.state != "resolved",
            or_(*(exception.c[n].is_distinct_from(observed.c[n]) for n in ("severity", "owner_role", "plant_id"))),
        ),
    )


def _note(
    connection: Connection,
    act: str,
    state: ColumnElement[Any],
    reason: str | None,
    source: Any,
    where: ColumnElement[bool],
    identity: Any = exception.c.exception_id,
) -> None:
    earlier = select(change.c.exception_id)
    query = select(identity, literal(act), state, literal(reason, Text)).select_from(source)
    connection.execute(
        insert(change).from_select(
            ["exception_id", "act", "state", "reason"], query.where(where, identity.not_in(earlier))
        )
    )


def insert_new(connection: Connection, inputs: str, at: datetime) -> None:
    """Exceptions of what was never seen before; their first event follows with all others."""
    instant = exception.c.opened_at.type
    copied = ("exception_id", "domain", "finding_class", "business_key", *ROUTING, *CONTENT, "due_at")
    connection.execute(
        insert(exception).from_select(
            [
                *copied,
                *("state", "version", "first_seen_at", "last_seen_at", "opened_at", "is_observed", "seen_inputs"),
            ],
            select(
                *(observed.c[name] for name in copied),
                literal("open"),
                literal(0),
                *(literal(at, instant) for _ in range(3)),
                true() if connection.dialect.name == "postgresql" else literal(1),
                literal(inputs),
            )
            .join(change, change.c.exception_id == observed.c.exception_id)
            .where(change.c.act == "opened"),
        )
    )


def write_events(connection: Connection, at: datetime, sequence: int) -> None:
    """One entry of history per change."""
    connection.execute(
        insert(exception_event).from_select(
            ["exception_id", "version", "act", "state", "at", "actor", "reason", "audit_sequence"],
            select(
                change.c.exception_id,
                exception.c.version + 1,
                change.c.act,
                change.c.state,
                literal(at, exception_event.c.at.type),
                literal(PLATFORM),
                change.c.reason,
                literal(sequence),
            ).join(exception, exception.c.exception_id == change.c.exception_id),
        )
    )


def changes_by_kind(connection: Connection) -> dict[tuple[str, str], QueueCount]:
    """Changes by domain and by the severity that the exception has after them."""
    severity = func.coalesce(observed.c.severity, exception.c.severity)
    rows = connection.execute(
        select(exception.c.domain, severity, change.c.act, func.count())
        .select_from(
            change.join(exception, exception.c.exception_id == change.c.exception_id).outerjoin(
                observed, observed.c.exception_id == change.c.exception_id
            )
        )
        .where(change.c.act.in_(("opened", "reopened", "resolved")))
        .group_by(exception.c.domain, severity, change.c.act)
    )
    counts: dict[tuple[str, str], QueueCount] = {}
    for domain, level, act, number in rows:
        counts[domain, level] = replace(counts.get((domain, level), QueueCount(domain, level)), **{act: number})
    return counts


def update_all(connection: Connection, evaluated: tuple[str, ...], inputs: str, at: datetime) -> None:
    """The exceptions themselves: first what their changes mean, then what was seen of them."""
    due = case(
        (change.c.act == "reopened", func.coalesce(observed.c.due_at, exception.c.due_at)),
        # A severity that has risen shortens the time that is left; one that has sunk doesn't lengthen it.
        (and_(change.c.act == "rerouted", observed.c.due_at < exception.c.due_at), observed.c.due_at),
        else_=exception.c.due_at,
    )
    routed = select(change.c.exception_id, due.label("due_at")).select_from(
        change.join(exception, exception.c.exception_id == change.c.exception_id).outerjoin(
            observed, observed.c.exception_id == change.c.exception_id
        )
    )
    found = routed.subquery()
    connection.execute(
        update(exception).where(exception.c.exception_id == found.c.exception_id).values(due_at=found.c.due_at)
    )
    mine = exception.c.exception_id == change.c.exception_id
    connection.execute(update(exception).where(mine).values(state=change.c.state, version=exception.c.version + 1))
    nothing: dict[str, Any] = {"snoozed_until": None, "accepted_until": None}
    open_again = nothing | {"resolved_at": None, "resolved_by": None, "resolution": None}
    for act, values in (
        ("resolved", nothing | {"resolved_at": at, "resolved_by": PLATFORM, "resolution": change.c.reason}),
        ("reopened", open_again | {"opened_at": at, "escalated_at": None}),
        ("woke", nothing),
    ):
        connection.execute(update(exception).where(mine, change.c.act == act).values(values))
    seen = exception.c.exception_id == observed.c.exception_id
    connection.execute(
        update(exception)
        .where(
            seen,
            or_(
                exception.c.is_observed.is_(False),
                exception.c.seen_inputs.is_distinct_from(inputs),
                *(exception.c[name].is_distinct_from(observed.c[name]) for name in (*ROUTING, *CONTENT)),
            ),
        )
        .values(
            {name: observed.c[name] for name in (*ROUTING, *CONTENT)}
            | {
                "last_seen_at": case(
                    (
                        and_(exception.c.seen_inputs.is_distinct_from(inputs), exception.c.last_seen_at < at),
                        literal(at, Instant()),
                    ),
                    else_=exception.c.last_seen_at,
                ),
                "is_observed": True,
                "seen_inputs": inputs,
            }
        )
    )
    connection.execute(
        update(exception)
        .where(
            exception.c.domain.in_(evaluated),
            exception.c.is_observed.is_(True),
            exception.c.exception_id.not_in(select(observed.c.exception_id)),
        )
        .values(is_observed=False)
    )


def escalate(connection: Connection, at: datetime, sequence: int) -> int:
    """Every exception whose service level has passed is passed on, once each time it is open."""
    late = and_(
        is_overdue(at), exception.c.escalated_at.is_(None), exception.c.state.not_in(SILENT), exception.c.due_at <= at
    )
    connection.execute(
        insert(exception_event).from_select(
            ["exception_id", "version", "act", "state", "at", "actor", "reason", "audit_sequence"],
            select(
                exception.c.exception_id,
                exception.c.version + 1,
                literal("escalated"),
                exception.c.state,
                literal(at, exception_event.c.at.type),
                literal(PLATFORM),
                case(
                    (exception.c.escalate_to.is_not(None), literal("overdue, passed to ") + exception.c.escalate_to),
                    else_=literal("overdue"),
                ),
                literal(sequence),
            ).where(late),
        )
    )
    done = connection.execute(update(exception).where(late).values(escalated_at=at, version=exception.c.version + 1))
    return done.rowcount
