"""One run's observations against the ledger: what is new, what is gone, what returned, what is late.

Belongs here: the transitions that nobody causes, as a few statements over all rows at once.
Doesn't belong here: where observations come from (`sources`), acts by people (`acts`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Double,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    and_,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)

from mfg_assets import audit
from mfg_assets.audit.log import head
from mfg_assets.exceptions import history
from mfg_assets.exceptions.history import PLATFORM
from mfg_assets.exceptions.model import SILENT, ObservationResult, QueueCount
from mfg_assets.exceptions.queues import is_overdue, queue
from mfg_assets.ledger import Ledger
from mfg_assets.ledger.schema import Instant, exception, exception_event

_temporary = MetaData()
# One row per class and business key. The columns that carry a finding's content have the ledger's names.
observed = Table(
    "observed_exception",
    _temporary,
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
_CONTENT = ("finding_count", "value_at_stake", "currency", "suggested_action", "evidence", "correlation_ids")
_ROUTING = ("plant_id", "severity", "owner_role", "escalate_to", "service_seconds")

_change = Table(
    "exception_change",
    _temporary,
    Column("exception_id", String(20), primary_key=True),
    Column("act", String(16), nullable=False),
    Column("state", String(12), nullable=False),
    Column("reason", Text),
    prefixes=["TEMPORARY"],
)


def observe(
    ledger: Ledger,
    rows: Iterable[Sequence[Sequence[Any]]],
    *,
    evaluated: Collection[str],
    inputs: str,
    at: datetime,
    run_id: str,
) -> ObservationResult:
    """Take in all that one run saw, in one transaction.

    Args:
        ledger: the open ledger.
        rows: batches of rows with OBSERVED_COLUMNS; one row per class and business key.
        evaluated: domains that this run really judged anew. Only theirs are resolved when they aren't observed.
        inputs: names all that the run read. The same inputs again are no new sighting: a rebuild moves no
            `last_seen_at` and reopens nothing that a person has resolved.
        at: the run's one instant (rule 3).
        run_id: for the audit log.

    Returns:
        What changed, and what is to do, by domain and severity.
    """
    with ledger.write() as connection:
        _temporary.create_all(connection)
        _load(connection, rows, is_postgres=ledger.is_postgres)
        _set_due(connection, at)
        # Domains that only gave rows are not judged as a whole; what they saw still counts as seen.
        _find_changes(connection, tuple(evaluated), inputs, at)
        _insert_new(connection, inputs, at)
        sequence = head(connection)[0] + 1
        _write_events(connection, at, sequence)
        counts = _changes_by_kind(connection)
        _update(connection, tuple(evaluated), inputs, at)
        escalated = _escalate(connection, at, sequence)
        changed, digest = history.digest(connection, sequence)
        if changed:
            audit.append(
                connection,
                kind="observation",
                subject=run_id,
                actor=PLATFORM,
                at=at,
                details={"inputs": inputs, "events": changed, "events_hash": digest},
            )
        for key, one in queue(connection, at).items():
            known = counts.get(key, QueueCount(*key))
            counts[key] = replace(known, still_open=one.still_open, overdue=one.overdue)
        _temporary.drop_all(connection)
    found = tuple(counts[key] for key in sorted(counts))
    return ObservationResult(
        opened=sum(c.opened for c in found),
        reopened=sum(c.reopened for c in found),
        resolved=sum(c.resolved for c in found),
        escalated=escalated,
        changed=changed,
        counts=found,
    )


def _load(connection: Connection, rows: Iterable[Sequence[Sequence[Any]]], *, is_postgres: bool) -> None:
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


def _set_due(connection: Connection, at: datetime) -> None:
    levels = connection.execute(
        select(observed.c.service_seconds).where(observed.c.service_seconds.is_not(None)).distinct()
    ).scalars()
    for seconds in levels.all():
        due = at + timedelta(seconds=seconds)
        connection.execute(update(observed).where(observed.c.service_seconds == seconds).values(due_at=due))


def _find_changes(connection: Connection, evaluated: tuple[str, ...], inputs: str, at: datetime) -> None:
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
    earlier = select(_change.c.exception_id)
    query = select(identity, literal(act), state, literal(reason, Text)).select_from(source)
    connection.execute(
        insert(_change).from_select(
            ["exception_id", "act", "state", "reason"], query.where(where, identity.not_in(earlier))
        )
    )


def _insert_new(connection: Connection, inputs: str, at: datetime) -> None:
    instant = exception.c.opened_at.type
    copied = ("exception_id", "domain", "finding_class", "business_key", *_ROUTING, *_CONTENT, "due_at")
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
            .join(_change, _change.c.exception_id == observed.c.exception_id)
            .where(_change.c.act == "opened"),
        )
    )


def _write_events(connection: Connection, at: datetime, sequence: int) -> None:
    connection.execute(
        insert(exception_event).from_select(
            ["exception_id", "version", "act", "state", "at", "actor", "reason", "audit_sequence"],
            select(
                _change.c.exception_id,
                exception.c.version + 1,
                _change.c.act,
                _change.c.state,
                literal(at, exception_event.c.at.type),
                literal(PLATFORM),
                _change.c.reason,
                literal(sequence),
            ).join(exception, exception.c.exception_id == _change.c.exception_id),
        )
    )


def _changes_by_kind(connection: Connection) -> dict[tuple[str, str], QueueCount]:
    """Changes by domain and by the severity that the exception has after them."""
    severity = func.coalesce(observed.c.severity, exception.c.severity)
    rows = connection.execute(
        select(exception.c.domain, severity, _change.c.act, func.count())
        .select_from(
            _change.join(exception, exception.c.exception_id == _change.c.exception_id).outerjoin(
                observed, observed.c.exception_id == _change.c.exception_id
            )
        )
        .where(_change.c.act.in_(("opened", "reopened", "resolved")))
        .group_by(exception.c.domain, severity, _change.c.act)
    )
    counts: dict[tuple[str, str], QueueCount] = {}
    for domain, level, act, number in rows:
        counts[domain, level] = replace(counts.get((domain, level), QueueCount(domain, level)), **{act: number})
    return counts


def _update(connection: Connection, evaluated: tuple[str, ...], inputs: str, at: datetime) -> None:
    """The exceptions themselves: first what their changes mean, then what was seen of them."""
    due = case(
        (_change.c.act == "reopened", func.coalesce(observed.c.due_at, exception.c.due_at)),
        # A severity that has risen shortens the time that is left; one that has sunk doesn't lengthen it.
        (and_(_change.c.act == "rerouted", observed.c.due_at < exception.c.due_at), observed.c.due_at),
        else_=exception.c.due_at,
    )
    routed = select(_change.c.exception_id, due.label("due_at")).select_from(
        _change.join(exception, exception.c.exception_id == _change.c.exception_id).outerjoin(
            observed, observed.c.exception_id == _change.c.exception_id
        )
    )
    found = routed.subquery()
    connection.execute(
        update(exception).where(exception.c.exception_id == found.c.exception_id).values(due_at=found.c.due_at)
    )
    mine = exception.c.exception_id == _change.c.exception_id
    connection.execute(update(exception).where(mine).values(state=_change.c.state, version=exception.c.version + 1))
    nothing: dict[str, Any] = {"snoozed_until": None, "accepted_until": None}
    open_again = nothing | {"resolved_at": None, "resolved_by": None, "resolution": None}
    for act, values in (
        ("resolved", nothing | {"resolved_at": at, "resolved_by": PLATFORM, "resolution": _change.c.reason}),
        ("reopened", open_again | {"opened_at": at, "escalated_at": None}),
        ("woke", nothing),
    ):
        connection.execute(update(exception).where(mine, _change.c.act == act).values(values))
    seen = exception.c.exception_id == observed.c.exception_id
    connection.execute(
        update(exception)
        .where(
            seen,
            or_(
                exception.c.is_observed.is_(False),
                exception.c.seen_inputs.is_distinct_from(inputs),
                *(exception.c[name].is_distinct_from(observed.c[name]) for name in (*_ROUTING, *_CONTENT)),
            ),
        )
        .values(
            {name: observed.c[name] for name in (*_ROUTING, *_CONTENT)}
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


def _escalate(connection: Connection, at: datetime, sequence: int) -> int:
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
