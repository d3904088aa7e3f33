"""What systems hold of master data, structures and changes.

Belongs here: the order of the steps. Doesn't belong here: orders, stock and events of the plants.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.held import changes, master, structure, versions
from mfg_assets.simulate.options import Options


def fill(con: DuckDBPyConnection, options: Options) -> None:
    """Fill the held tables that `world.foundation` gives, up to the options' cut.

    Args:
        con: has the world's tables and the empty tables of `held.create`.
        options: seed and horizon.
    """
    versions.create_macros(con)
    # long before the first revision or change that is told
    con.execute(
        f"""
        create or replace macro founded_at(what) as
            timestamptz '{options.start.isoformat()} 06:00:00+00'
            - to_seconds(86400 * (1700 + chance_int('founded on', what, 600)) - chance_int('founded at', what, 36000))
        """
    )
    con.execute(
        """
        create or replace macro is_in_pounds(grams) as
            cast(cast(grams as decimal(18, 6)) * 1000000 as hugeint) % 45359237 = 0
        """
    )
    master.fill(con, options.cut)
    structure.fill(con, options.cut)
    changes.fill(con, options.cut)
