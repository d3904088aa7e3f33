"""`mfg run`: one pass from extract to publish.

Belongs here: options, progress while it runs. Doesn't belong here: the run (defs.runner), its summary (summary_view).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from mfg_assets.cli import context, examples, instants
from mfg_assets.cli.failures import INTERRUPTED, STOPPED
from mfg_assets.cli.output import TextFormat, say, show
from mfg_assets.safe import json_text


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        short_help="One pass: extract, build, check, publish.",
        epilog=examples.of(
            "mfg run",
            "mfg run --system erp --system wms",
            "mfg run --as-of 2025-03-01",
            "mfg run --full-refresh --format json",
        ),
    )(run)


def run(
    system: Annotated[list[str] | None, typer.Option(help="Land only this system; may be repeated.")] = None,
    plant: Annotated[list[str] | None, typer.Option(help="Land only systems of this plant; may be repeated.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            help="The instant to take for now, without an offset in the plants' time zone; default the estate's as_of, "
            "else the present."
        ),
    ] = None,
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Build although nothing has changed.")] = False,
    output: Annotated[TextFormat, typer.Option("--format", "-f", help="How the summary is printed.")] = TextFormat.text,
) -> None:
    """Land what is new, build and check what depends on it, publish it, and say what came of it."""
    from mfg_assets.cli.progress import reporter
    from mfg_assets.cli.summary_view import render

    settings, estate = context.settings(), context.estate()
    zones = [p.timezone for p in estate.file.plants if not plant or p.id in plant]
    instant = instants.parse(as_of, zones) if as_of else None
    try:
        with reporter() as on_event:
            # Inside, so that something moves during the seconds that loading Dagster takes.
            from mfg_assets.defs import runner

            summary = runner.run(
                settings,
                estate,
                systems=system or None,
                plants=plant or None,
                as_of=instant,
                full_refresh=full_refresh,
                on_event=on_event,
            )
    except KeyboardInterrupt:
        say("Interrupted. What has landed stays, readers keep the version in force, the next run goes on from there.")
        raise typer.Exit(INTERRUPTED) from None
    if output is TextFormat.json:
        show(json_text(asdict(summary)))
    else:
        render(summary, estate.file.name)
    if not summary.is_clean:
        raise typer.Exit(STOPPED)
