"""Tables of events that grow are what a full rebuild makes of them, in whatever order batches arrive."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mfg_assets.estate.loader import load_estate
from mfg_assets.settings import PROJECT_ROOT, Settings
from mfg_assets.warehouse import handover
from mfg_assets.warehouse.dbt import ensure_parsed, environment

SYSTEMS = 150
STEPS = 3
START = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = ("inventory_movement", "production_confirmation", "material_consumption")


@dataclass(frozen=True)
class Row:
    """A version of an event as some batch brings it; versions of one event may name another item and quantity."""

    system: str
    batch: str
    extracted_at: datetime
    step: int
    source_row: int
    event: str
    item: str
    quantity: int


def _arrivals(seed: int) -> list[Row]:
    """Each system is a world of its own: its batches were made in one order and land in another."""
    chance = random.Random(seed)  # noqa: S311 - drawn test data
    rows = []
    for number in range(SYSTEMS):
        batches = [
            (f"{number}-{n}", START + timedelta(hours=n), chance.randint(1, STEPS)) for n in range(chance.randint(2, 6))
        ]
        for event in range(chance.randint(1, 6)):
            for batch, extracted_at, step in chance.sample(batches, chance.randint(1, min(3, len(batches)))):
                for _ in range(chance.choice([1, 1, 1, 2])):
                    rows.append(
                        Row(
                            f"s{number}", batch, extracted_at, step, len(rows), f"e{event}", chance.choice("ABC"),
                            chance.randint(1, 9),
                        )
                    )  # fmt: skip
    return rows


class Warehouse:
    """A warehouse into which rows are put as if they had landed, and in which dbt builds."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home)  # pyright: ignore[reportCallIssue]
        handover.prepare(self.settings, load_estate(PROJECT_ROOT / "estates" / "adventureworks"), START)
        ensure_parsed(self.settings)
        self._run(
            """
            create schema staging; create schema canonical;
            create table staging.item_native_id (source_system varchar, native_id varchar, item_number varchar);
            create table canonical.item as select unnest(['A', 'B', 'C', 'D']) as item_number, 'EA' as base_unit;
            create table canonical.item_unit as
            select item_number, 'BOX' as unit, 'EA' as base_unit, 10::bigint as numerator, 1::bigint as denominator
            from canonical.item
            """
        )
        for table in TABLES:
            self._run(f"create table typed as from landing.{table}; drop view landing.{table}")
            self._run(f"create table landing.{table} as from typed; drop table typed")

    def _run(self, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse_path)) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(sql, parameters).fetchall()

    def land(self, rows: list[Row]) -> None:
        """What has landed so far is exactly these rows."""
        values = [(r.system, r.batch, r.extracted_at, r.source_row, r.event, r.item, r.quantity) for r in rows]
        with duckdb.connect(str(self.settings.warehouse_path)) as connection:
            connection.execute(
                "create or replace temp table arrived (source_system varchar, batch_id varchar, "
                "extracted_at timestamptz, source_row bigint, event_id varchar, item_number varchar, quantity integer)"
            )
            connection.executemany("insert into arrived values (?, ?, ?, ?, ?, ?, ?)", values)
            connection.execute("delete from platform.current_batch")
            connection.execute(
                "insert into platform.current_batch by name select distinct batch_id, source_system, extracted_at, "
                "0 as batch_sequence, true as is_in_force from arrived"
            )
            connection.execute("delete from platform.batch_manifest")
            for table in TABLES:
                connection.execute(
                    "insert into platform.batch_manifest by name select distinct batch_id, $1 as entity from arrived",
                    [table],
                )
                quantity = "yield_quantity" if table == "production_confirmation" else "quantity"
                connection.execute(f"delete from landing.{table}")
                connection.execute(
                    f"insert into landing.{table} by name select source_system, batch_id, extracted_at, source_row, "
                    f"event_id, item_number, quantity as {quantity}, 'BOX' as unit, extracted_at as event_at, "
                    "extracted_at as recorded_at, 'f' as source_file, 0 as batch_sequence, true as is_in_force, "
                    "false as is_deleted from arrived"
                )

    def change_items(self) -> None:
        """Boxes get larger for A, and what the even systems call B turns out to be D."""
        self._run("update canonical.item_unit set numerator = 12 where item_number = 'A'")
        self._run(
            "insert into staging.item_native_id select distinct source_system, 'B', 'D' from platform.current_batch "
            "where substr(source_system, 2)::int % 2 = 0"
        )

    def build(self, *options: str) -> dict[str, list[tuple[Any, ...]]]:
        """Build the three tables with dbt. Returns their rows."""
        done = subprocess.run(
            [
                *(str(Path(sys.executable).parent / "dbt"), "--quiet", "--no-use-colors", "run", *options),
                *("--select", *(f"{prefix}{table}" for table in TABLES for prefix in ("stg_", ""))),
                *("--project-dir", str(self.settings.dbt_project_dir)),
                *("--target-path", str(self.settings.warehouse_dir / "dbt_target")),
            ],
            env=os.environ | environment(self.settings),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return {
            table: self._run(f"select * from canonical.{table} order by source_system, event_id") for table in TABLES
        }

    def built_rows(self) -> dict[tuple[str, str], tuple[str, str, int]]:
        """(system, event) → batch, item and pieces of the movements."""
        rows = self._run(
            "select source_system, event_id, batch_id, item_number, base_quantity::integer from "
            "canonical.inventory_movement"
        )
        return {(system, event): (batch, item, pieces) for system, event, batch, item, pieces in rows}


def _first_come(rows: list[Row], *, is_changed: bool) -> dict[tuple[str, str], tuple[str, str, int]]:
    """By hand: of each event the row of the earliest batch, of that the first."""
    first: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=lambda r: (r.extracted_at, r.source_row)):
        first.setdefault((row.system, row.event), row)
    expected = {}
    for key, row in first.items():
        item = "D" if is_changed and row.item == "B" and int(row.system[1:]) % 2 == 0 else row.item
        expected[key] = (row.batch, item, row.quantity * (12 if is_changed and item == "A" else 10))
    return expected


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("growing"))


@pytest.mark.slow
def test_rule_04_batches_in_any_order_late_and_corrected_give_what_a_full_rebuild_gives(warehouse: Warehouse) -> None:
    rows = _arrivals(seed=20261121)
    assert any(a.extracted_at < b.extracted_at and a.step > b.step for a in rows for b in rows if a.event == b.event)
    grown = {}
    for step in range(1, STEPS + 1):
        warehouse.land([row for row in rows if row.step <= step])
        if step == STEPS:
            warehouse.change_items()
        grown = warehouse.build()
        assert warehouse.built_rows() == _first_come([r for r in rows if r.step <= step], is_changed=step == STEPS)
    assert grown == warehouse.build("--full-refresh")

    withdrawn = {row.batch for row in rows if row.batch.endswith("-0")}
    kept = [row for row in rows if row.batch not in withdrawn]
    warehouse.land(kept)
    grown = warehouse.build()
    assert warehouse.built_rows() == _first_come(kept, is_changed=True)
    assert grown == warehouse.build("--full-refresh")
