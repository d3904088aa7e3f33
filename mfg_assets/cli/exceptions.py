"""`mfg exceptions`: each role's queue, and what people do about what is in it.

Belongs here: arguments, tables, previews. Doesn't belong here: what an act means (exceptions).
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from mfg_assets.cli import context, examples, instants
from mfg_assets.cli.output import Format, FormatOption, emit, say, show
from mfg_assets.cli.safe import plain
from mfg_assets.errors import Problem, UsageError

if TYPE_CHECKING:
    from mfg_assets.exceptions import ExceptionFilter, ExceptionRow
    from mfg_assets.exceptions.model import Act, State

app = typer.Typer(name="exceptions", help="What disagrees, is refused or is late, by role.", no_args_is_help=True)

_LIMIT = 50
_PREVIEW = 10
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
By = Annotated[str | None, typer.Option("--by", help="Who acts; default MFG_ACTOR, else the user of this machine.")]
Version = Annotated[
    int | None, typer.Option(help="Act only if the exception is still in this version (one id).", min=1)
]
Request = Annotated[str | None, typer.Option(help="A name for this act; the same name again does nothing.")]
Until = Annotated[str, typer.Option(help="An instant, a date, or a time from now such as 3d or 12h.")]


@app.callback()
def _group() -> None:
    """What disagrees, is refused or is late: once each, with an owner, a clock and a history."""


@app.command(
    name="list",
    epilog=examples.of(
        "mfg exceptions list",
        "mfg exceptions list --role planner --plant P100",
        "mfg exceptions list --class bom.quantity --overdue --format csv --limit 0 > queue.csv",
    ),
)
def list_(
    role: Role = None,
    plant: Plant = None,
    class_: Class = None,
    state: StateOption = None,
    severity: SeverityOption = None,
    assignee: Assignee = None,
    overdue: Overdue = False,
    limit: Annotated[int, typer.Option(min=0, help="At most this many; 0 for all.")] = _LIMIT,
    output: FormatOption = Format.table,
) -> None:
    """List exceptions: most severe first, then those due first, then the most valuable."""
    from mfg_assets.exceptions import find
    from mfg_assets.ledger import open_ledger

    wanted = _filter(None, role, plant, class_, state, severity, assignee, overdue)
    with open_ledger(context.settings()) as ledger:
        # One more than is shown, to know whether there are more.
        found = find(ledger, wanted, limit=limit + 1 if limit else None)
    if output is Format.table:
        if not found:
            show("No exceptions" + ("." if wanted.is_empty else " match."))
            return
        emit(_headings(), [_short(row) for row in found], output, limit=limit or None)
        return
    columns = _columns()
    emit(columns, [[_value(row, name) for name in columns] for row in found], output, limit=limit or None)


@app.command(name="show", epilog=examples.of("mfg exceptions show 3f2a9c1b7d5e8a604c11"))
def show_(
    exception_id: Annotated[str, typer.Argument(help="As `mfg exceptions list` prints it.")],
    output: FormatOption = Format.table,
) -> None:
    """Show one exception: what it is about, its evidence, the records behind it, and its whole history."""
    from mfg_assets.exceptions import show as look_up
    from mfg_assets.ledger import open_ledger

    with open_ledger(context.settings()) as ledger:
        row, events = look_up(ledger, exception_id)
    if output is not Format.table:
        columns = [*_columns(), "history"]
        history = [
            {"version": e.version, "at": e.at, "act": e.act, "state": e.state, "actor": e.actor, "reason": e.reason}
            for e in events
        ]
        emit(columns, [[*(_value(row, name) for name in columns[:-1]), history]], output)
        return
    for name in _columns():
        value = _value(row, name)
        if value not in (None, [], {}):
            show(f"{name:<18}{plain(value)}")
    show()
    show("History:")
    for event in events:
        words = f": {event.reason}" if event.reason else ""
        extra = "".join(f" [{key} {value}]" for key, value in event.details.items())
        show(f"  {event.version:>3}  {_instant(event.at)}  {event.act} by {event.actor}{extra}{words}")


@app.command(epilog=examples.of("mfg exceptions ack 3f2a9c1b7d5e8a604c11 --reason 'looking into it'"))
def ack(
    ids: Ids = None,
    reason: Reason = "",
    role: Role = None,
    plant: Plant = None,
    class_: Class = None,
    state: StateOption = None,
    severity: SeverityOption = None,
    assignee: Assignee = None,
    overdue: Overdue = False,
    yes: Yes = False,
    by: By = None,
    version: Version = None,
    request_id: Request = None,
) -> None:
    """Acknowledge: somebody has seen it."""
    wanted = _filter(ids, role, plant, class_, state, severity, assignee, overdue)
    _act("acknowledge", wanted, reason, by, yes=yes, version=version, request_id=request_id)


@app.command(
    epilog=examples.of("mfg exceptions assign --class bom.quantity --plant P100 --to ana --reason 'her line' --yes")
)
def assign(
    ids: Ids = None,
    to: Annotated[str, typer.Option(help="The person who is to mend it.")] = "",
    reason: Reason = "",
    role: Role = None,
    plant: Plant = None,
    class_: Class = None,
    state: StateOption = None,
    severity: SeverityOption = None,
    assignee: Assignee = None,
    overdue: Overdue = False,
    yes: Yes = False,
    by: By = None,
    version: Version = None,
    request_id: Request = None,
) -> None:
    """Assign to a person."""
    wanted = _filter(ids, role, plant, class_, state, severity, assignee, overdue)
    _act("assign", wanted, reason, by, yes=yes, version=version, request_id=request_id, assignee=to)


@app.command(epilog=examples.of("mfg exceptions comment 3f2a9c1b7d5e8a604c11 --reason 'supplier was called'"))
def comment(
    ids: Ids = None,
    reason: Reason = "",
    role: Role = None,
    plant: Plant = None,
    class_: Class = None,
    state: StateOption = None,
    severity: SeverityOption = None,
    assignee: Assignee = None,
    overdue: Overdue = False,
    yes: Yes = False,
    by: By = None,
    request_id: Request = None,
) -> None:
    """Add a comment; nothing else changes."""
    wanted = _filter(ids, role, plant, class_, state, severity, assignee, overdue)
    _act("comment", wanted, reason, by, yes=yes, request_id=request_id)


@app.command(epilog=examples.of("mfg exceptions resolve 3f2a9c1b7d5e8a604c11 --reason 'quantity corrected in the ERP'"))
def resolve(
    ids: Ids = None,
    reason: Reason = "",
    role: Role = None,
    plant: Plant = None,
    class_: Class = None,
    state: StateOption = None,
    severity: SeverityOption = None,
    assignee: Assignee = None,
    overdue: Overdue = False,
    yes: Yes = False,
    by: By = None,
    version: Version = None,
    request_id: Request = None,
) -> None:
    """Call it resolved. If the next delivery shows it again, it reopens."""
    wanted = _filter(ids, role, plant, class_, state, severity, assignee, overdue)
    _act("resolve", wanted, reason, by, yes=yes, version=version, request_id=request_id)


@app.command(epilog=examples.of("mfg exceptions reopen 3f2a9c1b7d5e8a604c11 --reason 'the count was wrong'"))
def reopen(
    ids: Ids = None,
    reason: Reason = "",
    role: Role = None,
    plant: Plant = None,
    class_: Class = None,
    state: StateOption = None,
    severity: SeverityOption = None,
    yes: Yes = False,
    by: By = None,
    version: Version = None,
    request_id: Request = None,
) -> None:
    """Open again what is resolved, accepted or snoozed; its service level begins anew."""
    wanted = _filter(ids, role, plant, class_, state, severity, None, False)
    _act("reopen", wanted, reason, by, yes=yes, version=version, request_id=request_id)


@app.command(epilog=examples.of("mfg exceptions snooze 3f2a9c1b7d5e8a604c11 --until 3d --reason 'delivery is due'"))
def snooze(
    until: Until,
    ids: Ids = None,
    reason: Reason = "",
    role: Role = None,
    plant: Plant = None,
    class_: Class = None,
    state: StateOption = None,
    severity: SeverityOption = None,
    assignee: Assignee = None,
    overdue: Overdue = False,
    yes: Yes = False,
    by: By = None,
    version: Version = None,
    request_id: Request = None,
) -> None:
    """Put aside until an instant; meanwhile it is never overdue."""
    wanted = _filter(ids, role, plant, class_, state, severity, assignee, overdue)
    _act("snooze", wanted, reason, by, yes=yes, version=version, request_id=request_id, until=_until(until))


@app.command(
    epilog=examples.of("mfg exceptions accept 3f2a9c1b7d5e8a604c11 --until 2027-01-01 --reason 'known, agreed'")
)
def accept(
    until: Until,
    ids: Ids = None,
    reason: Reason = "",
    role: Role = None,
    plant: Plant = None,
    class_: Class = None,
    state: StateOption = None,
    severity: SeverityOption = None,
    assignee: Assignee = None,
    overdue: Overdue = False,
    yes: Yes = False,
    by: By = None,
    version: Version = None,
    request_id: Request = None,
) -> None:
    """Accept as it is, up to an expiry at which it comes back if it is still seen."""
    wanted = _filter(ids, role, plant, class_, state, severity, assignee, overdue)
    _act("accept", wanted, reason, by, yes=yes, version=version, request_id=request_id, until=_until(until))


def actor(by: str | None) -> str:
    """Who acts: what was said, else MFG_ACTOR, else the machine's user."""
    return by or context.settings().actor or getpass.getuser()


