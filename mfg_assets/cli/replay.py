"""`mfg replay`: landed batches read once more from their files.

Belongs here: arguments and the table. Doesn't belong here: reading and comparing (ingest).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from mfg_assets.cli import context, examples
from mfg_assets.cli.actor import By, actor
from mfg_assets.cli.failures import STOPPED
from mfg_assets.cli.output import Format, FormatOption, emit, say, show

_COLUMNS = ("batch_id", "source_system", "extract_name", "extracted_at", "rows", "outcome")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        short_help="Read landed batches again: proof that results are the same, and repair.",
        epilog=examples.of(
            "mfg replay --system erp --from 2025-03-01 --to 2025-03-07",
            "mfg replay --plant P100 --day 2025-03-01",
            "mfg replay 3f2a9c1b7d5e8a604c11",
        ),
    )(replay)


def replay(
    batches: Annotated[list[str] | None, typer.Argument(help="Ids of batches; all that match when none.")] = None,
    system: Annotated[list[str] | None, typer.Option(help="Only of this system; may be repeated.")] = None,
    plant: Annotated[list[str] | None, typer.Option(help="Only of systems of this plant; may be repeated.")] = None,
    extract: Annotated[list[str] | None, typer.Option(help="Only of this extract; may be repeated.")] = None,
    from_: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day, in UTC.")] = None,
    to: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, in UTC.")] = None,
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only this day, in UTC.")] = None,
    by: By = None,
    output: FormatOption = Format.table,
) -> None:
    """Read batches again from their files, compare what lands, and put back what was lost or damaged."""
    from mfg_assets.ingest.replay_run import replay_batches
    from mfg_assets.ingest.reread import Selection
    from mfg_assets.warehouse import lock

    settings, estate = context.settings(), context.estate()
    first, last = day or from_, day or to
    selection = Selection(
        systems=tuple(system or ()),
        plants=tuple(plant or ()),
        extracts=tuple(extract or ()),
        batches=tuple(batches or ()),
        first_day=first.date() if first else None,
        last_day=last.date() if last else None,
    )
    with lock.held(settings):
        found = replay_batches(estate, settings, selection, actor=actor(by), at=estate.now())
    if not found and output is Format.table:
        show("No batches match.")
        return
    emit(_COLUMNS, [[getattr(one, name) for name in _COLUMNS] for one in found], output)
    if any(one.outcome == "restored" for one in found):
        say("`mfg run --full-refresh` builds with what was restored.")
    if any(one.outcome == "not_repeatable" for one in found):
        say("A database knows only its present: of its batches only the landed files were checked.")
    if lost := [one for one in found if one.outcome == "lost"]:
        say(
            "Landed files of database batches are missing or damaged and can't be read again: restore them from a "
            f"backup of the landing ({', '.join(one.batch_id for one in lost[:5])})."
        )
        raise typer.Exit(STOPPED)
    if any(one.outcome == "differs" for one in found):
        say("The same bytes under the same mapping gave other rows: report this with the batches above.")
        raise typer.Exit(STOPPED)
