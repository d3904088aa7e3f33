"""Questions to the ledger: which exceptions match, one with its history, how many by kind.

Belongs here: reading. Doesn't belong here: changing anything.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from mfg_assets.errors import Problem
from mfg_assets.exceptions import history
from mfg_assets.exceptions.model import (
    SEVERITIES,
    SILENT,
    UNRESOLVED,
    ExceptionEvent,
    ExceptionFilter,
    ExceptionRow,
    QueueCount,
)
from mfg_assets.ledger import Ledger, LedgerError
from mfg_assets.ledger.schema import exception


def find(ledger: Ledger, wanted: ExceptionFilter, *, limit: int | None = None, offset: int = 0) -> list[ExceptionRow]:
    """Exceptions that match: most severe first, then those due first, then the most valuable."""
    rank = case({name: place for place, name in enumerate(SEVERITIES)}, value=exception.c.severity, else_=9)
    query = (
        select(exception)
        .where(condition(wanted))
        .order_by(
            rank,
            exception.c.due_at.is_(None),
            exception.c.due_at,
            func.coalesce(exception.c.value_at_stake, 0).desc(),
            exception.c.exception_id,
        )
        .offset(offset)
    )
    if limit is not None:
        query = query.limit(limit)
    with ledger.read() as connection:
        return [row_of(row) for row in connection.execute(query)]


def count(ledger: Ledger, wanted: ExceptionFilter) -> int:
    """How many exceptions match."""
    with ledger.read() as connection:
        return connection.execute(select(func.count()).select_from(exception).where(condition(wanted))).scalar_one()


def show(ledger: Ledger, exception_id: str) -> tuple[ExceptionRow, list[ExceptionEvent]]:
    """One exception and its history, oldest entry first.

    Raises:
        LedgerError: there is none of that id.
    """
    with ledger.read() as connection:
        row = connection.execute(select(exception).where(exception.c.exception_id == exception_id)).first()
        if row is None:
            raise unknown([exception_id])
        return row_of(row), history.read(connection, exception_id)


def queue(connection: Connection, at: datetime) -> dict[tuple[str, str], QueueCount]:
    """What is still to do at an instant, by domain and severity."""
    overdue = case((is_overdue(at), 1), else_=0)
    rows = connection.execute(
        select(exception.c.domain, exception.c.severity, func.count(), func.sum(overdue))
        .where(exception.c.state.not_in(("resolved", "accepted")))
        .group_by(exception.c.domain, exception.c.severity)
    )
    return {(d, s): QueueCount(d, s, still_open=open_, overdue=late) for d, s, open_, late in rows}


def unknown(ids: list[str]) -> LedgerError:
    """The error for ids that the ledger doesn't hold."""
    fix = "`mfg exceptions list` shows their ids"
    return LedgerError(*(Problem(f"there is no exception {one!r}", fix=fix) for one in ids))


def is_overdue(at: datetime) -> ColumnElement[bool]:
    """Whether an exception's service level has passed at an instant."""
    return and_(exception.c.due_at.is_not(None), exception.c.due_at <= at, exception.c.state.not_in(SILENT))


def condition(wanted: ExceptionFilter) -> ColumnElement[bool]:
    """A filter as SQL; every value is a bound parameter."""
    parts: list[ColumnElement[bool]] = []
    for column, values in (
        (exception.c.exception_id, wanted.ids),
        (exception.c.owner_role, wanted.roles),
        (exception.c.plant_id, wanted.plants),
        (exception.c.domain, wanted.domains),
        (exception.c.severity, wanted.severities),
        (exception.c.assignee, wanted.assignees),
    ):
        if values:
            parts.append(column.in_(values))
    if wanted.classes:
        parts.append(or_(*(_of_class(name) for name in wanted.classes)))
    if wanted.states:
        parts.append(exception.c.state.in_(wanted.states))
    elif not wanted.any_state and not wanted.ids:
        parts.append(exception.c.state.in_(UNRESOLVED))
    if wanted.overdue_at is not None:
        parts.append(is_overdue(wanted.overdue_at))
    return and_(True, *parts)


def _of_class(name: str) -> ColumnElement[bool]:
    """`quantity` in any domain, `bom.quantity` in one, `bom.*` for all of one."""
    domain, dot, finding_class = name.partition(".")
    if not dot:
        return exception.c.finding_class == name
    if finding_class == "*":
        return exception.c.domain == domain
    return and_(exception.c.domain == domain, exception.c.finding_class == finding_class)


def row_of(row: Any) -> ExceptionRow:
    """A row of the table as the service hands it out."""
    values = dict(row._mapping)
    values["finding_class"] = values.pop("class", values.get("finding_class"))
    values["business_key"] = json.loads(values["business_key"])
    values["correlation_ids"] = tuple(json.loads(values["correlation_ids"]))
    return ExceptionRow(**{name: values[name] for name in ExceptionRow.__dataclass_fields__})