def _filter(
    ids: Sequence[str] | None,
    role: Sequence[str] | None,
    plant: Sequence[str] | None,
    class_: Sequence[str] | None,
    state: Sequence[str] | None,
    severity: Sequence[str] | None,
    assignee: Sequence[str] | None,
    overdue: bool,
) -> ExceptionFilter:
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
        overdue_at=_now() if overdue else None,
    )


def _act(
    name: Act,
    wanted: ExceptionFilter,
    reason: str,
    by: str | None,
    *,
    yes: bool,
    version: int | None = None,
    **more: Any,
) -> None:
    from mfg_assets.audit.facts import keep_head
    from mfg_assets.exceptions import act, count, find
    from mfg_assets.ledger import open_ledger

    if not reason.strip():
        raise UsageError(Problem("--reason is missing", fix="say why: it is kept with the act"))
    if wanted.is_empty:
        raise UsageError(
            Problem("nothing says which exceptions are meant", fix="name ids, or filter by --role, --plant, --class …")
        )
    if name == "reopen" and not wanted.ids and not wanted.states:
        # What can be reopened is just what the default leaves out.
        wanted = replace(wanted, states=("resolved", "accepted", "snoozed"))
    settings = context.settings()
    with open_ledger(settings) as ledger:
        if not wanted.ids and not yes:
            matching = count(ledger, wanted)
            if not matching:
                show("No exceptions match.")
                return
            emit(_headings(), [_short(row) for row in find(ledger, wanted, limit=_PREVIEW)], Format.table)
            say(f"{matching:,} match. Nothing was done: add --yes to {name} all of them.")
            return
        done = act(
            ledger,
            name,
            wanted,
            actor=actor(by),
            reason=reason,
            at=_now(),
            expected_version=version,
            **more,
        )
        keep_head(settings, ledger)
    if done.already_done:
        show("This request was carried out before: nothing was done again.")
        return
    show(f"{name}: {len(done.changed):,} exception{'' if len(done.changed) == 1 else 's'}")
    if done.skipped:
        show(f"passed over, because of the state that they are in: {len(done.skipped):,}")


