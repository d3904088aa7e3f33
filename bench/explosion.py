"""How long exploding whole plants takes here, against hand-written SQL, pandas, polars and networkx on the same lines.

    python bench/explosion.py [--lines 100000] [--shared-lines 8000] [--repeat 3] [--limit 300] [--folder DIR]

Structures have shared sub-assemblies and mixed depth: a line of level 1 may lead to level 2, 3 or 4. Every contestant
reads the same Parquet file, with item numbers as text, in a process of its own, by turns, on two threads; what it gives
must have the same rows as all others (their number and the sum of a hash over each) before any time counts.

Times are from lines in memory to the named result in memory, with the same columns of everybody, in three phases:
numbering the lines' items, exploding numbered lines to a numbered result, and naming it. Targets are of the time in
all. `pandas` and `polars` join and group level by level in 64-bit numbers and look the names up at the end; `networkx`
walks the graph below every assembly, as its users write it; `dictionaries` takes only the order from it and keeps each
item's totals. Ours calculates with fixed quantities, phantoms, incompleteness and decimals as well, the others with
whole numbers.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
from explosion_contestants import BY_FRAME, BY_SQL, REQUIREMENT, Contest, session, structure

ROOT = Path(__file__).resolve().parent.parent
PLANTS = 4
LEVELS = 7
SHARED_LEVELS = 8
LINES_PER_BILL = 10
MEMORY = "6GB"

# Contestants of each task, ours first; the number is how many times as long ours may take (below 1: how much less).
TASKS: dict[str, dict[str, float | None]] = {
    "indented": {"ours": None, "level_loop": 1.5, "cte": None, "cte_paths": None, "polars": None, "pandas": 1 / 3.5},
    "summarised": {
        "ours": None,
        "level_loop": None,
        "cte": None,
        "polars": None,
        "pandas": 1 / 3.5,
        "dictionaries": None,
        "networkx": 1 / 30,
    },
    "shared": {"ours": None, "level_loop": None, "cte": 1 / 10},
}


def generate(
    path: Path, lines: int, *, assemblies_per_bill: int = 3, sharing: float = 1.25, levels: int = LEVELS
) -> None:
    """Bills of ten lines, some of them assemblies, four fifths of these of the next level; `sharing` parents each."""
    growth = assemblies_per_bill / sharing
    first = lines / PLANTS / LINES_PER_BILL * (growth - 1) / (growth**levels - 1)
    sizes = [max(1, round(first * growth**level)) for level in range(levels)]
    sizes.append(sizes[-1] * 5)
    with duckdb.connect() as c:
        c.execute("create table levels (level integer, size bigint)")
        c.executemany("insert into levels values (?, ?)", list(enumerate(sizes)))
        c.execute(f"""
            copy (
                with bills as (
                    select p.plant, levels.level, unnest(range(levels.size)) as item
                    from range({PLANTS}) as p (plant), levels where levels.level < {levels}
                ),
                places as (
                    select *, hash(plant * 1000003 + level * 7919 + item * 31 + place * 104729) as chance
                    from bills, range({LINES_PER_BILL}) as x (place)
                ),
                targets as (
                    select *, case
                        when place >= {assemblies_per_bill} or level = {levels - 1} then {levels}
                        when chance % 100 < 80 then level + 1
                        else least(level + 2 + (chance // 128) % 2, {levels - 1})
                    end as target
                    from places
                )
                select
                    'P' || plant as plant_id,
                    'L' || targets.level || '-' || lpad(item::varchar, 7, '0') as parent,
                    'L' || target || '-' || lpad((hash(chance + 1) % size)::varchar, 7, '0') as component,
                    (1 + (chance // 1024) % 4)::bigint as quantity,
                    place::varchar as line_id,
                from targets inner join levels on levels.level = targets.target
            ) to '{path}' (format parquet)
        """)


# --- measuring ------------------------------------------------------------------------------------------------------

PHASES = ("numbering", "exploding", "naming")

# What is asked of everybody, in our names.
ASKED = {
    "indented": (
        "plant_id, root_item_number as root, depth, line_id, item_number as component, quantity_per_root as quantity"
    ),
    "summarised": (
        "plant_id, root_item_number as root, component_item_number as component, quantity_per_root as quantity, "
        "level_min as nearest, level_max as farthest, paths"
    ),
}
SIGNATURES = {
    "indented": "plant_id, root, depth::bigint, line_id, component, quantity::hugeint",
    "summarised": "plant_id, root, component, quantity::hugeint, nearest::bigint, farthest::bigint, paths::hugeint",
}


def step(name: str, path: Path, memory: str) -> dict[str, Any]:
    """One contestant once: seconds, peak memory, and what proves its result."""
    task = name.split()[0]
    if name in BY_SQL:
        c = session(path, memory)
        if name.endswith("ours"):
            structure(c)
            if task == "indented":
                from mfg_assets.bom import bulk

                bulk._macros()
        contest = BY_SQL[name](c)
        phases, query = timed(contest)
        if name.endswith("ours"):
            query = f"select {ASKED[task]} from ({query})"
        started, worked = time.perf_counter(), time.process_time()
        c.execute(f"create temp table answer as {query}")
        phases["naming"] = (time.perf_counter() - started, time.process_time() - worked)
        source = "answer"
    else:
        c = duckdb.connect(config={"threads": 2})
        frame: Any = c.execute(f"from '{path}'")
        frame = frame.to_arrow_table() if name.endswith("polars") else frame.df()
        phases, answer = timed(BY_FRAME[name](frame))
        c.register("answer", answer)
        source = "answer"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows, proof = c.execute(f"select count(*), sum(hash({SIGNATURES[task]})::hugeint) from {source}").fetchall()[0]
    return {"phases": phases, "seconds": sum(p[0] for p in phases.values()), "peak_mib": peak} | {
        "rows": rows,
        "proof": str(proof),
    }


def timed(contest: Contest) -> tuple[dict[str, tuple[float, float]], Any]:
    """Clock and CPU seconds of each phase, and the result."""
    phases: dict[str, tuple[float, float]] = {}
    result = None
    for phase in PHASES:
        started, worked = time.perf_counter(), time.process_time()
        try:
            next(contest)
        except StopIteration as done:
            result = done.value
        phases[phase] = (time.perf_counter() - started, time.process_time() - worked)
    return phases, result


def measure(name: str, path: Path, memory: str, compiled: Path, limit: float) -> dict[str, Any]:
    """One step in a process of its own."""
    command = [sys.executable, __file__, "--step", name, "--folder", str(path), "--memory", memory]
    environment = os.environ | {"COMPILED_REQUIREMENT": str(compiled), "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"stopped after {limit:.0f} s"}
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"code {done.returncode}"}
    return json.loads(done.stdout)


def compile_requirement(folder: Path) -> Path:
    """The requirement's SQL as dbt runs it, without the database's name; a file per model."""
    sys.path.insert(0, str(ROOT))
    from mfg_assets.settings import Settings
    from tests.compiled_sql import compile_models

    sql = compile_models(Settings(home=folder / "home"), folder / "target", " ".join(REQUIREMENT))
    for name in REQUIREMENT:
        (folder / f"{name}.sql").write_text(sql[name])
    return folder


def worked(run: dict[str, Any], *phases: str) -> float:
    """CPU seconds of these phases; default all."""
    return sum(run["phases"][phase][1] for phase in phases or PHASES)


def compete(
    task: str, path: Path, repeat: int, compiled: Path, limit: float, contestants: dict[str, float | None]
) -> bool:
    """Run the contestants by turns and print what came out. Returns whether all targets are met."""
    kind = "summarised" if task == "shared" else task
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in contestants}
    for _ in range(repeat):
        for name in contestants:
            if not runs[name] or "failed" not in runs[name][-1]:
                runs[name].append(measure(f"{kind} {name}", path, MEMORY, compiled, limit))
    proofs = {(r["rows"], r["proof"]) for results in runs.values() for r in results if "failed" not in r}
    if len(proofs) != 1:
        raise SystemExit(f"{task}: the results differ: {runs}")
    print(f"\n{task}: {next(iter(proofs))[0]:,} rows, the same from every contestant")
    ours = runs["ours"]
    if "failed" in ours[-1]:
        print(f"  ours failed: {ours[-1]['failed']}")
        return False
    print(f"  {'CPU seconds':<12} {'numbering':>9} {'exploding':>9} {'naming':>7}; clock in all; peak")
    is_met = True
    for name, results in runs.items():
        if "failed" in results[-1]:
            print(f"  {name:<12} failed: {results[-1]['failed']}")
            continue
        cpu = [min(r["phases"][phase][1] for r in results) for phase in PHASES]
        best, peak = min(r["seconds"] for r in results), max(r["peak_mib"] for r in results)
        text = f"  {name:<12} {cpu[0]:9.2f} {cpu[1]:9.2f} {cpu[2]:7.2f} {best:8.2f} s {peak:7,.0f} MiB"
        if name != "ours":
            pairs = list(zip(ours, results, strict=False))
            in_all = statistics.median(a["seconds"] / b["seconds"] for a, b in pairs)
            by_cpu = statistics.median(worked(a) / worked(b) for a, b in pairs)
            text += f"; ours {1 / in_all:.1f} times as fast, by CPU {1 / by_cpu:.1f}"
            if task != "indented":  # there ours is not in phases
                exploding = statistics.median(worked(a, "exploding") / worked(b, "exploding") for a, b in pairs)
                text += f", exploding {1 / exploding:.1f}"
            target = contestants[name]
            if target is not None:
                is_met = is_met and in_all <= target
                text += f", target {1 / target:.1f}: {'met' if in_all <= target else 'MISSED'}"
        print(text, flush=True)
    return is_met


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--shared-lines", type=int, default=8_000)
    parser.add_argument("--limit", type=float, default=300, help="seconds that a contestant may take")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", type=lambda text: Path(text).resolve())
    parser.add_argument("--memory", default=MEMORY)
    parser.add_argument("--tasks", default="indented,summarised,shared,memory")
    parser.add_argument("--contestants", help="only these beside ours, as level_loop,pandas; default all")
    parser.add_argument("--step")
    given = parser.parse_args()
    if given.step:
        print(json.dumps(step(given.step, given.folder, given.memory)))
        return
    tasks = given.tasks.split(",")
    asked = given.contestants and {"ours", *given.contestants.split(",")}
    is_met = True
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        # Compiling takes longer than most contestants do.
        compiled = folder if tasks == ["indented"] else compile_requirement(folder)
        typical, shared = folder / "typical.parquet", folder / "shared.parquet"
        if tasks != ["shared"]:
            generate(typical, given.lines)
        if "shared" in tasks:
            generate(shared, given.shared_lines, assemblies_per_bill=8, sharing=4, levels=SHARED_LEVELS)
        print(
            f"{given.lines:,} lines, {PLANTS} plants, {LEVELS} levels; two threads; best of {given.repeat}, "
            "ratios are medians"
        )
        for task, contestants in TASKS.items():
            if task in tasks:
                path = shared if task == "shared" else typical
                contestants = {name: limit for name, limit in contestants.items() if not asked or name in asked}
                is_met = compete(task, path, given.repeat, compiled, given.limit, contestants) and is_met
        if "memory" in tasks:
            print("\nours within 1 GiB, against unrestricted")
            for kind in ("indented", "summarised"):
                pairs = [
                    [measure(f"{kind} ours", typical, memory, compiled, given.limit) for memory in ("1GiB", MEMORY)]
                    for _ in range(given.repeat)
                ]
                if any("failed" in run for pair in pairs for run in pair):
                    print(f"  {kind:<12} failed: {pairs}")
                    is_met = False
                    continue
                ratio = statistics.median(a["seconds"] / b["seconds"] for a, b in pairs)
                is_met = is_met and ratio <= 2
                print(f"  {kind:<12} {ratio:.2f} times the time, target 2: {'met' if ratio <= 2 else 'MISSED'}")
    raise SystemExit(0 if is_met else 1)


if __name__ == "__main__":
    main()
