"""What a planted defect does to what the systems hold: from when, until when, and how much stock differs by it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from mfg_assets.contracts import contracts
from mfg_assets.simulate import expected_impact
from mfg_assets.simulate.defects import CATALOGUE, befall, plant, prepare
from mfg_assets.simulate.defects.model import Defect
from mfg_assets.simulate.defects.stock import settle
from mfg_assets.simulate.truth import instant
from tests.held_world import OPTIONS, RARE, open_copy, rows

STATES = tuple(d for d in CATALOGUE if d.kind == "state")
# what is posted into a closed month is stock like any other, and of what nothing converts nobody knows how much it is
STOCK = tuple(
    d
    for d in CATALOGUE
    if d.domain == "inventory"
    and not d.is_near_miss
    and d.finding_class not in ("posted_into_closed_period", "unit_not_convertible")
)


def _spans(entity: str) -> str:
    """From when until when a row isn't as it was; of versions that touch, one span."""
    columns = ", ".join(f'"{c.name}"' for c in contracts()[entity].columns)
    versions = "select source_system, row_id, visible_from, visible_to, hash({columns}) as content from {table}"
    own = versions.format(columns=columns, table=f"held.{entity}")
    before = versions.format(columns=columns, table=f"before.held.{entity}")
    holds = (
        "(select list(content order by content) from {side} where {side}.source_system = moment.source_system "
        "and {side}.row_id = moment.row_id and {side}.visible_from <= moment.at_instant "
        "and (visible_to is null or moment.at_instant < visible_to))"
    )
    return f"""
    with own as ({own}),
    before_it as ({before}),
    changed as (
        select distinct source_system, row_id
        from (((from own) except (from before_it)) union all ((from before_it) except (from own)))
    ),
    moment as (
        select distinct source_system, row_id, unnest([visible_from, visible_to]) as at_instant
        from ((from own) union all (from before_it))
        semi join changed using (source_system, row_id)
    ),
    judged as (
        select
            source_system, row_id, at_instant,
            {holds.format(side="own")} is distinct from {holds.format(side="before_it")} as differs
        from moment
        where at_instant <= $1
    ),
    turns as (
        select *
        from judged
        qualify differs <> coalesce(
            lag(differs) over (partition by source_system, row_id order by at_instant), false
        )
    )
    select
        '{entity}' as entity, source_system, row_id, differs, at_instant as since,
        lead(at_instant) over (partition by source_system, row_id order by at_instant) as until
    from turns
    qualify differs
    """


@dataclass(frozen=True)
class _Planted:
    """What was planted together: of which entries, and what isn't as the truth tells it."""

    does: set[str]
    never: list[tuple]
    surplus: list[tuple]
    spans: int


def _planted(small: Path, copy: Path, catalogue: tuple[Defect, ...]) -> _Planted:
    with open_copy(small, copy) as con:
        con.execute(f"attach '{small}' as before (read_only)")
        plant(con, OPTIONS, catalogue)
        con.execute(
            "create temp table planted as select note, planted_at, case when mended_at <= $1 then mended_at end "
            "as mended_at from (from truth.finding union all from truth.near_miss) "
            "where planted_at <= $1 and finding_class <> 'negative_balance'",
            [OPTIONS.cut],
        )
        parts = (_spans(entity) for entity in contracts() if entity != "inventory_balance")
        for n, part in enumerate(parts):
            con.execute(f"{'insert into span' if n else 'create temp table span as'} {part}", [OPTIONS.cut])
        return _Planted(
            {note for (note,) in rows(con, "select distinct note from planted")},
            rows(
                con,
                "select note, planted_at, mended_at from planted where not exists (select 1 from span "
                "where span.since = planted_at and span.until is not distinct from mended_at) order by all",
            ),
            rows(
                con,
                "select entity, source_system, row_id, since, until from span where not exists (select 1 from planted "
                "where span.since = planted_at and coalesce(span.until <= mended_at, mended_at is null)) order by all",
            ),
            rows(con, "select count(*) from span")[0][0],
        )


@pytest.fixture(scope="module")
def states(small: Path, tmp_path_factory: pytest.TempPathFactory) -> list[_Planted]:
    """All states that can be wrong, as many at once as there is room for, then those that found no object left."""
    folder = tmp_path_factory.mktemp("states")
    rounds: list[_Planted] = []
    left = STATES
    while left and (not rounds or rounds[-1].does):
        rounds.append(_planted(small, folder / f"{len(rounds)}.duckdb", left))
        left = tuple(d for d in left if d.does not in rounds[-1].does)
    return rounds


def test_a_state_is_wrong_from_when_it_is_planted_until_it_is_mended(states: list[_Planted]) -> None:
    """Something of it differs all that time, whichever of its rows it is."""
    planted = {does for together in states for does in together.does}
    assert {d.id for d in STATES if d.does not in planted} <= RARE
    assert [row for together in states for row in together.never] == []


def test_nothing_else_is_wrong_than_what_was_planted_and_for_no_longer(states: list[_Planted]) -> None:
    assert states[0].spans > len(STATES)
    assert [row for together in states for row in together.surplus] == []


def test_a_cause_explains_the_difference_between_the_systems_exactly(small: Path, tmp_path: Path) -> None:
    with open_copy(small, tmp_path / "copy.duckdb") as con:
        prepare(con, OPTIONS)
        wrong = {d.id: told for d in STOCK if (told := _unexplained(con, d))}
    assert wrong == {}