def _now() -> datetime:
    """The estate's present, which its service levels are counted by; the clock where no estate is chosen."""
    estate = context.estate_if_chosen()
    return estate.now() if estate is not None else datetime.now(UTC)


def _until(text: str) -> datetime:
    found = re.fullmatch(r"(\d{1,5})([mhd])", text.strip())
    if found:
        unit = {"m": "minutes", "h": "hours", "d": "days"}[found[2]]
        return _now() + timedelta(**{unit: int(found[1])})
    estate = context.estate_if_chosen()
    return instants.parse(text, [p.timezone for p in estate.file.plants] if estate is not None else ["UTC"])


def _headings() -> tuple[str, ...]:
    return tuple("class" if name == "finding_class" else name for name in _SHORT)


def _short(row: ExceptionRow) -> list[object]:
    about = " ".join(str(v) for k, v in row.business_key.items() if v is not None and k != "plant_id")
    value = "" if row.value_at_stake is None else f"{row.value_at_stake:,.0f} {row.currency or ''}".strip()
    known = {"about": about, "value": value, "due_at": _instant(row.due_at)}
    return [known[name] if name in known else getattr(row, name) for name in _SHORT]


def _columns() -> list[str]:
    from mfg_assets.exceptions.published import EXCEPTION

    return list(EXCEPTION.columns)


def _value(row: ExceptionRow, name: str) -> object:
    value = getattr(row, "finding_class" if name == "class" else name)
    return list(value) if isinstance(value, tuple) else value


def _instant(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(sep=" ", timespec="minutes")
