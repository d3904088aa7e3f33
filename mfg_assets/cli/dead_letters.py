"""`mfg dead-letters`: records that a contract refused, each with its payload and reasons.

Belongs here: listing, showing and choosing them. Doesn't belong here: reading, replaying and discarding (ingest).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mfg_assets.cli import context, examples
from mfg_assets.cli.actor import By, actor, present
from mfg_assets.cli.failures import STOPPED
from mfg_assets.cli.output import Format, FormatOption, emit, show
from mfg_assets.errors import Problem, UsageError
from mfg_assets.safe import plain

if TYPE_CHECKING:
    from mfg_assets.estate.models import Estate
    from mfg_assets.ledger import Ledger

app = typer.Typer(name="dead-letters", help="Records that a contract refused.", no_args_is_help=True)

_SHORT = ("dead_letter_id", "source_system", "entity", "source_file", "source_row", "reasons", "details", "state")
_LIMIT = 100
_SHOWN = 20


@app.callback()
def _group() -> None:
    """Records that a contract refused, each with its payload and reasons."""


@app.command(
    name="list",
    epilog=examples.of(
        "mfg dead-letters list",
        "mfg dead-letters list --system erp --reason not_castable",
        "mfg dead-letters list --format csv --limit 0 > rejected.csv",
    ),
)
def list_(
    system: Annotated[str | None, typer.Option(help="Only of this system.")] = None,
    entity: Annotated[str | None, typer.Option(help="Only of this entity.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only with this reason, such as not_castable.")] = None,
    batch: Annotated[str | None, typer.Option(help="Only of this batch.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most this many; 0 for all.")] = _LIMIT,
    output: FormatOption = Format.table,
) -> None:
    """List refused records."""
    from mfg_assets.ingest import list_dead_letters
    from mfg_assets.ingest.letters import with_states
    from mfg_assets.ledger import open_ledger

    settings = context.settings()
    found = list_dead_letters(
        settings,
        system=system,
        entity=entity,
        reason=reason,
        batch=batch,
        # One more than is shown, to know whether there are more.
        limit=limit + 1 if limit else None,
    )
    with open_ledger(settings) as ledger:
        found = with_states(settings, ledger, found)
    if output is Format.table:
        if not found:
            show("No dead letters" + (" match." if any((system, entity, reason, batch)) else "."))
            return
        rows = [[_short(letter[name]) for name in _SHORT] for letter in found]
        emit(_SHORT, rows, output, limit=limit or None)
        return
    columns = list(found[0]) if found else list(_SHORT)
    emit(columns, [[letter[name] for name in columns] for letter in found], output, limit=limit or None)


@app.command(name="show", epilog=examples.of("mfg dead-letters show 3f2a9c1b7d5e8a604c11-1204"))
def show_(
    dead_letter_id: Annotated[str, typer.Argument(help="As `mfg dead-letters list` prints it.")],
    output: FormatOption = Format.table,
) -> None:
    """Show one refused record: where it came from, what is wrong with it, and all that it said."""
    from mfg_assets.ingest import get_dead_letter

    letter = get_dead_letter(context.settings(), dead_letter_id)
    system, extract = letter["source_system"], letter["extract_name"]
    mapping = _mapping(context.estate_if_chosen(), system, extract)
    letter["mapping"] = json.dumps(mapping, ensure_ascii=False)
    if output is not Format.table:
        emit(list(letter), [list(letter.values())], output)
        return
    for name in (n for n in letter if n not in ("payload", "mapping", "reasons", "details")):
        show(f"{name:<16}{plain(letter[name])}")
    show()
    show("Why it was refused:")
    for reason, detail in zip(letter["reasons"], letter["details"], strict=True):
        show(f"  {reason}: {detail}")
    show()
    show("The record as it was delivered:")
    for name, value in _payload(letter["payload"]).items():
        show(f"  {name:<30} {plain(value)}")
    if mapping:
        show()
        show(f"The mapping as it is now (systems/{plain(system)}.yaml, extract {plain(extract)}):")
    for name, source in mapping.items():
        codes = f", translated by codes/{source['codes']}.csv" if "codes" in source else ""
        show(f"  {name:<30} {plain(source['sql'])}{codes}")


Why = Annotated[str, typer.Option("--because", help="Why; it is kept with the act.")]
Ids = Annotated[
    list[str] | None, typer.Argument(help="Ids, as `mfg dead-letters list` prints them.", metavar="[ID]...")
]
Yes = Annotated[bool, typer.Option("--yes", help="Act on all that match; without it they are only counted.")]


@app.command(
    epilog=examples.of(
        "mfg dead-letters replay --reason unknown_unit --because 'codes/units.csv now knows KAR' --yes",
        "mfg dead-letters replay 3f2a9c1b7d5e8a604c11-1204 --set quantity=5 --because 'asked the warehouse'",
    )
)
def replay(
    ids: Ids = None,
    system: Annotated[str | None, typer.Option(help="Only of this system.")] = None,
    entity: Annotated[str | None, typer.Option(help="Only of this entity.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only with this reason, such as unknown_unit.")] = None,
    batch: Annotated[str | None, typer.Option(help="Only of this batch.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="column=value, or outer.inner=value in a nested one: correct one record before; may be repeated.",
        ),
    ] = None,
    because: Why = "",
    by: By = None,
    insist: Annotated[bool, typer.Option("--insist", help="Also those that have failed too often.")] = False,
    yes: Yes = False,
) -> None:
    """Land refused records once more, through the mapping as it is now; the next `mfg run` builds with them."""
    from mfg_assets.ingest import letters as service
    from mfg_assets.ledger import open_ledger

    settings, estate = context.settings(), context.estate()
    edits = dict(_edit(text) for text in set_ or ())
    with open_ledger(settings) as ledger:
        chosen = _chosen(ledger, ids, system, entity, reason, batch)
        if not ids and not yes:
            show(f"{len(chosen):,} match. Nothing was done: add --yes to replay them.")
            return
        done = service.replay(
            estate,
            settings,
            ledger,
            chosen,
            actor=actor(by),
            why=because,
            at=present(),
            edits=edits,
            insist=insist,
        )
    show(f"landed: {len(done.landed):,}, left out by the mapping: {len(done.filtered):,}, failed: {len(done.failed):,}")
    for words in (done.failed, done.passed_over):
        for name, text in list(words.items())[:_SHOWN]:
            show(f"  {name}: {text}")
    if done.landed:
        show("`mfg run` builds with them.")
    if done.failed:
        raise typer.Exit(STOPPED)


@app.command(
    epilog=examples.of("mfg dead-letters discard --batch 3f2a9c1b7d5e8a604c11 --because 'test data' --yes"),
)
def discard(
    ids: Ids = None,
    system: Annotated[str | None, typer.Option(help="Only of this system.")] = None,
    entity: Annotated[str | None, typer.Option(help="Only of this entity.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only with this reason, such as unknown_unit.")] = None,
    batch: Annotated[str | None, typer.Option(help="Only of this batch.")] = None,
    because: Why = "",
    by: By = None,
    yes: Yes = False,
) -> None:
    """Say of refused records that nothing will come of them; they stay where they are, as discarded."""
    from mfg_assets.ingest import letters as service
    from mfg_assets.ledger import open_ledger

    settings = context.settings()
    with open_ledger(settings) as ledger:
        chosen = _chosen(ledger, ids, system, entity, reason, batch)
        if not ids and not yes:
            show(f"{len(chosen):,} match. Nothing was done: add --yes to discard them.")
            return
        done = service.discard(settings, ledger, chosen, actor=actor(by), why=because, at=present())
    show(f"discarded: {len(done.filtered):,}")
    for name, text in list(done.passed_over.items())[:_SHOWN]:
        show(f"  {name}: {text} already")


def _chosen(
    ledger: Ledger,
    ids: list[str] | None,
    system: str | None,
    entity: str | None,
    reason: str | None,
    batch: str | None,
) -> list[dict[str, Any]]:
    """The letters that are meant: those named, or the open ones that match."""
    from mfg_assets.ingest import get_dead_letter, list_dead_letters
    from mfg_assets.ingest.letters import with_states

    settings = context.settings()
    if ids:
        return [get_dead_letter(settings, one) for one in dict.fromkeys(ids)]
    if not any((system, entity, reason, batch)):
        raise UsageError(Problem("nothing says which records are meant", fix="name ids, or filter by --reason …"))
    found = list_dead_letters(settings, system=system, entity=entity, reason=reason, batch=batch)
    return [letter for letter in with_states(settings, ledger, found) if letter["state"] == "open"]


def _mapping(estate: Estate | None, system: str, extract: str) -> dict[str, dict[str, str]]:
    """Contract column → its SQL and code map; nothing where no estate is chosen or it no longer has the extract."""
    if estate is None or system not in estate.systems or extract not in estate.systems[system].extracts:
        return {}
    columns = estate.extract(system, extract).columns
    return {name: column.model_dump(exclude_none=True) for name, column in columns.items()}


def _edit(text: str) -> tuple[str, str]:
    column, equals, value = text.partition("=")
    if not equals or not column:
        raise UsageError(Problem(f"--set: {text!r} is not column=value", fix="such as --set quantity=5"))
    return column, value


def _payload(text: str) -> dict[str, object]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        return {"record": text}
    return content if isinstance(content, dict) else {"record": content}


def _short(value: object) -> object:
    return "; ".join(str(v) for v in value) if isinstance(value, list | tuple) else value
