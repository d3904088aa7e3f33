"""Everything that happens in the world, from what customers ask for to the stock ledger.

Runs the steps in their order; each stands in its own module. Structure and master data must be there before.
"""

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.options import Options
from mfg_assets.simulate.world import (
    calendar,
    demand,
    execution,
    ledger,
    logistics,
    lots,
    nodes,
    plan,
    procurement,
    quality,
    receipts,
    sourcing,
)

MANY_ITEMS = 20_000
SLOW_PACE = 4
"""A company with very many items asks for each of them less often, and orders for longer."""


def build(con: DuckDBPyConnection, options: Options) -> None:
    """Make the world's flows from its master data: orders, events, movements.

    Args:
        con: has world.plant, item, item_plant, bom_header, bom_line, routing_operation, supplier, supplier_item
            and location,
            and the macros of `chance`.
        options: the horizon; what happened up to an earlier one is the same.
    """
    axis = calendar.calendar(options)
    calendar.create_macros(con, axis)
    con.execute("create schema if not exists flow")
    deepest = nodes.create(con)
    sourcing.create(con)
    horizon = max(axis.cut_tick, axis.first_tick + plan.WINDOW) + plan.bound(deepest)
    pace = 1 if options.items <= MANY_ITEMS else SLOW_PACE
    demand.create(con, axis.first_tick, horizon, pace)
    plan.create(con, axis.first_tick, axis.cut_tick, deepest, pace)
    receipts.create(con)
    procurement.create(con, axis.cut_tick)
    lots.create(con, axis.cut_tick)
    ledger.create(con, axis.first_tick, axis.cut_tick)
    execution.create(con, axis.cut_tick)
    quality.create(con, axis.cut_tick)
    logistics.create(con, axis.cut_tick)
