"""Publishing against a plain DuckDB COPY of the same tables to Parquet: what versions, hashes and marts.duckdb cost.

    python bench/publish.py [--rows 1000000]

Prints seconds and ratios for a first publication, one with nothing changed, and one with 1 % of one table changed.
The peer writes the same tables with the same compression, once as they lie and once sorted by key as ours are.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from mfg_assets.publish import PublishedTable, publish
from mfg_assets.settings import Settings

TABLES = [
    PublishedTable("inventory_state", "marts.inventory_state", ("plant_id", "location", "item_number", "lot_number")),
    PublishedTable("item", "marts.item", ("item_number",)),
]


def _build(settings: Settings, rows: int) -> None:
    settings.warehouse_dir.mkdir(parents=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(f"""
            create schema marts;
            create table marts.inventory_state as
            select
                'P' || lpad((hash(range) % 5)::varchar, 3, '0') as plant_id, 'LOC-' || hash(range + 1) % 50 as location,
                'ITEM-' || range as item_number, case when range % 3 = 0 then 'LOT' || range end as lot_number,
                'unrestricted' as stock_status, 'own' as ownership,
                (hash(range + 2) % 1000000)::decimal(18, 6) as on_hand, 'EA' as unit,
                'erp_eu' as quantity_source,
                timestamptz '2026-11-21 00:00:00+00' - to_seconds(range) as as_of
            from range({rows}) order by hash(range);
            create table marts.item as
            select 'ITEM-' || range as item_number, 'Description of item ' || range as description, 'EA' as base_unit
            from range({rows // 10});
        """)


def _plain(settings: Settings, folder: Path, *, ordered: bool) -> None:
    with duckdb.connect(
        str(settings.warehouse_path),
        read_only=True,
        config={"threads": settings.threads, "memory_limit": settings.memory_limit},
    ) as connection:
        for table in TABLES:
            order = f"order by {', '.join(table.key)}" if ordered else ""
            connection.execute(
                f"copy (select * from {table.sql} {order}) to '{folder}/{table.name}.parquet' "
                "(format parquet, compression zstd)"
            )


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder) / "home")  # pyright: ignore[reportCallIssue]
        _build(settings, rows)

        def ours() -> str:
            return publish(settings, TABLES, run_id="bench", as_of=datetime.now(UTC)).state

        # Best of three: the first copy also reads the file into the page cache.
        copied = min(_seconds(lambda: _plain(settings, Path(folder), ordered=False)) for _ in range(3))
        ordered = min(_seconds(lambda: _plain(settings, Path(folder), ordered=True)) for _ in range(3))
        measured = {"first": _seconds(ours), "unchanged": min(_seconds(ours) for _ in range(3))}
        with duckdb.connect(str(settings.warehouse_path)) as connection:
            connection.execute("update marts.inventory_state set on_hand = 1 where hash(item_number) % 100 = 0")
        measured["1 % changed"] = _seconds(ours)

    print(f"{rows:,} + {rows // 10:,} rows, {settings.threads} threads, {settings.memory_limit}")
    print(f"plain COPY {copied:.2f} s, sorted by key {ordered:.2f} s")
    for name, seconds in measured.items():
        print(f"publish, {name}: {seconds:.2f} s = {seconds / copied:.1f}x plain COPY, {seconds / ordered:.1f}x sorted")


if __name__ == "__main__":
    main()
