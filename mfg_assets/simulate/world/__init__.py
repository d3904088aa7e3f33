"""The truth about the simulated manufacturer: one consistent world, from which every system's view is derived.

Belongs here: products, structures, changes, suppliers, orders, stock, events. Doesn't belong here: what a system
knows of it and when (`held`), and what goes wrong (`defects`).

The world is a function of the options; a later horizon adds to it and changes nothing that was there.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.options import Options
from mfg_assets.simulate.world import flows, foundation


def build(con: DuckDBPyConnection, options: Options) -> None:
    """Make all tables of `world`, up to the options' cut and as far beyond it as orders are planned."""
    foundation.create(con, options)
    flows.build(con, options)
