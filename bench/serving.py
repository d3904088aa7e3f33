"""A publication of 1 million changed rows into PostgreSQL against psql's COPY of the same rows into an empty table.

    python bench/serving.py [--rows 1000000]

Prints rows per second of: the first serving, two in which every row changed (the first of them makes room in the
table's pages, which the second and all later ones use), one in which 1 % did, one with nothing changed, and two peers:
`COPY … FROM` of a CSV file through psql into a table with the same key and indexes, with and without the rows being
replaced by it. The server is embedded, on this machine, with fsync off for all of them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import psycopg

from mfg_assets.publish import PublishedTable, publish
from mfg_assets.serving import sync
from mfg_assets.settings import Settings
from tests.postgres import Server, postgres_server

TABLE = PublishedTable(
    "inventory_state", "marts.inventory_state", ("plant_id", "location", "item_number", "lot_number")
)
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def _build(settings: Settings, rows: int) -> None:
    settings.warehouse_dir.mkdir(parents=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(f"""
            create schema marts;
            create table marts.inventory_state as
            select
                'P' || lpad((hash(range) % 5)::varchar, 3, '0') as plant_id, 'LOC-' || hash(range + 1) % 50 as location,
                'ITEM-' || range as item_number, 'LOT' || range % 100 as lot_number,
                'unrestricted' as stock_status, 'own' as ownership,
                (hash(range + 2) % 1000000)::decimal(18, 6) as on_hand, 'EA' as unit,
                timestamptz '2026-11-21 00:00:00+00' - to_seconds(range) as as_of
            from range({rows})
        """)


def _change(settings: Settings, where: str) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(f"update marts.inventory_state set on_hand = on_hand + 1 where {where}")
    publish(settings, [TABLE], run_id="bench", as_of=NOW)


def _timed(name: str, rows: int, work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    print(f"{name:<46} {seconds:8.2f} s  {rows / seconds:>12,.0f} rows/s")
    return seconds


def _copy(server: Server, file: Path, *, replace: bool) -> None:
    """As a script with psql would do it, in one transaction; the server's own client comes with it."""
    statements = [
        "begin",
        *(["delete from peer.inventory_state"] if replace else []),
        f"\\copy peer.inventory_state from '{file}' with (format csv)",
        "commit",
    ]
    command = [str(server.binaries / "psql"), server.url, "-q", "-v", "ON_ERROR_STOP=1"]
    done = subprocess.run(
        command, input="\n".join(f"{s};" if not s.startswith("\\") else s for s in statements), text=True, check=False,
        capture_output=True, env=os.environ,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)


def _peer(server: Server, settings: Settings, folder: Path) -> Path:
    file = folder / "rows.csv"
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(f"copy marts.inventory_state to '{file}' (format csv, header false)")
    file.chmod(0o644)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("create schema peer")
        connection.execute("create table peer.inventory_state (like mfg.inventory_state including all)")
    return file


def main() -> None:
    """Measure on an embedded server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as place, postgres_server() as server:
        folder = Path(place)
        settings = Settings(home=folder / "home")
        _build(settings, rows)
        publish(settings, [TABLE], run_id="bench", as_of=NOW)
        new = _timed("first serving, all rows new", rows, lambda: sync(settings, server.url, now=NOW))
        _change(settings, "true")
        _timed("every row changed, for the first time", rows, lambda: sync(settings, server.url, now=NOW))
        _change(settings, "true")
        every = _timed("every row changed, from then on", rows, lambda: sync(settings, server.url, now=NOW))
        _change(settings, "hash(item_number) % 100 = 0")
        _timed("1 % of the rows changed", rows // 100, lambda: sync(settings, server.url, now=NOW))
        _timed("nothing changed", 0, lambda: sync(settings, server.url, now=NOW))
        file = _peer(server, settings, folder)
        empty = _timed("peer: psql COPY into an empty table", rows, lambda: _copy(server, file, replace=False))
        peer = _timed("peer: psql DELETE and COPY, as if all changed", rows, lambda: _copy(server, file, replace=True))
        print("our rows per second for each of psql's:")
        print(f"  all rows new, beside COPY into an empty table       {empty / new:.2f}")
        print(f"  every row changed, beside COPY into an empty table  {empty / every:.2f}")
        print(f"  every row changed, beside DELETE and COPY           {peer / every:.2f}")


if __name__ == "__main__":
    main()
