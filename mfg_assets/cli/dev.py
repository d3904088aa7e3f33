"""`mfg dev`: Dagster's UI.

Belongs here: the options. Doesn't belong here: starting it (defs.dev).
"""

from __future__ import annotations

from typing import Annotated

import typer

from mfg_assets.cli import context, examples
from mfg_assets.cli.output import say


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        short_help="Dagster's UI with daemon, schedules and sensors.",
        epilog=examples.of("mfg dev", "mfg dev --port 3333"),
    )(dev)


def dev(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 3000,
) -> None:
    """Open Dagster's UI with daemon, schedules and sensors, until interrupted."""
    # Read first: a wrong estate should be a sentence here, not a trace in Dagster's log.
    estate = context.estate()
    say(f"{estate.file.name}: starting Dagster on http://127.0.0.1:{port} (Ctrl-C ends it)")
    from mfg_assets.defs.dev import serve

    raise typer.Exit(serve(context.settings(), port=port))
