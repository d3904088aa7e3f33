"""One batch or many: the same records, cut into deliveries anywhere, leave the same bills behind.

Real files are landed by the real code, and the model's own SQL says what each system holds now.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mfg_assets.settings import Settings
from mfg_assets.warehouse import handover
from tests.compiled_sql import all_models
from tests.ingest_feed import Feed

START = datetime(2026, 3, 1, tzinfo=UTC)
HEADER = "parent,line,component,quantity,deleted,written"
COLUMNS = {
    "parent_item_number": "parent",
    "plant_id": "'P1'",
    "line_id": "line",
    "component_item_number": "component",
    "quantity": "quantity",
    "unit": "'EA'",
    "is_deleted": "deleted",
    "recorded_at": "written",
}


@pytest.fixture(scope="module")
def current_lines() -> str:
    """SQL of what systems say now of their bill lines."""
    return all_models()["stg_bom_line"]


def edits(dice: random.Random) -> list[str]:
    """Lines that are written, changed, deleted and written again, in the order of writing; repeats among them."""
    records: list[str] = []
    for number in range(dice.randrange(20, 60)):
        if records and dice.random() < 0.1:
            records.append(dice.choice(records))
            continue
        written = (START + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S+00:00")
        deleted = "true" if dice.random() < 0.2 else "false"
        key = f"{dice.choice('AB')},{dice.choice(('10', '20', '30'))}"
        records.append(f"{key},{dice.choice('CDE')},{dice.randrange(1, 5)},{deleted},{written}")
    return records


def told(records: list[str]) -> set[tuple[str, ...]]:
    """What is left of them: the latest word about each line."""
    newest: dict[tuple[str, str], list[str]] = {}
    for record in records:
        parent, line, *rest = record.split(",")
        if (parent, line) not in newest or rest[-1] >= newest[parent, line][-1]:
            newest[parent, line] = rest
    return {(*key, rest[0], rest[1]) for key, rest in newest.items() if rest[2] == "false"}


def held(folder: Path, deliveries: list[list[str]], sql: str) -> list[tuple[Any, ...]]:
    """Deliver, land, hand over, and ask the model."""
    home = Settings(home=folder / "home", memory_limit="1GB", threads=2)  # pyright: ignore[reportCallIssue]
    folder.mkdir()
    feed = Feed(folder, home, columns=COLUMNS, extract={"entity": "bom_line", "delivery": "delta"})
    for number, records in enumerate(deliveries):
        feed.deliver("\n".join([HEADER, *records]) + "\n", f"{number:02}.csv", age=1_800_000_000 + number)
    feed.land()
    assert feed.letters() == []
    handover.prepare(home, feed.estate(), START + timedelta(days=1))
    with duckdb.connect(str(home.warehouse_path)) as connection:
        connection.execute("create schema if not exists staging")
        connection.execute(
            "create or replace table staging.item_native_id "
            "(source_system varchar, native_id varchar, item_number varchar)"
        )
        return connection.execute(
            "select * exclude (batch_id, correlation_id) replace (recorded_at::varchar as recorded_at) "
            f"from ({sql}) order by all"
        ).fetchall()


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_splitting_one_batch_into_many_changes_nothing(tmp_path: Path, current_lines: str, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    records = edits(dice)
    at_once = held(tmp_path / "one", [records], current_lines)
    assert {(row[1], row[6], row[8], str(int(row[10]))) for row in at_once} == told(records)

    cuts = sorted(dice.sample(range(1, len(records)), dice.randrange(1, 5)))
    parts = [records[a:b] for a, b in zip([0, *cuts], [*cuts, len(records)], strict=True)]
    assert held(tmp_path / "many", parts, current_lines) == at_once
    dice.shuffle(parts)
    assert held(tmp_path / "late", parts, current_lines) == at_once
