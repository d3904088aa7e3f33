"""Publishes, serves and dies, for test_serving_kill.py: `serving_process.py HOME URL`, orders as publishing_process.py.

An order `N GENERATION` builds and publishes a generation and then serves it, dying before the Nth step of the serving
(`0`: never, `tN`: N milliseconds after its start).
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from publishing_process import TABLES, Steps, serve

from mfg_assets.publish import publish
from mfg_assets.serving import sync
from mfg_assets.settings import Settings

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROWS = 300


def _child(line: str, answer: int) -> None:
    order, generation = line.split()
    settings = Settings(home=Path(sys.argv[1]), threads=1, memory_limit="500MB")  # pyright: ignore[reportCallIssue]
    settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("create schema if not exists marts")
        for n in range(4):
            # Other keys each time, and a few rows that stay: what is deleted and inserted differs.
            connection.execute(
                f"create or replace table marts.table_{n} as select range + {generation} % 3 as k, "
                f"{generation}::integer as generation, 'value ' || range as v from range({ROWS})"
            )
    publish(settings, TABLES, run_id=f"run-{generation}", as_of=NOW)
    steps = Steps.of(order)
    sys.setprofile(steps)
    sync(settings, sys.argv[2], now=NOW)
    sys.setprofile(None)
    os.write(answer, f" after {steps.seen} steps".encode())


if __name__ == "__main__":
    serve(_child)
