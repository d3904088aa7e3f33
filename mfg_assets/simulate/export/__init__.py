"""Each simulated system's extracts, in its own dialect, and the estate that reads them.

Belongs here: one module for each system, writers, templates of the estate. Doesn't belong here: what systems hold
(`held`), what is wrong in it (`defects`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from mfg_assets.simulate.export.estate import systems_of
from mfg_assets.simulate.export.feeds import Window
from mfg_assets.simulate.export.registry import SYSTEMS
from mfg_assets.simulate.export.staging import Drop, Faults, no_faults

__all__ = ["systems_of", "write"]

if TYPE_CHECKING:
    from mfg_assets.simulate.options import Options


def write(
    con: duckdb.DuckDBPyConnection,
    out: Path,
    options: Options,
    cut: datetime,
    previous_cut: datetime | None,
    faults: Faults = no_faults,
    systems: Collection[str] = tuple(SYSTEMS),
) -> None:
    """Write what every system delivers at the cut.

    Args:
        con: has the tables of `held`.
        out: the estate's folder; files go to `extracts/<system>/`.
        options: of the simulation.
        cut: instant of the delivery (UTC).
        previous_cut: instant of the one before, None for the first.
        faults: what goes wrong with native relations on their way.
        systems: only these of them.
    """
    drop = Drop(con, out, Window(cut, previous_cut), faults)
    for system in systems_of(options):
        if system in systems:
            SYSTEMS[system](drop)
