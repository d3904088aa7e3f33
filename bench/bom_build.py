"""One `dbt build` that explodes and compares a million lines of four plants: time, memory, and whether it is right.

    python bench/bom_build.py [--lines 1000000] [--memory 3GB] [--limit-gib 4] [--folder DIR]

Half of the lines are the PLM's, half the ERPs', who have another quantity in every hundredth line: exactly those must
be found. Lines stand in the landing schema as if they had landed; everything after that is the platform's own: staging,
canonical lines, choice of bills, reconciled structure, cycles, requirement, low-level codes, comparison, dbt's tests.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from explosion import LEVELS, PLANTS, ROOT, generate

sys.path.insert(0, str(ROOT))
from mfg_assets.estate.loader import load_estate
from mfg_assets.settings import Settings
from mfg_assets.warehouse import handover
from mfg_assets.warehouse.dbt import ensure_parsed, environment

GIB = 2**30
WRONG_EVERY = 100
SELECTED = ("+item_requirement", "+item_low_level_code", "+bom_line_difference")
LANDED = ("item", "bom_line")


def write_estate(folder: Path) -> Path:
    """A PLM for all plants and an ERP for each."""
    plants = [f"P{n}" for n in range(PLANTS)]
    systems = {"plm": ("plm", plants)} | {f"erp_{p.lower()}": ("erp", [p]) for p in plants}
    files = {
        "estate.yaml": "name: Bench\nplants:\n"
        + "".join(f"  - {{id: {p}, name: {p}, timezone: UTC, currency: EUR}}\n" for p in plants),
        "ownership.yaml": 'rules:\n  - {attribute: "item.*", owners: [plm]}\n'
        '  - {attribute: "bom_line.*", owners: [plm, erp]}\n',
        "codes/units.csv": "system,native,code\n*,EA,EA\n",
    }
    for system, (kind, served) in systems.items():
        item = (
            "  item: {from: items.csv, delivery: snapshot, columns: "
            "{item_number: a, description: b, base_unit: c, item_type: d}}\n"
            if kind == "plm"
            else ""
        )
        files[f"systems/{system}.yaml"] = (
            f"system: {system}\nkind: {kind}\nplants: [{', '.join(served)}]\ntimezone: UTC\n"
            f"connector: {{type: files, path: ../data, format: csv}}\nextracts:\n{item}"
            "  bom_line: {from: lines.csv, delivery: snapshot, columns: {parent_item_number: a, plant_id: b, "
            "line_id: c, component_item_number: d, quantity: e, unit: f}}\n"
        )
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def land(settings: Settings, lines: Path) -> int:
    """Put lines and items where landed rows are seen. Returns how many ERP lines are wrong."""
    common = """
        'snapshot' as delivery, timestamptz '2026-01-01 00:00:00+00' as extracted_at, extracted_at as recorded_at,
        1 as batch_sequence, 'f' as source_file, true as is_in_force, false as is_deleted,
        source_system || ' ' || entity as batch_id, entity as extract_name,
        batch_id || ':' || source_row as correlation_id
    """
    with duckdb.connect(str(settings.warehouse_path)) as c:
        c.execute("set timezone = 'UTC'")
        for entity in LANDED:
            c.execute(f"create table typed as from landing.{entity}; drop view landing.{entity}")
            c.execute(f"create table landing.{entity} as from typed; drop table typed")
        c.execute(f"""
            insert into landing.bom_line by name select * exclude (entity, is_wrong), {common} from (
                select
                    'bom_line' as entity, row_number() over () as source_row, s.system as source_system, plant_id,
                    parent as parent_item_number, line_id, component as component_item_number, 'EA' as unit,
                    s.system <> 'plm' and hash(parent, line_id) % {WRONG_EVERY} = 0 as is_wrong,
                    cast(lines.quantity + if(is_wrong, 1, 0) as decimal(18, 6)) as quantity,
                from '{lines}' as lines
                cross join lateral (select unnest(['plm', 'erp_' || lower(plant_id)]) as system) as s
            )
        """)
        c.execute(f"""
            insert into landing.item by name select * exclude (entity), {common} from (
                select
                    'item' as entity, row_number() over () as source_row, 'plm' as source_system, item as item_number,
                    item as description, 'EA' as base_unit, 'made' as item_type,
                from (select parent as item from '{lines}' union select component from '{lines}')
            )
        """)
        for table in ("current_batch", "batch_manifest"):
            c.execute(f"delete from platform.{table}")
        batches = " union ".join(
            f"select distinct batch_id, source_system, '{entity}' as entity, extract_name, delivery, extracted_at, "
            f"batch_sequence from landing.{entity}"
            for entity in LANDED
        )
        c.execute(
            "insert into platform.current_batch by name "
            f"select * exclude (entity), true as is_in_force from ({batches})"
        )
        c.execute(f"insert into platform.batch_manifest by name select batch_id, entity from ({batches})")
        row = c.execute(f"select count(*) filter (hash(parent, line_id) % {WRONG_EVERY} = 0) from '{lines}'").fetchone()
        return row[0] if row else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--memory", default="3GB", help="DuckDB's limit; the process takes more")
    parser.add_argument("--limit-gib", type=float, default=4)
    parser.add_argument("--folder", type=lambda text: Path(text).resolve())
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        lines = folder / "lines.parquet"
        generate(folder / "all.parquet", given.lines // 2)
        # Systems here tell lines by their component: one that stands in a bill twice would be an overlap (rule 2).
        duckdb.execute(f"""
            copy (
                from '{folder / "all.parquet"}'
                qualify row_number() over (partition by plant_id, parent, component order by line_id) = 1
            ) to '{lines}' (format parquet)
        """)
        settings = Settings(home=folder / "home", memory_limit=given.memory, threads=2)
        handover.prepare(settings, load_estate(write_estate(folder / "estate")), datetime.now(UTC))
        wrong = land(settings, lines)
        ensure_parsed(settings)
        started = time.perf_counter()
        done = subprocess.run(
            [
                *(str(Path(sys.executable).parent / "dbt"), "--quiet", "--no-use-colors", "build"),
                *("--exclude-resource-type", "unit_test", "--indirect-selection", "cautious"),
                *("--select", *SELECTED),
                *("--project-dir", str(settings.dbt_project_dir), "--target-path", str(folder / "target")),
            ],
            env=os.environ | environment(settings),
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        with duckdb.connect(str(settings.warehouse_path), read_only=True) as c:
            count = "select count(*) from reconciliation."
            (found,) = c.execute(f"{count}bom_line_difference where finding_class = 'quantity'").fetchone() or (0,)
            (others,) = c.execute(f"{count}bom_line_difference where finding_class <> 'quantity'").fetchone() or (0,)
            (needs,) = c.execute(f"{count}item_requirement").fetchone() or (0,)
            (compared,) = c.execute(f"{count}bom_comparison").fetchone() or (0,)
    peak = used.ru_maxrss * 1024 / GIB
    print(
        f"{2 * compared:,} lines of {PLANTS} plants and {LEVELS} levels, {compared:,} compared, {needs:,} requirements"
    )
    print(f"{wrong:,} quantities are wrong, {found:,} found, {others:,} other findings")
    cpu = used.ru_utime + used.ru_stime
    print(f"one dbt build: {seconds:.0f} s (CPU {cpu:.0f} s), {peak:.2f} GiB at most, target {given.limit_gib} GiB")
    raise SystemExit(0 if found == wrong and others == 0 and peak <= given.limit_gib else 1)


if __name__ == "__main__":
    main()
