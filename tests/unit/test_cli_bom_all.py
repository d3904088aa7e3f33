"""`mfg bom explode-all` on a small published snapshot, worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from mfg_assets.cli.app import app
from mfg_assets.publish import PublishedTable, publish
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from tests.bills import AS_OF

# BIKE: 2 WHEEL and the phantom BAG, of which it holds 1; BAG: 4 SCREW. WHEEL: 32 SPOKE with 80 % yield, and 0.05 GREASE
# per order. LOOP-A and LOOP-B hold each other.
STRUCTURE = """
create schema reconciliation;
create table reconciliation.bom_line as
    select 'P1' as plant_id, 'BIKE' as parent_item_number, '10' as line_id, 'WHEEL' as component_item_number;
create table reconciliation.bom_cycle as
    select
        'reconciled' as structure, 'P1' as plant_id, ['LOOP-A', 'LOOP-B', 'LOOP-A'] as cycle_path,
        'LOOP-A > LOOP-B > LOOP-A' as cycle_text;
create table reconciliation.item_structure (
    plant_id varchar, parent_item_number varchar, line_id varchar, component_item_number varchar, unit varchar,
    is_fixed_quantity boolean, quantity_per decimal(38, 12), requirement_kind varchar, is_phantom boolean
);
insert into reconciliation.item_structure values
    ('P1', 'BIKE', '20', 'WHEEL', 'EA', false, 2, 'component', false),
    ('P1', 'BIKE', '30', 'BAG', 'EA', false, 1, 'component', true),
    ('P1', 'BAG', '10', 'SCREW', 'EA', false, 4, 'component', false),
    ('P1', 'WHEEL', '10', 'SPOKE', 'EA', false, 40, 'component', false),
    ('P1', 'WHEEL', '30', 'GREASE', 'KGM', true, 0.05, 'component', false),
    ('P1', 'TRUNK', '10', 'LOOP-A', 'EA', false, 1.5, 'component', false),
    ('P1', 'LOOP-A', '10', 'LOOP-B', 'EA', false, 2, 'component', false),
    ('P1', 'LOOP-B', '10', 'LOOP-A', 'EA', false, 1, 'component', false);
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings = Settings(home=tmp_path / "home")
    settings.warehouse_dir.mkdir(parents=True)
    with connect(settings, settings.warehouse_path) as connection:
        connection.execute(STRUCTURE)
    keys = {
        "bom_line": ("plant_id", "parent_item_number", "line_id"),
        "bom_cycle": ("structure", "plant_id", "cycle_text"),
        "item_structure": ("plant_id", "parent_item_number", "line_id"),
    }
    tables = [PublishedTable(name, f"reconciliation.{name}", key, name) for name, key in keys.items()]
    publish(settings, tables, run_id="run-1", as_of=AS_OF)
    monkeypatch.setenv("MFG_HOME", str(tmp_path / "home"))
    return tmp_path


def explode(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["bom", "explode-all", *arguments])
    return result.exit_code, result.output


def test_rule_09_to_15_every_way_below_every_top_item(home: Path) -> None:
    target = home / "all.parquet"
    code, output = explode(str(target))
    assert code == 0, output
    rows = duckdb.execute(
        "select root_item_number, item_number, depth, level, quantity_per_root, is_complete "
        f"from '{target}' order by all"
    ).fetchall()
    assert rows == [
        ("BIKE", "BAG", 1, 1, 1, True),
        ("BIKE", "GREASE", 2, 2, Decimal("0.05"), True),
        ("BIKE", "SCREW", 2, 1, 4, True),
        ("BIKE", "SPOKE", 2, 2, 80, True),
        ("BIKE", "WHEEL", 1, 1, 2, True),
        ("TRUNK", "LOOP-A", 1, 1, Decimal("1.5"), False),
        ("TRUNK", "LOOP-B", 2, 2, 3, False),
    ]
    # the step above each step
    above = duckdb.execute(
        "select below.item_number, above.item_number "
        f"from '{target}' as below inner join '{target}' as above on below.parent_step = above.step order by all"
    ).fetchall()
    assert above == [("GREASE", "WHEEL"), ("LOOP-B", "LOOP-A"), ("SCREW", "BAG"), ("SPOKE", "WHEEL")]


def test_every_assembly_has_its_own_ways(home: Path) -> None:
    target = home / "all.parquet"
    assert explode(str(target), "--every-assembly", "--plant", "P1")[0] == 0
    roots = duckdb.execute(f"select root_item_number, count(*) from '{target}' group by all order by all").fetchall()
    assert roots == [("BAG", 1), ("BIKE", 5), ("LOOP-A", 1), ("LOOP-B", 1), ("TRUNK", 2), ("WHEEL", 2)]


def test_nobodys_file_is_overwritten_and_a_wrong_plant_is_named(home: Path) -> None:
    target = home / "all.parquet"
    target.write_text("mine")
    code, output = explode(str(target))
    assert (code, target.read_text()) == (2, "mine")
    assert "exists already" in output
    code, output = explode(str(home / "new.parquet"), "--plant", "P9")
    assert code == 2
    assert "one of: P1" in output
    assert sorted(path.name for path in home.glob("*.parquet*")) == ["all.parquet"]
