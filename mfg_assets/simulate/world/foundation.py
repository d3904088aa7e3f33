"""Master data and structures of the world, in the order in which one needs the other.

Belongs here: the order. Doesn't belong here: what happens in plants (`flows`).
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from mfg_assets.simulate import chance
from mfg_assets.simulate.options import Options
from mfg_assets.simulate.world import bills, blueprint, changes, costs, items, kinds, sites, suppliers


def create(con: DuckDBPyConnection, options: Options) -> None:
    """Make the tables of `world` that flows are planned on; all of them are the same for every later horizon."""
    con.execute("set TimeZone = 'UTC'")
    con.execute("create schema if not exists world")
    chance.create_macros(con, options.seed)
    con.execute(
        """
        create or replace macro revision_letters(n) as
            case when n > 26 then chr(64 + cast((n - 1) // 26 as integer)) else '' end
            || chr(65 + cast((n - 1) % 26 as integer))
        """
    )
    # these have one bill for small and one for large orders, and change no more
    con.execute(
        """
        create or replace macro has_lot_size_bills(item_number, base_unit) as
            base_unit = 'EA' and chance('lot size bills', item_number) < 0.05
        """
    )
    kinds.create(con)
    items.create(con, options)
    blueprint.create(con)
    changes.create(con, options)
    sites.create(con)
    changes.at_plants(con)
    bills.create(con)
    costs.create(con)
    suppliers.create(con, options)