def _unexplained(con: duckdb.DuckDBPyConnection, defect: Defect) -> list[tuple]:
    """Stock that differs by another quantity than the defect says, from movements: balances are their sums."""
    con.begin()
    befall(con, OPTIONS, (defect,))
    told = rows(
        con,
        """
        with legs as (
            select source_system, to_plant_id as plant_id, quantity,
                stock_key(to_location, item_number, to_lot, to_status, to_ownership) as key
            from held.inventory_movement
            where visible_from <= $1 and to_plant_id is not null
            union all
            select source_system, from_plant_id, -quantity,
                stock_key(from_location, item_number, from_lot, from_status, from_ownership)
            from held.inventory_movement
            where visible_from <= $1 and from_plant_id is not null
        ),
        differing as (
            select
                plant_id, key, sum(case when left(source_system, 3) = 'erp' then quantity else -quantity end) as rest
            from legs
            group by all
            having rest <> 0
        ),
        explained as (
            select plant_id, business_key as key, sum(quantity) as quantity
            from truth.finding
            where planted_at <= $1 and (mended_at is null or mended_at > $1)
            group by all
        )
        select plant_id, key, rest, quantity
        from differing
        full join explained using (plant_id, key)
        where abs(rest) is distinct from quantity
        """,
        OPTIONS.cut,
    )
    found = rows(con, "select count(*) from truth.finding")[0][0]
    con.rollback()
    return told or ([] if found else [("nothing planted",)])


def test_nobody_decides_of_regulated_stock_that_is_used_up(small: Path, tmp_path: Path) -> None:
    entries = tuple(replace(d, share=50.0) for d in CATALOGUE if d.id == "change.regulated_stock")
    with open_copy(small, tmp_path / "copy.duckdb") as con:
        prepare(con, OPTIONS)
        befall(con, replace(OPTIONS, defect_rate=0.2), entries)
        holding = rows(con, "select plant_id, old_component from chosen order by all")
        assert len(set(holding)) > 1
        used_up = holding[0]
        con.execute(
            "delete from held.inventory_movement where coalesce(to_plant_id, from_plant_id) = $1 and item_number = $2",
            used_up,
        )
        settle(con, OPTIONS)
        in_force = rows(
            con,
            "select distinct finding.plant_id, old_component from truth.finding inner join chosen "
            "on finding.plant_id = chosen.plant_id and list_contains(chosen.keys, finding.business_key) "
            "where finding_class = 'regulated_stock' and (finding.mended_at is null or finding.mended_at > $1)",
            OPTIONS.cut,
        )
        early = {h for h in holding if h not in in_force and h != used_up}
    assert used_up not in in_force
    assert in_force
    assert len(early) < len(set(holding)) / 2


def test_of_a_change_with_a_line_that_is_wrong_by_itself_no_quantity_is_certain(small: Path, tmp_path: Path) -> None:
    entries = tuple(replace(d, share=50.0) for d in CATALOGUE if d.id == "bom.effectivity")
    with open_copy(small, tmp_path / "copy.duckdb") as con:
        expected_impact.create(con, OPTIONS)
        before = rows(con, "select count(*) from truth.change_impact where quantity is null")[0][0]
        con.execute("delete from truth.change_impact")
        plant(con, replace(OPTIONS, defect_rate=0.2), entries)
        expected_impact.create(con, OPTIONS)
        touched = (
            "select distinct plant_id, business_key->>'$.change_number' as change_number from truth.consequence "
            f"where domain = 'change' and planted_at <= {instant(OPTIONS.cut)} "
            f"and coalesce(mended_at > {instant(OPTIONS.cut)}, true)"
        )
        certain = rows(
            con,
            f"select count(*), count(quantity) from truth.change_impact semi join ({touched}) "
            "using (plant_id, change_number)",
        )
    assert before == 0
    assert certain[0][0] > 0
    assert certain[0][1] == 0


def test_an_erp_that_counts_what_is_on_order_counts_what_its_open_lines_lack(small: Path) -> None:
    with duckdb.connect(small, read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        counts = """
            with counted as (
                select supplier_number, item_number, on_order_quantity
                from held.supplier_item
                where source_system = 'erp_legacy' and visible_from <= $1 and (visible_to is null or $1 < visible_to)
            ),
            lacking as (
                select supplier_number, item_number, sum(quantity - received_quantity) as quantity
                from held.purchase_order_line as line
                inner join (
                    select distinct source_system, purchase_order_number, supplier_number from held.purchase_order
                ) as orders using (source_system, purchase_order_number)
                where source_system = 'erp_legacy' and status = 'open' and visible_from <= $1
                    and (visible_to is null or $1 < visible_to)
                group by all
            )
            select count(*), count(*) filter (on_order_quantity <> coalesce(quantity, 0)), count(quantity)
            from counted left join lacking using (supplier_number, item_number)
        """
        told = [rows(con, counts, OPTIONS.cut - timedelta(days=days, hours=5)) for days in (0, 3, 9)]
    terms = {counted for [(counted, _, _)] in told}
    assert len(terms) == 1
    assert [wrong for [(_, wrong, _)] in told] == [0, 0, 0]
    assert all(open_ones > 0 for [(_, _, open_ones)] in told)
