"""Movements de-duplicated, netted and compared with two snapshots, as the models do it, against polars and pandas.

    python bench/inventory.py [--rows 10000000] [--large 50000000] [--keys text|integer]

The same work in the same run on the same two threads: of every event the newest version (a tenth of the events come
again, and half of those name another item, place or quantity), summed by plant, item and lot, held against two
balances. All ways must give the same differences before any time counts. The wrong way, which groups by event and key
at once, is run beside them to show that the data would catch it.

Events, plants, items and lots are named by text, as in the canonical model and in every system that it is filled from;
`--keys integer` numbers them instead: all ways are faster with such keys, which nobody has.

What is called "models" is the very macro that the models are made of (dbt_project/macros/landing.sql). Beside the
seconds by the clock stand those of the processors: on a machine that does other things as well, only they are steady.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Before polars and numpy are imported: they count processors once.
THREADS = 2
os.environ.update(dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(THREADS)))

import duckdb  # noqa: E402
import jinja2  # noqa: E402

MACROS: Any = (
    jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)  # noqa: S701 - SQL of the project's own
    .from_string((Path(__file__).parents[1] / "dbt_project" / "macros" / "landing.sql").read_text(encoding="utf-8"))
    .module
)

KEY = "plant_id, item_number, lot_number"
ON_KEY = "plant_id = {0}.plant_id and item_number = {0}.item_number and lot_number = {0}.lot_number"

MODELS = str(MACROS.one_row_per_event("{source}", ["event_id"], "sequence", "max"))
TWO_PHASE = """
    select m.* from {source} as m
    inner join (select event_id, max(sequence) as sequence from {source} group by event_id) as newest
        on m.event_id = newest.event_id and m.sequence = newest.sequence
"""
ROW_NUMBER = "select * from {source} qualify row_number() over (partition by event_id order by sequence desc) = 1"
ARG_MAX = "select unnest(arg_max(m, sequence)) from {source} as m group by event_id"
# Wrong on purpose: a redelivery under another key counts at both.
BY_EVENT_AND_KEY = f"select {KEY}, arg_max(quantity, sequence) as quantity from {{source}} group by event_id, {KEY}"
COMPARED = f"""
    with ledger as (select {KEY}, sum(quantity) as quantity from ({{rows}}) group by all)
    select
        {KEY}, coalesce(l.quantity, 0) as ledger, coalesce(e.quantity, 0) as erp, coalesce(w.quantity, 0) as wms
    from ledger as l
    full outer join erp as e using ({KEY})
    full outer join wms as w using ({KEY})
    where coalesce(l.quantity, 0) <> coalesce(e.quantity, 0) or coalesce(l.quantity, 0) <> coalesce(w.quantity, 0)
"""
PROOF = "select count(*), sum(ledger), sum(erp), sum(wms), sum(hash(plant_id, item_number, lot_number, ledger)) from {}"


def _named(keys: str, **numbers: str) -> str:
    """A movement's event and key from expressions for their numbers: text of the usual form, or the numbers."""
    number = {name: f"({expression})::bigint" for name, expression in numbers.items()}
    if keys == "integer":
        return ", ".join(f"{expression} as {name}" for name, expression in number.items())
    event, lot = number["event_id"], f"{number['item_number']} * 5 + {number['lot_number']}"
    text = {
        # such as GI141000280001-0040-1, a document with its operation and line
        "event_id": f"'GI' || (140000000000 + {event}) || '-00' || ({event} % 9 + 1) || '0-1'",
        "plant_id": f"'P' || (100 * ({number['plant_id']} + 1))",
        "item_number": f"(100000 + {number['item_number']})::varchar",
        "lot_number": f"(441000000000 + {lot})::varchar",
    }
    return ", ".join(f"{expression} as {name}" for name, expression in text.items())


