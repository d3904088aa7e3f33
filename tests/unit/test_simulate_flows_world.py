"""The flows on the simulated manufacturer's own structures: what must hold holds there as well, and stays as it was."""

from datetime import datetime

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from mfg_assets.simulate import held
from mfg_assets.simulate.held import flows as held_flows
from mfg_assets.simulate.options import Options
from mfg_assets.simulate.world import flows, foundation
from tests.flow_invariants import INVARIANTS
from tests.unit.test_simulate_flows_explosion import compare
from tests.unit.test_simulate_flows_held import ENTITIES


def manufacturer(seed: int, items: int = 80, advanced: int = 0) -> tuple[DuckDBPyConnection, datetime]:
    options = Options.of("small", seed=seed, items=items, advanced_days=advanced)
    con = duckdb.connect()
    foundation.create(con, options)
    flows.build(con, options)
    held.create(con)
    held_flows.fill(con, options)
    return con, options.cut


@pytest.mark.parametrize("seed", [1, 11])
def test_flows_hold_on_the_whole_manufacturer(seed: int) -> None:
    con, _ = manufacturer(seed)
    broken = {name: con.execute(f"select * from ({sql}) limit 3").fetchall() for name, sql in INVARIANTS.items()}
    assert {name: rows for name, rows in broken.items() if rows} == {}
    assert compare(con) > 50


def test_what_the_manufacturer_held_stays_the_same() -> None:
    before, cut = manufacturer(3)
    after, _ = manufacturer(3, advanced=9)
    for entity in ENTITIES:
        if entity == "inventory_balance":  # a report of one instant
            continue
        columns = f"* replace (case when visible_to <= $1 then visible_to end as visible_to) from held.{entity}"
        query = f"select {columns} where visible_from <= $1 order by all"
        assert before.execute(query, [cut]).fetchall() == after.execute(query, [cut]).fetchall(), entity


def test_a_small_world_has_some_thousand_events() -> None:
    con, _ = manufacturer(1, items=160)
    counts = [
        (con.execute(f"select count(*) from held.{entity}").fetchone() or (0,))[0]
        for entity in ("inventory_movement", "production_confirmation", "material_consumption", "cycle_count")
    ]
    assert 2_000 < sum(counts) < 9_000
    holds = con.execute(
        "select count(*) from held.quality_hold inner join held.nonconformance using (nonconformance_id)"
    )
    assert holds.fetchone() != (0,)


@pytest.mark.parametrize("seed", [2, 3])
def test_consumption_names_a_confirmation_that_its_system_has(seed: int) -> None:
    con, _ = manufacturer(seed)
    dangling = con.execute(
        """
        select used.event_id from held.material_consumption as used
        anti join held.production_confirmation as report
            on used.source_system = report.source_system and used.confirmation_event_id = report.event_id
        """
    ).fetchall()
    assert dangling == []
