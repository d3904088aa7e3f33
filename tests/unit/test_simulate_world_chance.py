"""Chance by key: uniform, independent by purpose, and the same in every process."""

import subprocess
import sys
from itertools import pairwise

import duckdb

from mfg_assets.contracts import contracts
from mfg_assets.simulate import chance, held

DRAW = "select chance('a', 'k'), chance_int('b', 42, 1000), chance_pick('c', 'k', ['x', 'y', 'z'])"


def _connection(seed: int = 1) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    chance.create_macros(con, seed)
    return con


def test_chance_is_uniform() -> None:
    counts = (
        _connection()
        .execute("select chance_int('p', i, 10) as n, count(*) from range(50000) t(i) group by n")
        .fetchall()
    )
    assert {n for n, _ in counts} == set(range(10))
    assert all(4700 < count < 5300 for _, count in counts)


def test_purposes_of_one_key_are_independent() -> None:
    purposes = ["lead time", "lot size", "cost", "scrap"]
    con = _connection()
    for one, other in pairwise(purposes):
        row = con.execute(f"select corr(chance('{one}', i), chance('{other}', i)) from range(50000) t(i)").fetchone()
        assert row is not None
        assert abs(row[0]) < 0.02


def test_seeds_give_other_draws() -> None:
    assert _connection(1).execute(DRAW).fetchone() != _connection(2).execute(DRAW).fetchone()


def test_another_process_draws_the_same() -> None:
    code = (
        "import duckdb; from mfg_assets.simulate import chance; con = duckdb.connect(); "
        f'chance.create_macros(con, 1); print(con.execute("{DRAW}").fetchone())'
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(_connection().execute(DRAW).fetchone())


def test_held_tables_have_the_contracts_columns() -> None:
    con = _connection()
    held.create(con)
    for entity, contract in contracts().items():
        described = con.execute(f"describe held.{entity}").fetchall()
        names = {name: sql_type for name, sql_type, *_ in described}
        assert set(names) == {column.name for column in contract.columns} | set(held.VERSION_COLUMNS)