def _make(connection: duckdb.DuckDBPyConnection, rows: int, keys: str) -> None:
    """`movement` with redeliveries, and the balances `erp` and `wms`, each wrong at one key of a thousand."""
    events = rows * 10 // 11
    items = max(rows // 200, 10)
    named = _named(
        keys,
        event_id="event",
        plant_id="hash(k) % 4",
        item_number=f"hash(k, 1) % {items}",
        lot_number="hash(k, 2) % 5",
    )
    # In parts: to sort or number 50 million rows at once doesn't fit into 4 GiB, and only making them would need that.
    parts = max(1, rows // 10_000_000)
    versions = f"""
        select range as event, range as sequence, range as k from range({events})
        union all
        select
            (hash(range, 'again') % {events})::bigint, {events} + range,
            case when range % 2 = 0 then {events} + range else (hash(range, 'again') % {events})::bigint end
        from range({rows - events})
    """
    made = f"""
        select {named}, sequence, ((hash(k, 3) % 2001)::bigint - 1000)::decimal(18, 3) as quantity
        from ({versions}) as versions
        where hash(sequence, 'part') % {parts} = {{part}}
        order by hash(sequence)
    """
    connection.execute(f"create or replace table movement as {made.format(part=0)}")
    for part in range(1, parts):
        connection.execute(f"insert into movement {made.format(part=part)}")
    connection.execute(f"create or replace temp table stock as select {KEY}, quantity from movement limit 0")
    for part in range(parts):
        source = f"(from movement where hash(event_id) % {parts} = {part})"
        newest = ROW_NUMBER.format(source=source)
        connection.execute(f"insert into stock select {KEY}, sum(quantity) from ({newest}) group by {KEY}")
    for name in ("erp", "wms"):
        connection.execute(
            f"create or replace table {name} as select {KEY}, "
            f"sum(quantity) + (hash({KEY}, '{name}') % 1000 = 0)::integer as quantity from stock group by {KEY}"
        )
    connection.execute("drop table stock")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SystemExit(otherwise)


Seconds = tuple[float, float]
"""By the clock, and of all processors."""


def _timed(work: Callable[[], Any], repeats: int) -> tuple[Seconds, Any]:
    wall, processors, result = float("inf"), float("inf"), None
    for _ in range(repeats):
        result = None
        gc.collect()
        started, used = time.perf_counter(), time.process_time()
        result = work()
        wall, processors = min(wall, time.perf_counter() - started), min(processors, time.process_time() - used)
    return (wall, processors), result


def _in_duckdb(connection: duckdb.DuckDBPyConnection, rows: str, table: str) -> Callable[[], str]:
    def work() -> str:
        sql = COMPARED.format(rows=rows.format(source="movement"))
        connection.execute(f"create or replace table {table} as {sql}")
        return table

    return work


def _polars(folder: Path) -> Callable[[], Any]:
    import polars as pl

    key = KEY.split(", ")
    movement, erp, wms = (pl.read_parquet(folder / f"{name}.parquet") for name in ("movement", "erp", "wms"))

    def work() -> pl.DataFrame:
        lazy = movement.lazy()
        newest = lazy.group_by("event_id").agg(pl.col("sequence").max())
        ledger = (
            lazy.join(newest, on=["event_id", "sequence"], how="semi")
            .group_by(key)
            .agg(pl.col("quantity").sum().alias("ledger"))
        )
        return (
            ledger.join(erp.lazy().rename({"quantity": "erp"}), on=key, how="full", coalesce=True)
            .join(wms.lazy().rename({"quantity": "wms"}), on=key, how="full", coalesce=True)
            .fill_null(0)
            .filter((pl.col("ledger") != pl.col("erp")) | (pl.col("ledger") != pl.col("wms")))
            .collect()
        )

    return work


def _pandas(folder: Path) -> Callable[[], Any]:
    key = KEY.split(", ")
    # Thousandths as whole numbers: pandas has no decimals that are faster than objects.
    with duckdb.connect() as connection:
        movement, erp, wms = (
            connection.execute(
                f"select * replace ((quantity * 1000)::bigint as quantity) from read_parquet('{folder / name}.parquet')"
            ).df()
            for name in ("movement", "erp", "wms")
        )

    def work() -> Any:
        newest = movement.groupby("event_id")["sequence"].transform("max")
        ledger: Any = movement[movement["sequence"] == newest].groupby(key, as_index=False)["quantity"].sum()
        compared = (
            ledger.rename(columns={"quantity": "ledger"})
            .merge(erp.rename(columns={"quantity": "erp"}), on=key, how="outer")
            .merge(wms.rename(columns={"quantity": "wms"}), on=key, how="outer")
            .fillna(0)
        )
        return compared[(compared["ledger"] != compared["erp"]) | (compared["ledger"] != compared["wms"])]

    return work


def _delta(connection: duckdb.DuckDBPyConnection, rows: int, keys: str) -> tuple[Seconds, Seconds]:
    """What the full model of current movements takes, and 1 % new, late and changed rows; both must end equal."""
    connection.execute("create or replace table landed as select *, 0 as batch from movement")
    model = str(MACROS.one_row_per_event("landed", ["event_id"], "sequence", "max"))
    connection.execute(f"create or replace table grown as {model}")
    named = _named(
        keys,
        event_id=f"case when range % 2 = 0 then {2 * rows} + range else hash(range, 'late') % {rows * 10 // 11} end",
        plant_id="hash(range) % 4",
        item_number=f"hash(range, 1) % {rows // 200}",
        lot_number="hash(range, 2) % 5",
    )
    connection.execute(
        f"""
        insert into landed by name
        select
            {named}, case when range % 5 = 1 then -1 - range else {2 * rows} + range end as sequence,
            1::decimal(18, 3) as quantity, 1 as batch
        from range({rows // 100})
        """
    )
    touched = MACROS.one_row_per_event("landed", ["event_id"], "sequence", "max", touched="batch = 1")

    def grow() -> None:
        connection.execute("begin")
        connection.execute(f"create or replace temp table arrived as {touched}")
        connection.execute("delete from grown using arrived where grown.event_id = arrived.event_id")
        connection.execute("insert into grown from arrived")
        connection.execute("commit")

    # once only: a second time nothing would be new
    delta, _ = _timed(grow, 1)
    full, _ = _timed(lambda: connection.execute(f"create or replace table anew as {model}"), 1)
    differing = connection.execute(
        "select (select count(*) from (from grown except from anew))"
        " + (select count(*) from (from anew except from grown))"
    ).fetchone()
    _require(differing == (0,), f"the grown table differs from a full one in {differing} rows")
    return full, delta


def _large(rows: int, keys: str, folder: Path) -> Seconds:
    """Seconds for many rows within 4 GiB, spilling to disk where that is needed."""
    config: Any = {"threads": str(THREADS), "memory_limit": "4GiB", "temp_directory": str(folder / "spill")}
    with duckdb.connect(str(folder / "large.duckdb"), config=config) as connection:
        connection.execute("set preserve_insertion_order = false")
        _make(connection, rows, keys)
        seconds, _ = _timed(_in_duckdb(connection, MODELS, "found"), 1)
        return seconds


def main() -> None:
    """Run everything and print seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--keys", choices=("text", "integer"), default="text", help="How events and stock are named.")
    parser.add_argument("--large", type=int, default=0, help="Rows of a second run within 4 GiB, such as 50000000.")
    parser.add_argument("--repeats", type=int, default=3, help="The best of so many counts.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with duckdb.connect(str(folder / "bench.duckdb"), config={"threads": str(THREADS)}) as connection:
            connection.execute("set preserve_insertion_order = false")
            _make(connection, arguments.rows, arguments.keys)
            for table in ("movement", "erp", "wms"):
                connection.execute(f"copy {table} to '{folder / table}.parquet' (format parquet)")
            seconds: dict[str, Seconds] = {}
            ways = {
                "models": MODELS,
                "two-phase": TWO_PHASE,
                "row_number": ROW_NUMBER,
                "arg_max of a struct": ARG_MAX,
            }
            for way, sql in ways.items():
                seconds[way], _ = _timed(_in_duckdb(connection, sql, f"found_{len(seconds)}"), arguments.repeats)
            plain = f"select {KEY}, quantity from {{source}}"
            seconds["aggregate only"], _ = _timed(_in_duckdb(connection, plain, "aggregated"), arguments.repeats)
            seconds["by event and key (wrong)"], _ = _timed(_in_duckdb(connection, BY_EVENT_AND_KEY, "wrong"), 1)
            proofs: dict[str, Any] = {
                way: connection.execute(PROOF.format(f"found_{n}")).fetchone() for n, way in enumerate(ways)
            }
            wrong: Any = connection.execute(PROOF.format("wrong")).fetchone()
            seconds["polars"], frame = _timed(_polars(folder), arguments.repeats)
            found = frame.to_arrow()
            proofs["polars"] = connection.execute(
                PROOF.format(
                    f"(select {KEY}, ledger::decimal(38, 3) as ledger, erp::decimal(38, 3) as erp, "
                    "wms::decimal(38, 3) as wms from found)"
                )
            ).fetchone()
            del frame, found
            seconds["pandas"], frame = _timed(_pandas(folder), 1)
            thousandths = "{0}::decimal(38, 3) * 0.001::decimal(4, 3)"
            listed = ", ".join(f"({thousandths.format(c)})::decimal(38, 3) as {c}" for c in ("ledger", "erp", "wms"))
            kind = "varchar" if arguments.keys == "text" else "bigint"
            proofs["pandas"] = connection.execute(
                PROOF.format(
                    f"(select plant_id::{kind} as plant_id, item_number::{kind} as item_number, "
                    f"lot_number::{kind} as lot_number, {listed} from frame)"
                )
            ).fetchone()
            del frame
            _require(len(set(proofs.values())) == 1, f"the ways differ: {proofs}")
            _require(wrong != proofs["models"], "the data don't show the wrong way")
            full, delta = _delta(connection, arguments.rows, arguments.keys)
        wall, processors = seconds["models"]
        differing = proofs["models"][0]
        print(f"{arguments.rows:,} movements, {arguments.keys} keys: {differing:,} keys differ, all ways alike")
        print(f"  {'':28} {'clock':>8} {'× models':>9} {'processors':>11} {'× models':>9}")
        for way, (clock, used) in seconds.items():
            print(f"  {way:28} {clock:8.2f} {clock / wall:9.2f} {used:11.2f} {used / processors:9.2f}")
        print(f"  the wrong way finds {wrong[0]:,} differences")
        print(
            f"  full model {full[0]:.2f} s, 1 % new, late and changed rows {delta[0]:.2f} s: 1/{full[0] / delta[0]:.1f}"
            f"; of the processors {full[1]:.2f} and {delta[1]:.2f}: 1/{full[1] / delta[1]:.1f}"
        )
        if arguments.large:
            clock, used = _large(arguments.large, arguments.keys, folder)
            size = arguments.large / arguments.rows
            print(
                f"{arguments.large:,} movements within 4 GiB: {clock:.2f} s, {clock / wall / size:.2f} × the cost"
                f" per row; of the processors {used:.2f}, {used / processors / size:.2f} ×"
            )
        print(f"  peak of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB")


if __name__ == "__main__":
    main()
