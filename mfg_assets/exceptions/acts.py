"""Acts by people on one exception or on all that match a filter.

Belongs here: judging whether an act is possible, doing it, writing its history and its audit entry in one transaction.
Doesn't belong here: who may act (callers know their users), words for terminals.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    String,
    Table,
    bindparam,
    case,
    func,
    insert,
    literal,
    select,
    update,
)

from mfg_assets import audit
from mfg_assets.audit.log import head, sequence_of
from mfg_assets.errors import Problem, UsageError
from mfg_assets.exceptions import history
from mfg_assets.exceptions.model import TRANSITIONS, Act, ActResult, ExceptionFilter
from mfg_assets.exceptions.queues import condition, unknown
from mfg_assets.ledger import ConflictError, Ledger, LedgerError
from mfg_assets.ledger.schema import exception, exception_event

MAX_REASON = 4000
_MAX_NAME = 200

_chosen = Table(
    "chosen_exception", MetaData(), Column("exception_id", String(20), primary_key=True), prefixes=["TEMPORARY"]
)


def act(
    ledger: Ledger,
    name: Act,
    wanted: ExceptionFilter,
    *,
    actor: str,
    reason: str,
    at: datetime,
    assignee: str | None = None,
    until: datetime | None = None,
    expected_version: int | None = None,
    request_id: str | None = None,
) -> ActResult:
    """Do one act to every exception that matches and that stands in a state where it makes sense.

    Args:
        ledger: the open ledger.
        name: the act.
        wanted: which exceptions; those named by id must exist and be in a fitting state, others are passed over.
        actor: who acts.
        reason: why; never empty.
        at: when.
        assignee: for assign: who is to mend it.
        until: for snooze and accept: when it comes back by itself.
        expected_version: for one id: the version that the caller has seen.
        request_id: names this act, so that repeating it after a crash or a lost answer does nothing.

    Raises:
        UsageError: a missing or unusable argument.
        ConflictError: the exception is in another version than expected.
        LedgerError: no such exception, or it stands in a state where the act makes no sense.
    """
    _check(name, actor=actor, reason=reason, at=at, assignee=assignee, until=until)
    if expected_version is not None and len(wanted.ids) != 1:
        raise UsageError("a version can be expected of one exception only")
    with ledger.write() as connection:
        if request_id is not None and (done := sequence_of(connection, request_id)) is not None:
            return ActResult(_ids_of(connection, done), already_done=True)
        found = connection.execute(
            select(exception.c.exception_id, exception.c.state, exception.c.version)
            .where(condition(wanted))
            .order_by(exception.c.exception_id)
        ).all()
        if wanted.ids and (missing := sorted(set(wanted.ids) - {row.exception_id for row in found})):
            _check_exist(connection, missing)
        allowed, target = TRANSITIONS[name]
        changed = tuple(row.exception_id for row in found if row.state in allowed)
        skipped = tuple(row.exception_id for row in found if row.state not in allowed)
        if expected_version is not None and found and found[0].version != expected_version:
            raise ConflictError(
                Problem(
                    f"exception {found[0].exception_id} was changed meanwhile: it is in version {found[0].version}, "
                    f"not {expected_version}",
                    fix="look at it again, then decide anew",
                )
            )
        if wanted.ids and skipped:
            states = {row.exception_id: row.state for row in found}
            raise LedgerError(
                *(Problem(f"exception {one} is {states[one]}: {name} makes no sense there") for one in skipped)
            )
        if changed:
            values = {"assignee": assignee, "until": until.isoformat() if until else None}
            _apply(connection, name, target, changed, actor, reason, at, values, assignee, until, request_id)
        return ActResult(changed, skipped)


def _check(name: Act, *, actor: str, reason: str, at: datetime, assignee: str | None, until: datetime | None) -> None:
    problems = []
    if name not in TRANSITIONS:
        problems.append(Problem(f"there is no act {name!r}", fix=f"one of: {', '.join(TRANSITIONS)}"))
    for what, text, longest in (("reason", reason, MAX_REASON), ("actor", actor, _MAX_NAME)):
        problems += _check_text(what, text, longest)
    if name == "assign":
        problems += _check_text("assignee", assignee or "", _MAX_NAME)
    if name in ("snooze", "accept") and until is None:
        problems.append(Problem(f"{name} needs an end", fix="say until when; nothing is put aside for ever"))
    if until is not None and until <= at:
        problems.append(Problem(f"{until.isoformat()} has passed", fix="name an instant in the future"))
    if problems:
        raise UsageError(*problems)


def _check_text(what: str, text: str, longest: int) -> list[Problem]:
    if not text.strip():
        return [Problem(f"the {what} is missing", fix=f"every act is kept with its {what}")]
    if len(text) > longest:
        return [Problem(f"the {what} has {len(text):,} characters", fix=f"use at most {longest:,}")]
    if "\x00" in text:
        return [Problem(f"the {what} holds a NUL character", fix="leave it out")]
    return []


def _check_exist(connection: Connection, ids: Sequence[str]) -> None:
    known = set(connection.execute(select(exception.c.exception_id).where(exception.c.exception_id.in_(ids))).scalars())
    if missing := [one for one in ids if one not in known]:
        raise unknown(missing)
    raise LedgerError(*(Problem(f"exception {one} doesn't match the other filters") for one in ids))


def _apply(
    connection: Connection,
    name: Act,
    target: str | None,
    ids: Sequence[str],
    actor: str,
    reason: str,
    at: datetime,
    details: dict[str, Any],
    assignee: str | None,
    until: datetime | None,
    request_id: str | None,
) -> None:
    """Events, the exceptions' new state, the audit entry. A few statements, however many exceptions it is."""
    _chosen.create(connection)
    connection.execute(insert(_chosen), [{"exception_id": one} for one in ids])
    chosen = exception.c.exception_id.in_(select(_chosen.c.exception_id))
    details = {key: value for key, value in details.items() if value is not None}
    sequence = head(connection)[0] + 1
    connection.execute(
        insert(exception_event).from_select(
            ["exception_id", "version", "act", "state", "at", "actor", "reason", "details", "audit_sequence"],
            select(
                exception.c.exception_id,
                exception.c.version + 1,
                literal(name),
                literal(target) if target else exception.c.state,
                bindparam("at", at, type_=exception_event.c.at.type),
                literal(actor),
                literal(reason),
                literal(audit.canonical(details)),
                literal(sequence),
            ).where(chosen),
        )
    )
    values: dict[str, Any] = {"version": exception.c.version + 1}
    if target:
        # Whatever held it back before ends with the act.
        values |= {"state": target, "snoozed_until": None, "accepted_until": None}
    match name:
        case "assign":
            values["assignee"] = assignee
        case "snooze":
            values["snoozed_until"] = until
        case "accept":
            values["accepted_until"] = until
        case "resolve":
            values |= {"resolved_at": at, "resolved_by": actor, "resolution": reason}
        case "reopen":
            values |= {"resolved_at": None, "resolved_by": None, "resolution": None}
            values |= {"opened_at": at, "escalated_at": None, "due_at": _due(connection, at)}
    connection.execute(update(exception).where(chosen).values(values))
    count, digest = history.digest(connection, sequence)
    audit.append(
        connection,
        kind="act",
        subject=ids[0] if len(ids) == 1 else f"{len(ids)} exceptions",
        actor=actor,
        at=at,
        details={"act": name, "reason": reason, **details, "events": count, "events_hash": digest},
        request_id=request_id,
    )
    _chosen.drop(connection)


def _due(connection: Connection, at: datetime) -> Any:
    """The end of each service level that starts now: there are as many as the estate has levels."""
    levels = connection.execute(
        select(exception.c.service_seconds)
        .where(exception.c.exception_id.in_(select(_chosen.c.exception_id)), exception.c.service_seconds.is_not(None))
        .distinct()
    ).scalars()
    ends = {seconds: at + timedelta(seconds=seconds) for seconds in levels}
    if not ends:
        return None
    instant = exception.c.due_at.type
    return case(
        *((exception.c.service_seconds == seconds, literal(end, instant)) for seconds, end in ends.items()),
        else_=literal(None, instant),
    )


def _ids_of(connection: Connection, sequence: int) -> tuple[str, ...]:
    rows = connection.execute(
        select(exception_event.c.exception_id)
        .where(exception_event.c.audit_sequence == sequence)
        .order_by(exception_event.c.exception_id)
    )
    return tuple(rows.scalars())


def count_acts(connection: Connection) -> int:
    """How many entries all histories hold: it grows with every change, so it tells whether something changed."""
    return connection.execute(select(func.count()).select_from(exception_event)).scalar_one()
