"""Shapes of the ledger: states, acts, filters and what the service hands out.

Belongs here: plain data and the table of which act is possible when. Doesn't belong here: SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

State = Literal["open", "acknowledged", "assigned", "snoozed", "accepted", "resolved", "reopened"]
Act = Literal["acknowledge", "assign", "comment", "resolve", "reopen", "snooze", "accept"]

STATES: tuple[State, ...] = ("open", "acknowledged", "assigned", "snoozed", "accepted", "resolved", "reopened")
# Most urgent first.
SEVERITIES = ("critical", "high", "medium", "low", "info")
# Nobody waits for an answer on these: they are never overdue.
SILENT: tuple[State, ...] = ("snoozed", "accepted", "resolved")
UNRESOLVED: tuple[State, ...] = tuple(s for s in STATES if s != "resolved")

# act → states in which it makes sense, and the state that it leads to (None: it stays as it is)
TRANSITIONS: dict[Act, tuple[tuple[State, ...], State | None]] = {
    "acknowledge": (("open", "reopened", "snoozed"), "acknowledged"),
    "assign": (UNRESOLVED, "assigned"),
    "comment": (STATES, None),
    "resolve": (UNRESOLVED, "resolved"),
    "reopen": (("resolved", "accepted", "snoozed"), "reopened"),
    "snooze": (tuple(s for s in UNRESOLVED if s != "accepted"), "snoozed"),
    "accept": (UNRESOLVED, "accepted"),
}


@dataclass(frozen=True)
class ExceptionFilter:
    """Which exceptions are meant; everything named must hold, a field left out holds for all.

    `states` empty means all that are not resolved; `overdue_at` keeps those whose service level had passed then.
    """

    ids: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    plants: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    any_state: bool = False
    overdue_at: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it names nothing at all: a bulk act on that is more likely a slip than a wish."""
        return self == ExceptionFilter() or self == ExceptionFilter(any_state=True)


@dataclass(frozen=True)
class ExceptionRow:
    """One exception as it stands. `correlation_ids` lead to landed records or to batches and checks."""

    exception_id: str
    domain: str
    finding_class: str
    business_key: dict[str, Any]
    plant_id: str | None
    severity: str
    owner_role: str | None
    escalate_to: str | None
    assignee: str | None
    state: State
    version: int
    first_seen_at: datetime
    last_seen_at: datetime
    opened_at: datetime
    due_at: datetime | None
    escalated_at: datetime | None
    snoozed_until: datetime | None
    accepted_until: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: str | None
    is_observed: bool
    finding_count: int
    value_at_stake: float | None
    currency: str | None
    suggested_action: str | None
    evidence: str | None
    correlation_ids: tuple[str, ...]


@dataclass(frozen=True)
class ExceptionEvent:
    """One entry of an exception's history."""

    version: int
    act: str
    state: State
    at: datetime
    actor: str
    reason: str | None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ActResult:
    """What an act did: the exceptions it changed, and those that matched but were in a state where it has no sense."""

    changed: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    already_done: bool = False


@dataclass(frozen=True)
class QueueCount:
    """Exceptions of one domain and severity: what one observation did, and what is still to do after it."""

    domain: str
    severity: str
    opened: int = 0
    reopened: int = 0
    resolved: int = 0
    still_open: int = 0
    overdue: int = 0


@dataclass(frozen=True)
class ObservationResult:
    """What one observation did to the ledger.

    `counts` holds a row per domain and severity with anything to say; `changed` counts history entries written.
    """

    opened: int
    reopened: int
    resolved: int
    escalated: int
    changed: int
    counts: tuple[QueueCount, ...]
