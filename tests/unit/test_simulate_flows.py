"""The flows of a small hand-made world hold what every flow must hold, whatever the seed and the horizon."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from mfg_assets.simulate import chance
from mfg_assets.simulate.options import Options
from mfg_assets.simulate.world import calendar, demand, flows
from tests import flow_world
from tests.flow_invariants import INVARIANTS

TABLES = {
    "movement": "event_at",
    "production_confirmation": "event_at",
    "material_consumption": "event_at",
    "production_order": "created_at",
    "purchase_order_line": "ordered_at",
    "purchase_order_acknowledgement": "event_at",
    "receipt": "received_at",
    "sales_order_line": "created_at",
    "shipment": "shipped_at",
    "cycle_count": "counted_at",
    "transfer_order": "created_at",
}


def built(seed: int = 1, days: int = 42) -> DuckDBPyConnection:
    con = duckdb.connect()
    flow_world.create(con, seed)
    flows.build(con, Options.of("small", seed=seed, days=days))
    return con


@pytest.fixture(scope="module", params=[1, 2, 3, 4])
def world(request: pytest.FixtureRequest) -> DuckDBPyConnection:
    return built(request.param)


@pytest.mark.parametrize("name", INVARIANTS)
def test_flows_hold(world: DuckDBPyConnection, name: str) -> None:
    assert world.execute(f"select * from ({INVARIANTS[name]}) limit 3").fetchall() == []


def test_what_a_count_finds_missing_was_counted_on_the_same_working_day() -> None:
    con = duckdb.connect()
    chance.create_macros(con, 1)
    con.execute("create schema flow")
    con.execute(
        "create table flow.node as select n as node_id, 'N' || n as code, 'N' || n as node_key, true as is_counted, "
        "false as is_phantom, false as is_serial, 'P' as plant_id, 'A' as item_number, false as is_sold, "
        "false as is_top, 'buy' as source_kind "
        "from range(4000) as t (n)"
    )
    demand.create(con, 0, 50 * calendar.DAY, 1)
    counts = con.execute(
        f"select count(*), count(*) filter (tick % {calendar.DAY} < {demand.COUNTED_BEFORE}) "
        "from flow.requirement where kind = 'loss'"
    ).fetchone()
    assert counts is not None
    assert counts[0] > 200
    assert counts[1] == 0


def test_the_questions_can_fail(world: DuckDBPyConnection) -> None:
    world.execute("begin")
    world.execute("update world.movement set quantity = 1000 * quantity where movement_class in ('issue', 'backflush')")
    broken = [name for name, sql in INVARIANTS.items() if world.execute(f"select * from ({sql}) limit 1").fetchall()]
    world.execute("rollback")
    assert "stock is never negative, at any key and instant" in broken
    assert "consumption is what the ledger issued, lot by lot" in broken


def test_every_kind_of_movement_happens(world: DuckDBPyConnection) -> None:
    kinds = {row[0] for row in world.execute("select distinct movement_type from world.movement").fetchall()}
    assert kinds >= {"561", "101", "321", "261", "261B", "411", "601", "641", "109", "541", "543", "531"}


@pytest.mark.parametrize("seed", [1, 5])
def test_a_longer_horizon_changes_nothing_before(seed: int) -> None:
    short, long = built(seed, 21), built(seed, 42)
    cut = calendar.calendar(Options.of("small", days=21)).cut
    for table, column in TABLES.items():
        query = f"select * from world.{table} where {column} <= $1 order by all"
        assert short.execute(query, [cut]).fetchall() == long.execute(query, [cut]).fetchall(), table


def test_two_processes_make_the_same_world() -> None:
    script = "from tests.unit.test_simulate_flows import built, digest\nprint(digest(built(7, 21)))"
    root = Path(__file__).parents[2]
    seen = {
        subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(seen) == 1
    assert digest(built(8, 21)) not in seen.pop()


def digest(con: DuckDBPyConnection) -> str:
    hashes = []
    for table in TABLES:
        row = con.execute(f"select count(*), bit_xor(hash(t)) from world.{table} as t").fetchone()
        hashes.append(f"{table} {row}")
    return "\n".join(hashes)


def test_the_cut_finds_the_plants_at_rest(world: DuckDBPyConnection) -> None:
    at_work = world.execute(
        """
        select count(*) from world.movement
        where abs(epoch(event_at) - epoch(date_trunc('day', event_at) + interval 4 hour)) < 1500
            and epoch(event_at) < epoch(date_trunc('day', event_at) + interval 4 hour)
        """
    ).fetchone()
    assert at_work == (0,)


def test_working_days_leave_out_weekends() -> None:
    con = duckdb.connect()
    flow_world.create(con, 1)
    axis = calendar.calendar(Options.of("small"))
    calendar.create_macros(con, axis)
    first, friday, monday = con.execute(
        """
        select instant($1, zone), instant($1 + 5 * $2 - 1, zone), instant($1 + 5 * $2, zone)
        from (select 'Europe/Berlin' as zone)
        """,
        [axis.first_tick, calendar.DAY],
    ).fetchall()[0]
    assert first.isoformat() == "2026-01-05T05:00:00+00:00"
    assert friday.isoformat() == "2026-01-09T19:59:59+00:00"
    assert monday - friday == timedelta(days=2, hours=9, seconds=1)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Chicago", "Asia/Ho_Chi_Minh"])
def test_instants_follow_the_plants_clocks_through_the_year(zone: str) -> None:
    con = duckdb.connect()
    flow_world.create(con, 1)
    calendar.create_macros(con, calendar.calendar(Options.of("small", days=300)))
    wrong = con.execute(
        """
        with ticks as (select unnest(range(0, 300 * $2, 7919)) as tick),
        clocks as (select tick, timezone($1, instant(tick, $1)) as local from ticks)
        select * from clocks
        where cast(local as date) <> working_day(tick) or isodow(local) > 5
            or epoch(local - date_trunc('day', local))
                <> 21600 + tick % $2 + case when tick % $2 >= 16200 then 3600 else 0 end
        limit 3
        """,
        [zone, calendar.DAY],
    ).fetchall()
    assert wrong == []
