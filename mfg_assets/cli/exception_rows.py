"""What the commands on exceptions share: their filters, and how a row is shown.

Belongs here: options, filter, layout. Doesn't belong here: commands (`exceptions`, `exception_acts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, cast

import typer

from mfg_assets.cli.actor import present
from mfg_assets.errors import Problem, UsageError

if TYPE_CHECKING:
    from mfg_assets.exceptions import ExceptionFilter, ExceptionRow
    from mfg_assets.exceptions.model import State

_SHORT = ("exception_id", "severity", "finding_class", "plant_id", "about", "owner_role", "state", "due_at", "value")

Ids = Annotated[list[str] | None, typer.Argument(help="Ids, as `mfg exceptions list` prints them.", metavar="[ID]...")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the act.")]
Role = Annotated[list[str] | None, typer.Option(help="Only of this owner role; may be repeated.")]
Plant = Annotated[list[str] | None, typer.Option(help="Only of this plant; may be repeated.")]
Class = Annotated[
    list[str] | None, typer.Option("--class", help="Only of this class, domain.class or domain.*; may be repeated.")
]
StateOption = Annotated[
    list[str] | None, typer.Option(help="Only in this state, or `all`; may be repeated. Default: all but resolved.")
]
SeverityOption = Annotated[list[str] | None, typer.Option(help="Only of this severity; may be repeated.")]
Assignee = Annotated[list[str] | None, typer.Option(help="Only assigned to this person; may be repeated.")]
Overdue = Annotated[bool, typer.Option("--overdue", help="Only what is past its service level.")]
Yes = Annotated[bool, typer.Option("--yes", help="Act on all that match; without it they are only shown.")]
Version = Annotated[
    int | None, typer.Option(help="Act only if the exception is still in this version (one id).", min=1)
]
Request = Annotated[str | None, typer.Option(help="A name for this act; the same name again does nothing.")]
Until = Annotated[str, typer.Option(help="An instant, a date, or a time from now such as 3d or 12h.")]


def filter_of(
    ids: Sequence[str] | None,
    role: Sequence[str] | None,
    plant: Sequence[str] | None,
    class_: Sequence[str] | None,
    state: Sequence[str] | None,
    severity: Sequence[str] | None,
    assignee: Sequence[str] | None,
    overdue: bool,
) -> ExceptionFilter:
    """The options of a command as the service's filter. Raises UsageError for a state or severity that there isn't."""
    from mfg_assets.exceptions import SEVERITIES, STATES, ExceptionFilter

    problems = [
        Problem(f"there is no {what} {one!r}", fix=f"one of: {', '.join(known)}")
        for what, named, known in (
            ("state", state, (*STATES, "all")),
            ("severity", severity, SEVERITIES),
        )
        for one in named or ()
        if one not in known
    ]
    if problems:
        raise UsageError(*problems)
    states = tuple(state or ())
    return ExceptionFilter(
        ids=tuple(ids or ()),
        roles=tuple(role or ()),
        plants=tuple(plant or ()),
        classes=tuple(class_ or ()),
        severities=tuple(severity or ()),
        assignees=tuple(assignee or ()),
        states=() if "all" in states else cast("tuple[State, ...]", states),
        any_state="all" in states,
        overdue_at=present() if overdue else None,
    )


def headings() -> tuple[str, ...]:
    """Of the columns that `short` gives."""
    return tuple("class" if name == "finding_class" else name for name in _SHORT)


def short(row: ExceptionRow) -> list[object]:
    """An exception in one line."""
    about = " ".join(str(v) for k, v in row.business_key.items() if v is not None and k != "plant_id")
    value = "" if row.value_at_stake is None else f"{row.value_at_stake:,.0f} {row.currency or ''}".strip()
    known = {"about": about, "value": value, "due_at": instant(row.due_at)}
    return [known[name] if name in known else getattr(row, name) for name in _SHORT]


def all_columns() -> list[str]:
    """Every column, as they are published."""
    from mfg_assets.exceptions.published import EXCEPTION

    return list(EXCEPTION.columns)


def value_of(row: ExceptionRow, name: str) -> object:
    """A published column of an exception."""
    value = getattr(row, "finding_class" if name == "class" else name)
    return list(value) if isinstance(value, tuple) else value


def instant(at: datetime | None) -> str:
    """An instant to the minute."""
    return "" if at is None else at.isoformat(sep=" ", timespec="minutes")
