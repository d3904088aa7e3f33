"""Chance by key: every choice of the simulated world depends on the seed, a purpose and a key, on nothing else.

Belongs here: the SQL macros all steps draw from. Doesn't belong here: what is drawn.

A stream of random numbers would tie a choice to how many were drawn before it. By key, a longer horizon, another
order of
rows or another number of threads changes no earlier choice.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection


def create_macros(con: DuckDBPyConnection, seed: int) -> None:
    """Make the macros in the connection.

    - `chance(purpose, key)`: DOUBLE in [0, 1), for comparisons with a share;
    - `chance_int(purpose, key, n)`: BIGINT in 0 … n − 1, for n from 1;
    - `chance_pick(purpose, key, list)`: one member of a list.

    Args:
        con: whose macros are replaced.
        seed: any whole number; worlds of different seeds are independent.
    """
    # The inner hash combines its arguments by exclusive or, so that two purposes of one key differ by a constant only;
    # the outer one mixes that away. 53 bits are what a DOUBLE holds exactly.
    con.execute(
        f"""
        create or replace macro chance_bits(purpose, key) as
            cast(hash(hash({int(seed)}::bigint, purpose::varchar, key::varchar)) >> 11 as bigint)
        """
    )
    con.execute(
        "create or replace macro chance(purpose, key) as cast(chance_bits(purpose, key) as double) / 9007199254740992.0"
    )
    con.execute("create or replace macro chance_int(purpose, key, n) as chance_bits(purpose, key) % cast(n as bigint)")
    con.execute(
        """
        create or replace macro chance_pick(purpose, key, choices) as
            list_extract(choices, 1 + chance_int(purpose, key, len(choices)))
        """
    )
