"""`mfg audit`: the log of what people and the platform did, and whether anybody has changed it.

Belongs here: showing and verifying. Doesn't belong here: writing the log (audit).
"""

from __future__ import annotations

from typing import Annotated

import typer

from mfg_assets.cli import context, examples
from mfg_assets.cli.failures import STOPPED
from mfg_assets.cli.output import Format, FormatOption, emit, show

app = typer.Typer(name="audit", help="Who did what, and whether the log is whole.", no_args_is_help=True)

_COLUMNS = ("sequence", "at", "actor", "kind", "subject", "details", "request_id", "hash")
_SHORT = ("sequence", "at", "actor", "kind", "subject", "what")
_LIMIT = 50


@app.callback()
def _group() -> None:
    """Who did what: acts, observations, publications, rollbacks, replays, configurations."""


@app.command(
    name="list",
    epilog=examples.of("mfg audit list", "mfg audit list --kind act --format csv --limit 0 > acts.csv"),
)
def list_(
    kind: Annotated[
        str | None,
        typer.Option(help="Only act, observation, publication, rollback, replay, dead_letter, release, configuration."),
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Only about this exception, version or batch.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most this many; 0 for all.")] = _LIMIT,
    output: FormatOption = Format.table,
) -> None:
    """List entries, newest first."""
    from mfg_assets.audit import entries
    from mfg_assets.ledger import open_ledger

    with open_ledger(context.settings()) as ledger:
        found = entries(ledger, kind=kind, subject=subject, limit=limit + 1 if limit else None)
    if output is not Format.table:
        emit(_COLUMNS, [[getattr(e, name) for name in _COLUMNS] for e in found], output, limit=limit or None)
        return
    if not found:
        show("The log has no such entry.")
        return
    rows = [
        (e.sequence, e.at.isoformat(sep=" ", timespec="seconds"), e.actor, e.kind, e.subject, _what(e.details))
        for e in found
    ]
    emit(_SHORT, rows, output, limit=limit or None)


@app.command(epilog=examples.of("mfg audit verify"))
def verify() -> None:
    """Check every entry, every history behind it, and that nothing was cut off; exit code 1 when something is wrong."""
    from mfg_assets.audit.facts import verify_all
    from mfg_assets.ledger import open_ledger

    settings = context.settings()
    with open_ledger(settings) as ledger:
        found = verify_all(settings, ledger)
    for problem in found.problems:
        show(f"- {problem}")
    if found.problems:
        show(f"The log has been tampered with or damaged: {len(found.problems):,} problems.")
        raise typer.Exit(STOPPED)
    show(f"{found.entries:,} entries, none changed. Newest: {found.head_hash}")


def _what(details: dict[str, object]) -> str:
    """The words of an entry that a person wants first."""
    known = [str(details[name]) for name in ("act", "reason") if details.get(name)]
    if "events" in details:
        known.append(f"{details['events']:,} changes")
    if "tables_changed" in details:
        tables = details["tables_changed"]
        known.append(f"{len(tables) if isinstance(tables, list) else 0} tables changed")
    return "; ".join(known)
