"""`mfg release`: changes on their way to plants' systems.

Belongs here: showing messages, and acts on them. Doesn't belong here: making and sending them (release).
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mfg_assets.cli import context, examples
from mfg_assets.cli.actor import By, actor, present
from mfg_assets.cli.failures import STOPPED
from mfg_assets.cli.output import Format, FormatOption, emit, say, show
from mfg_assets.errors import Problem, UsageError

if TYPE_CHECKING:
    from mfg_assets.release import Outcome

app = typer.Typer(name="release", help="Changes on their way to plants' ERP and MES.", no_args_is_help=True)

_LIMIT = 100
_SHORT = ("message", "target", "object", "#", "kind", "state", "tries", "version", "note")


class RenderingOption(StrEnum):
    """What a message is shown as."""

    json = "json"
    b2mml = "b2mml"
    csv = "csv"


class SchemaOption(StrEnum):
    """Which form's schema."""

    json = "json"
    b2mml = "b2mml"


class StateOption(StrEnum):
    """Where a message is."""

    prepared = "prepared"
    delivered = "delivered"
    acknowledged = "acknowledged"
    dead_letter = "dead_letter"
    compensated = "compensated"
    withdrawn = "withdrawn"


KeyArgument = Annotated[str, typer.Argument(metavar="MESSAGE", help="A message's key, or the start of it.")]
KeysArgument = Annotated[list[str], typer.Argument(metavar="MESSAGE...", help="Keys, or the starts of them.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with each message and in the audit log.")]


@app.callback()
def _group() -> None:
    """Changes on their way to plants' ERP and MES: prepared, delivered, acknowledged, taken back."""


@app.command(
    name="list",
    epilog=examples.of(
        "mfg release list --state dead_letter",
        "mfg release list --target hamburg_erp --plant P100 --format csv > sent.csv",
    ),
)
def list_(
    state: Annotated[list[StateOption] | None, typer.Option(help="Only these; may be repeated.")] = None,
    target: Annotated[str | None, typer.Option(help="Only for this receiver.")] = None,
    plant: Annotated[str | None, typer.Option(help="Only of this plant.")] = None,
    object_key: Annotated[
        str | None, typer.Option("--object", help="Only of this object, such as P100|100020.")
    ] = None,
    correlation_id: Annotated[str | None, typer.Option(help="Only those that ask for the same.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most this many; 0 for all.")] = _LIMIT,
    output: FormatOption = Format.table,
) -> None:
    """List messages, newest first."""
    from mfg_assets.ledger import open_ledger
    from mfg_assets.release import inspect

    wanted = inspect.MessageFilter(tuple(one.value for one in state or ()), target, plant, object_key, correlation_id)
    with open_ledger(context.settings()) as ledger:
        found = inspect.find(ledger, wanted, limit=limit + 1 if limit else None)
    if output is not Format.table:
        emit(inspect.LISTED, [tuple(one.values()) for one in found], output, limit=limit or None)
        return
    if not found:
        show("There is no such message. `mfg release deliver` makes those that the version in force asks for.")
        return
    rows = [
        (
            one["idempotency_key"][:12],
            one["target"],
            f"{one['object_type']} {one['object_key']}",
            one["sequence"],
            one["kind"],
            one["state"],
            one["attempts"],
            one["published_version"],
            one["last_error"] or ("settled" if one["is_settled"] else ""),
        )
        for one in found
    ]
    emit(_SHORT, rows, output, limit=limit or None)


@app.command(name="show", epilog=examples.of("mfg release show 3f2a", "mfg release show 3f2a --as b2mml > message.xml"))
def show_(
    message: KeyArgument,
    form: Annotated[RenderingOption | None, typer.Option("--as", help="Only the message, in this form.")] = None,
) -> None:
    """Show a message: where it is, what happened to it, and what it says."""
    import json
    import sys

    from mfg_assets.ledger import open_ledger
    from mfg_assets.release import inspect
    from mfg_assets.release.render import render

    with open_ledger(context.settings()) as ledger:
        row, payload, events = inspect.show(ledger, message)
    said = json.loads(payload)
    if form is not None:
        # As it travels: JSON and XML escape what a terminal would obey, CSV holds values from extracts as they are.
        sys.stdout.write(render(said, form.value).decode())
        return
    for name, value in row.items():
        if value is not None:
            show(f"{name:18}{value}")
    show()
    for one in events:
        detail = f": {one['detail']}" if one["detail"] else ""
        show(f"{one['at'].isoformat(sep=' ', timespec='seconds')}  {one['act']} by {one['actor']}{detail}")
    show()
    show(json.dumps(said["changes"], indent=2, ensure_ascii=False))


