"""How long landing takes against a bare DuckDB COPY of the same CSV to Parquet, and how much memory.

Both read the same file in the same run, each in a process of its own, by turns, with the same threads and memory limit.
Landing does more: it hashes the file, counts its lines, reads each column as text and casts it by contract, reads local
times in a zone, translates units, looks for contradicting keys, adds provenance to each row and syncs to the disk.

Usage: python bench/landing.py [--rows 10000000] [--rejects 0] [--repeat 3] [--memory 2GB] [--folder DIR]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent
THREADS = 2
TARGET = 1.6
COLUMNS = """
  event_id: id
  movement_type: kind
  movement_class: kind
  item_number: item
  quantity: quantity
  unit: unit
  to_plant_id: plant
  to_location: place
  to_lot: lot
  reference_number: reference
  event_at: moment
  posting_date: posted
"""


def generate(path: Path, rows: int, rejects: int) -> None:
    """A ledger of movements; of `rejects` of them the quantity is a word."""
    every = rows // rejects if rejects else 2 * rows
    duckdb.execute(
        f"""
        copy (
            select
                'MV' || lpad(i::varchar, 9, '0') as id,
                ['receipt', 'issue', 'transfer'][1 + i % 3] as kind,
                'ITEM-' || lpad((i * 7919 % 50000)::varchar, 6, '0') as item,
                case
                    when i % {every} = {every} - 1 then 'many' else (((i * 31) % 100000) / 100.0)::varchar
                end as quantity,
                ['EA', 'KG', 'M'][1 + i % 3] as unit,
                'P' || (1 + i % 2) as plant,
                'A' || (i % 400) as place,
                'LOT' || (i % 9999) as lot,
                'PO' || (i % 77777) as reference,
                strftime(timestamp '2023-01-02' + interval (i * 4) second, '%Y-%m-%dT%H:%M:%S') as moment,
                strftime(timestamp '2023-01-02' + interval (i * 4) second, '%Y-%m-%d') as posted,
            from range({rows}) as r (i)
        ) to '{path}' (format csv, header)
        """
    )


def write_estate(folder: Path) -> None:
    """One system with one extract."""
    texts = {
        "estate.yaml": "name: bench\nplants:\n"
        "  - {id: P1, name: One, timezone: Europe/Berlin, currency: EUR}\n"
        "  - {id: P2, name: Two, timezone: Europe/Berlin, currency: EUR}\n",
        "ownership.yaml": "rules: []\n",
        "codes/units.csv": "system,native,code\n*,EA,EA\n*,KG,KGM\n*,M,MTR\n",
        "systems/wms.yaml": "system: wms\nkind: wms\nplants: [P1, P2]\ntimezone: Europe/Berlin\n"
        "daylight_saving: {gap: shift, fold: earlier}\n"
        "connector: {type: files, path: ../data}\nextracts:\n  inventory_movement:\n    from: '*.csv'\n"
        "    delivery: events\n    columns:" + COLUMNS.replace("\n", "\n    "),
    }
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def copy(folder: Path, memory: str) -> dict[str, float]:
    """The bare COPY, as one writes it by hand: DuckDB finds out the types."""
    source, target = next((folder / "data").glob("*.csv")), folder / "copy.parquet"
    started = time.perf_counter()
    with duckdb.connect(config={"threads": THREADS, "memory_limit": memory, "temp_directory": str(folder)}) as c:
        c.execute(f"copy (select * from read_csv('{source}')) to '{target}' (format parquet)")
    return {"seconds": time.perf_counter() - started, "megabytes": target.stat().st_size / 1e6}


def land(folder: Path, memory: str) -> dict[str, float]:
    """Landing into an empty home."""
    from mfg_assets.estate.loader import load_estate
    from mfg_assets.ingest import land_extract
    from mfg_assets.settings import Settings

    with tempfile.TemporaryDirectory(dir=folder) as home:
        settings = Settings(home=Path(home), memory_limit=memory, threads=THREADS)
        estate = load_estate(folder / "estate")
        started = time.perf_counter()
        (batch,) = land_extract(estate, "wms", "inventory_movement", settings).batches
        seconds = time.perf_counter() - started
    if batch.state != "landed":
        raise SystemExit(f"refused: {batch.reason}")
    return {
        "seconds": seconds,
        "megabytes": batch.landed_bytes / 1e6,
        "landed": batch.rows_landed,
        "rejected": batch.rows_rejected,
    }


def measure(step: str, folder: Path, memory: str) -> dict[str, float]:
    """One step in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--step", step, "--folder", str(folder), "--memory", memory],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rejects", type=int, default=0)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--step", choices=["copy", "land"])
    given = parser.parse_args()
    if given.step:
        result = {"copy": copy, "land": land}[given.step](given.folder, given.memory)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(result | {"peak_mib": peak}))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        (folder / "data").mkdir()
        write_estate(folder / "estate")
        source = folder / "data" / "movements.csv"
        generate(source, given.rows, given.rejects)
        print(f"{given.rows:,} rows, {source.stat().st_size / 1e6:,.0f} MB of CSV, {given.rejects:,} to be rejected")
        print(f"DuckDB: {THREADS} threads, memory limit {given.memory}")
        runs: dict[str, list[dict[str, float]]] = {"copy": [], "land": []}
        for number in range(given.repeat):
            for step, results in runs.items():
                results.append(measure(step, folder, given.memory))
                last = results[-1]
                print(f"run {number + 1} {step}: {last['seconds']:.1f} s, peak {last['peak_mib']:,.0f} MiB")
        copied, landed = (min(r["seconds"] for r in runs[step]) for step in ("copy", "land"))
        by_turns = statistics.median(
            b["seconds"] / a["seconds"] for a, b in zip(runs["copy"], runs["land"], strict=True)
        )
        last = runs["land"][-1]
        print(f"landed {last['landed']:,.0f}, rejected {last['rejected']:,.0f}, {last['megabytes']:,.0f} MB of Parquet")
        print(f"best of {given.repeat}: bare COPY {copied:.1f} s, landing {landed:.1f} s: {landed / copied:.2f} times")
        print(f"median of the runs' own ratios: {by_turns:.2f} times; target {TARGET}")
        print(f"peak memory of landing: {max(r['peak_mib'] for r in runs['land']):,.0f} MiB")


if __name__ == "__main__":
    main()
