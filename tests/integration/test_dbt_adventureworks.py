"""The models on a real manufacturer's structure, against plain Python that reads the same files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from mfg_assets.contracts import contracts
from mfg_assets.settings import Settings
from mfg_assets.warehouse.dbt import ensure_parsed, environment, manifest_path
from tests.compiled_sql import Models, all_models
from tests.integration.conftest import Pass

SEATTLE = ZoneInfo("America/Los_Angeles")
AFTER_AS_OF = [
    "reconciliation.effective_bom_line",
    "reconciliation.item_structure",
    "reconciliation.bom_cycle",
    "reconciliation.structure_item",
    # item_requirement is a view of these two
    "reconciliation.numbered_requirement",
]
# 193 lines ended on eight days; of each: its last instant, and the first one after it, midnight.
LAST_DAYS = [
    "2010-05-03",
    "2010-05-17",
    "2010-07-25",
    "2010-08-08",
    "2010-08-18",
    "2010-09-06",
    "2010-10-04",
    "2010-11-14",
]


def at(text: str) -> datetime:
    """A local time of the plant."""
    return datetime.fromisoformat(text).replace(tzinfo=SEATTLE)


AS_OFS = [
    at("2010-03-03T23:59:59"),  # before the first line
    at("2010-03-04T00:00:00"),  # its first instant
    *(at(f"{day}T23:59:59") for day in LAST_DAYS),
    *(at(f"{day}T00:00:00") + timedelta(days=1) for day in LAST_DAYS),
    at("2014-08-15T12:00:00"),
]


@dataclass
class Need:
    """What one assembly needs of one component."""

    quantity: Fraction = Fraction(0)
    levels: set[int] = field(default_factory=set)
    paths: int = 0


def explode_files(folder: Path, as_of: datetime) -> dict[tuple[str, str], Need]:
    """Every assembly exploded path by path, with dates read as the vendor means them: EndDate is the last day."""
    with duckdb.connect() as connection:
        numbers = dict(
            connection.execute(
                "select ProductID, ProductNumber from read_parquet(?)", [str(folder / "Production.Product.parquet")]
            ).fetchall()
        )
        rows = connection.execute(
            "select ProductAssemblyID, ComponentID, PerAssemblyQty, StartDate, EndDate from read_parquet(?) "
            "where ProductAssemblyID is not null",
            [str(folder / "Production.BillOfMaterials.parquet")],
        ).fetchall()
    below: dict[int, list[tuple[int, Decimal]]] = defaultdict(list)
    for parent, component, quantity, start, end in rows:
        first = start.replace(tzinfo=SEATTLE)
        past = None if end is None else (end + timedelta(days=1)).replace(tzinfo=SEATTLE)
        if first <= as_of and (past is None or as_of < past):
            below[parent].append((component, quantity))
    result: dict[tuple[str, str], Need] = defaultdict(Need)

    def walk(root: int, item: int, quantity: Fraction, level: int) -> None:
        for component, per_assembly in below.get(item, []):
            need = result[numbers[root], numbers[component]]
            need.quantity += quantity * Fraction(per_assembly)
            need.levels.add(level)
            need.paths += 1
            walk(root, component, quantity * Fraction(per_assembly), level + 1)

    for root in list(below):
        walk(root, root, Fraction(1), 1)
    return dict(result)


def copy_of(finished: Pass, home: Path) -> Settings:
    """A home with a copy of the warehouse, which may be changed."""
    settings = Settings(home=home)
    settings.warehouse_dir.mkdir(parents=True)
    shutil.copy(finished.settings.warehouse_path, settings.warehouse_path)
    return settings


@pytest.fixture(scope="module")
def models(adventureworks_pass: Pass, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    """The models that depend on the as-of, over the landed data."""
    settings = copy_of(adventureworks_pass, tmp_path_factory.mktemp("as_of") / "home")
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield Models(all_models(), connection)


@pytest.mark.parametrize("as_of", AS_OFS, ids=[a.isoformat() for a in AS_OFS])
def test_rule_01_and_03_explosion_of_every_assembly_as_of(
    models: Models, adventureworks: Path, as_of: datetime
) -> None:
    models.fill("platform.run", [[as_of]])
    models.build(AFTER_AS_OF)
    found = {
        (root, component): (quantity, low, high, paths)
        for root, component, quantity, low, high, paths in models.rows(
            "select root_item_number, component_item_number, quantity_per_root, level_min, level_max, paths "
            "from reconciliation.item_requirement where plant_id = 'BOTHELL' and is_complete"
        )
    }
    expected = explode_files(adventureworks / "parquet", as_of)
    assert found == {
        key: (
            Decimal(need.quantity.numerator) / need.quantity.denominator,
            min(need.levels),
            max(need.levels),
            need.paths,
        )
        for key, need in expected.items()
    }


def test_all_238_assemblies_are_exploded_and_nothing_is_refused(adventureworks_pass: Pass) -> None:
    with duckdb.connect(str(adventureworks_pass.settings.warehouse_path), read_only=True) as connection:
        counts = connection.execute(
            "select (select count(distinct root_item_number) from reconciliation.item_requirement), "
            "(select max(level_max) from reconciliation.item_requirement), "
            "(select count(*) from canonical.bom_line), (select count(*) from canonical.bom_line_refused), "
            "(select count(*) from canonical.item_sales_period), (select count(*) from reconciliation.bom_cycle)"
        ).fetchone()
    # 2,679 rows of the bill table: 2,576 lines and 103 that have no parent, which are periods of sale
    assert counts == (238, 4, 2576, 0, 103, 0)


def test_the_structure_system_alone_makes_no_finding_of_missing_lines(adventureworks_pass: Pass) -> None:
    with duckdb.connect(str(adventureworks_pass.settings.warehouse_path), read_only=True) as connection:
        classes = connection.execute(
            "select distinct finding_class from reconciliation.bom_finding where finding_class like 'missing_in_%'"
        ).fetchall()
    assert classes == []


def test_every_column_of_every_model_is_described(adventureworks_pass: Pass) -> None:
    ensure_parsed(adventureworks_pass.settings)
    manifest = json.loads(manifest_path(adventureworks_pass.settings).read_text())
    nodes = [n for n in manifest["nodes"].values() if n["resource_type"] == "model"]
    with duckdb.connect(str(adventureworks_pass.settings.warehouse_path), read_only=True) as connection:
        columns: dict[str, set[str]] = defaultdict(set)
        for schema, table, column in connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() where not internal"
        ).fetchall():
            columns[f"{schema}.{table}"].add(column)
    gaps = {
        node["name"]: columns[f"{node['schema']}.{node['name']}"]
        ^ {name for name, column in node["columns"].items() if column["description"]}
        for node in nodes
        # nothing is built of those that are inlined; test_canonical_entities compares their columns
        if node["config"]["materialized"] != "ephemeral"
    }
    assert {name: gap for name, gap in gaps.items() if gap} == {}
    assert [node["name"] for node in nodes if not node["description"]] == []


def test_staging_says_what_the_contract_says(adventureworks_pass: Pass) -> None:
    ensure_parsed(adventureworks_pass.settings)
    manifest = json.loads(manifest_path(adventureworks_pass.settings).read_text())
    differing = []
    for entity, contract in contracts().items():
        described = manifest["nodes"][f"model.mfg.stg_{entity}"]["columns"]
        for column in contract.columns:
            text = described[column.name]["description"]
            is_resolved = column.name == "item_number" or (column.references and column.references.entity == "item")
            if not is_resolved and text.strip() != " ".join(column.description.split()):
                differing.append((entity, column.name, text))
    assert differing == []


def test_dbt_unit_tests_hold(adventureworks_pass: Pass, tmp_path: Path) -> None:
    """The hand-worked cases; a run leaves them out, since they don't depend on its data."""
    settings = copy_of(adventureworks_pass, tmp_path / "home")
    ensure_parsed(settings)
    done = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "dbt"), "--quiet", "--no-use-colors", "test"),
            *("--select", "test_type:unit", "--project-dir", str(settings.dbt_project_dir)),
            *("--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")),
        ],
        env=os.environ | environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "target" / "run_results.json").read_text())["results"]
    assert len(results) > 40
    assert {r["status"] for r in results} == {"pass"}
