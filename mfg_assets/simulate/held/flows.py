"""What the systems hold of the world's flows: orders, events, movements and balances.

Each entity stands in the module of its domain; this one runs them. Master data and structures belong elsewhere.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.held import inventory, logistics, production, purchasing, versions
from mfg_assets.simulate.options import Options


def fill(con: DuckDBPyConnection, options: Options) -> None:
    """Fill the held tables of the flows.

    Args:
        con: has the held tables (`held.create`), the world's flows and the macros of `chance`.
        options: whose cut ends what is held.
    """
    versions.create_macros(con)
    production.fill(con, options.cut)
    purchasing.fill(con, options.cut)
    inventory.fill(con, options.cut)
    logistics.fill(con, options.cut)
