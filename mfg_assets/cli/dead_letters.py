"""`mfg dead-letters`: records that a contract refused, each with its payload and reasons.

Belongs here: listing and showing them. Doesn't belong here: reading them (ingest).
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from mfg_assets.cli import context, examples
from mfg_assets.cli.output import Format, FormatOption, emit, show
from mfg_assets.cli.safe import plain

app = typer.Typer(name="dead-letters", help="Records that a contract refused.", no_args_is_help=True)

_SHORT = ("dead_letter_id", "source_system", "entity", "source_file", "source_row", "reasons", "details", "state")
_LIMIT = 100


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

    found = list_dead_letters(
        context.settings(),
        system=system,
        entity=entity,
        reason=reason,
        batch=batch,
        # One more than is shown, to know whether there are more.
        limit=limit + 1 if limit else None,
    )
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
    if output is not Format.table:
        emit(list(letter), [list(letter.values())], output)
        return
    for name in (n for n in letter if n not in ("payload", "reasons", "details")):
        show(f"{name:<16}{plain(letter[name])}")
    show()
    show("Why it was refused:")
    for reason, detail in zip(letter["reasons"], letter["details"], strict=True):
        show(f"  {reason}: {detail}")
    show()
    show("The record as it was delivered:")
    for name, value in _payload(letter["payload"]).items():
        show(f"  {name:<30} {plain(value)}")


def _payload(text: str) -> dict[str, object]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        return {"record": text}
    return content if isinstance(content, dict) else {"record": content}


def _short(value: object) -> object:
    return "; ".join(str(v) for v in value) if isinstance(value, list | tuple) else value