@app.command(epilog=examples.of("mfg release deliver", "mfg release deliver --prepare-only"))
def deliver(
    prepare_only: Annotated[bool, typer.Option("--prepare-only", help="Fill the outbox and send nothing.")] = False,
) -> None:
    """Bring the outbox to the version in force and send what is due; runs do so by themselves.

    Exit code 1 when a receiver isn't in order.
    """
    from mfg_assets.ledger import open_ledger
    from mfg_assets.release import release

    estate = context.estate()
    if not estate.file.releases:
        raise UsageError(Problem("the estate has no release targets", fix="name them under releases: in estate.yaml"))
    with open_ledger(context.settings()) as ledger:
        done = release(context.settings(), estate, ledger, as_of=estate.now(), deliver=not prepare_only)
    _tell(done)
    if done.problems:
        raise typer.Exit(STOPPED)


@app.command(epilog=examples.of("mfg release retry 3f2a --reason 'the inbox was full'"))
def retry(messages: KeysArgument, reason: Reason = "", by: By = None) -> None:
    """Prepare dead letters anew; the next pass sends them under their old keys."""
    from mfg_assets.ledger import open_ledger
    from mfg_assets.release import inspect, outbox

    _check(reason)
    with open_ledger(context.settings()) as ledger:
        keys = [inspect.key_of(ledger, one) for one in messages]
        done = outbox.retry(ledger, keys, _occasion(by), reason=reason)
    show(f"{done:,} prepared anew.")
    if done < len(keys):
        say(f"{len(keys) - done:,} are no dead letters and were left as they are.")


@app.command(epilog=examples.of("mfg release compensate 3f2a --reason 'the change was for the other line'"))
def compensate(messages: KeysArgument, reason: Reason = "", by: By = None) -> None:
    """Take messages back: what never left is withdrawn, for the rest a message says what held before."""
    from mfg_assets.ledger import open_ledger
    from mfg_assets.publish import current_version_dir
    from mfg_assets.release import inspect, outbox

    _check(reason)
    settings = context.settings()
    with open_ledger(settings) as ledger:
        keys = [inspect.key_of(ledger, one) for one in messages]
        done = outbox.undo(ledger, keys, current_version_dir(settings).name, _occasion(by), reason=reason)
    show(f"{len(done.made):,} compensations prepared, {len(done.withdrawn):,} withdrawn before they left.")


@app.command(epilog=examples.of("mfg release schema", "mfg release schema --as b2mml --out release-message.xsd"))
def schema(
    form: Annotated[SchemaOption, typer.Option("--as", help="Of which form.")] = SchemaOption.json,
    out: Annotated[Path | None, typer.Option(help="Write it to this file; else to standard output.")] = None,
) -> None:
    """Print the schema that every message is held to, for whoever builds a receiver: JSON's, or B2MML's as an XSD."""
    from mfg_assets.release.message import B2MML_SCHEMA_PATH, SCHEMA_PATH

    text = (SCHEMA_PATH if form is SchemaOption.json else B2MML_SCHEMA_PATH).read_text(encoding="utf-8")
    if out is None:
        show(text.rstrip("\n"))
        return
    if not out.parent.is_dir():
        raise UsageError(Problem("there is no such folder", out.parent, fix="make it, or choose another one"))
    out.write_text(text, encoding="utf-8")


def _tell(done: Outcome) -> None:
    show(
        f"Version {done.version}: {done.prepared:,} prepared, {done.compensations:,} compensations, "
        f"{done.withdrawn:,} withdrawn, {done.acknowledged:,} answered, {done.settled:,} settled."
    )
    for target, one in done.passes.items():
        away = "; left alone for a while" if one.is_away else ""
        show(
            f"  {target}: {one.delivered:,} delivered, {one.failed:,} to be tried again, "
            f"{one.dead_letters:,} dead letters{away}"
        )
    for problem in done.problems:
        say(f"- {problem}")


def _occasion(by: str | None):  # noqa: ANN202 - its type would load SQLAlchemy for every command
    from mfg_assets.release.outbox import Occasion

    return Occasion(datetime.now(UTC), present(), actor(by))


def _check(reason: str) -> None:
    if not reason.strip():
        raise UsageError(Problem("--reason is missing", fix="say why: it is kept with each message"))
