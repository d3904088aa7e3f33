"""`mfg exceptions ack|assign|comment|resolve|reopen|snooze|accept`: what people do about exceptions.

Belongs here: arguments and previews of acts. Doesn't belong here: what an act means (exceptions).
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mfg_assets.cli import context, examples, instants
from mfg_assets.cli.actor import By, actor, present
from mfg_assets.cli.exception_rows import (
    Assignee,
    Class,
    Ids,
    Overdue,
    Plant,
    Reason,
    Request,
    Role,
    SeverityOption,
    StateOption,
    Until,
    Version,
    Yes,
    filter_of,
    headings,
    short,
)
from mfg_assets.cli.output import Format, emit, say, show
from mfg_assets.errors import Problem, UsageError

if TYPE_CHECKING:
    from mfg_assets.exceptions import ExceptionFilter
    from mfg_assets.exceptions.model import Act

_PREVIEW = 10


def register(app: typer.Typer) -> None:
    """Add the acts."""
    for command, example in (
        (ack, "ack 3f2a9c1b7d5e8a604c11 --reason 'looking into it'"),
        (assign, "assign --class bom.quantity --plant P100 --to ana --reason 'her line' --yes"),
        (comment, "comment 3f2a9c1b7d5e8a604c11 --reason 'supplier was called'"),
        (resolve, "resolve 3f2a9c1b7d5e8a604c11 --reason 'quantity corrected in the ERP'"),
        (reopen, "reopen 3f2a9c1b7d5e8a604c11 --reason 'the count was wrong'"),
        (snooze, "snooze 3f2a9c1b7d5e8a604c11 --until 3d --reason 'delivery is due'"),
        (accept, "accept 3f2a9c1b7d5e8a604c11 --until 2027-01-01 --reason 'known, agreed'"),
    ):
        app.command(epilog=examples.of(f"mfg exceptions {example}"))(command)


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
    wanted = filter_of(ids, role, plant, class_, state, severity, assignee, overdue)
    _act("acknowledge", wanted, reason, by, yes=yes, version=version, request_id=request_id)


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
    wanted = filter_of(ids, role, plant, class_, state, severity, assignee, overdue)
    _act("assign", wanted, reason, by, yes=yes, version=version, request_id=request_id, assignee=to)


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
    wanted = filter_of(ids, role, plant, class_, state, severity, assignee, overdue)
    _act("comment", wanted, reason, by, yes=yes, request_id=request_id)


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
    wanted = filter_of(ids, role, plant, class_, state, severity, assignee, overdue)
    _act("resolve", wanted, reason, by, yes=yes, version=version, request_id=request_id)


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
    wanted = filter_of(ids, role, plant, class_, state, severity, None, False)
    _act("reopen", wanted, reason, by, yes=yes, version=version, request_id=request_id)


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
    wanted = filter_of(ids, role, plant, class_, state, severity, assignee, overdue)
    _act("snooze", wanted, reason, by, yes=yes, version=version, request_id=request_id, until=_until(until, plant))


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
    wanted = filter_of(ids, role, plant, class_, state, severity, assignee, overdue)
    _act("accept", wanted, reason, by, yes=yes, version=version, request_id=request_id, until=_until(until, plant))


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
            emit(headings(), [short(row) for row in find(ledger, wanted, limit=_PREVIEW)], Format.table)
            say(f"{matching:,} match. Nothing was done: add --yes to {name} all of them.")
            return
        done = act(
            ledger,
            name,
            wanted,
            actor=actor(by),
            reason=reason,
            at=present(),
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


def _until(text: str, plants: list[str] | None) -> datetime:
    found = re.fullmatch(r"(\d{1,5})([mhd])", text.strip())
    if found:
        unit = {"m": "minutes", "h": "hours", "d": "days"}[found[2]]
        return present() + timedelta(**{unit: int(found[1])})
    estate = context.estate_if_chosen()
    zones = [p.timezone for p in estate.file.plants if not plants or p.id in plants] if estate is not None else []
    return instants.parse(text, zones, "--until")
