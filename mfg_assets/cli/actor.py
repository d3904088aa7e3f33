"""Who acts, and when: for every command that leaves a name in the ledger.

Belongs here: the option, its default, the estate's present. Doesn't belong here: acts themselves.
"""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from mfg_assets.cli import context

By = Annotated[str | None, typer.Option("--by", help="Who acts; default MFG_ACTOR, else the user of this machine.")]


def actor(by: str | None) -> str:
    """Who acts: what was said, else MFG_ACTOR, else the machine's user."""
    return by or context.settings().actor or getpass.getuser()


def present() -> datetime:
    """The estate's present, by which service levels are counted; the clock where no estate is chosen."""
    estate = context.estate_if_chosen()
    return estate.now() if estate is not None else datetime.now(UTC)
