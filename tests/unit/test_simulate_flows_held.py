"""What the systems hold of a small world's flows agrees with the world, with each other and with the contracts."""

from datetime import datetime

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from mfg_assets.contracts import contracts
from mfg_assets.simulate import held
from mfg_assets.simulate.held import flows as held_flows
from mfg_assets.simulate.options import Options
from mfg_assets.simulate.world import flows
from tests import flow_world

ENTITIES = (
    "purchase_requisition",
    "purchase_order",
    "purchase_order_line",
    "purchase_order_acknowledgement",
    "advance_ship_notice",
    "production_order",
    "production_order_component",
    "production_operation",
    "production_confirmation",
    "material_consumption",
    "downtime_event",
    "dispatch_list",
    "schedule_operation",
    "inventory_movement",
    "inventory_balance",
    "reservation",
    "cycle_count",
    "quality_hold",
    "nonconformance",
    "transfer_order",
    "shipment",
    "sales_order_line",
)
RARE = ("quality_hold", "nonconformance")
LEGS = """
    select source_system, to_plant_id as plant_id, to_location as location, item_number, to_lot as lot, serial_number,
        to_status as status, to_ownership as owner, quantity from held.inventory_movement where to_plant_id is not null
    union all
    select source_system, from_plant_id, from_location, item_number, from_lot, serial_number, from_status,
        from_ownership,
        -quantity from held.inventory_movement where from_plant_id is not null
"""


def holding(seed: int, days: int, advanced: int = 0) -> tuple[DuckDBPyConnection, datetime]:
    options = Options.of("small", seed=seed, days=days, advanced_days=advanced)
    con = duckdb.connect()
    flow_world.create(con, seed)
    flows.build(con, options)
    held.create(con)
    held_flows.fill(con, options)
    return con, options.cut


@pytest.fixture(scope="module", params=[1, 2, 3])
def systems(request: pytest.FixtureRequest) -> tuple[DuckDBPyConnection, datetime]:
    return holding(request.param, 49)


@pytest.mark.parametrize("entity", ENTITIES)
def test_rows_are_as_the_contract_says(systems: tuple[DuckDBPyConnection, datetime], entity: str) -> None:
    con, cut = systems
    table = f"held.{entity}"
    if entity not in RARE:
        assert con.execute(f"select count(*) > 0 from {table}").fetchone() == (True,)
    for column in contracts()[entity].columns:
        if column.required:
            assert con.execute(f"select count(*) from {table} where {column.name} is null").fetchone() == (0,), (
                column.name
            )
        if column.enumeration:
            words = f"select distinct {column.name} from {table} where {column.name} is not null"
            assert {row[0] for row in con.execute(words).fetchall()} <= set(column.enumeration), column.name
    overlaps = con.execute(
        f"""
        select source_system, row_id from {table}
        qualify visible_from >= coalesce(visible_to, timestamptz '9999-01-01 00:00:00+00')
            or visible_from > $1 or coalesce(visible_to > $1, false)
            or lead(visible_from) over (partition by source_system, row_id order by visible_from) < visible_to
            or (visible_to is null and lead(visible_from) over (
                partition by source_system, row_id order by visible_from) is not null)
        """,
        [cut],
    ).fetchall()
    assert overlaps == []


def test_every_system_has_the_same_balances_as_the_ledger(systems: tuple[DuckDBPyConnection, datetime]) -> None:
    con, cut = systems
    truth = con.execute(
        """
        with legs as (
            select to_plant_id as plant_id, to_location as location, item_number, to_lot as lot, serial_number,
                to_status as status, to_ownership as owner, quantity from world.movement
            where to_plant_id is not null and event_at <= $1
            union all
            select from_plant_id, from_location, item_number, from_lot, serial_number, from_status, from_ownership,
                -quantity
            from world.movement where from_plant_id is not null and event_at <= $1
        )
        select * exclude (quantity), sum(quantity) from legs group by all having sum(quantity) <> 0 order by all
        """,
        [cut],
    ).fetchall()
    for kind in ("erp", "wms"):
        rows = con.execute(
            """
            select plant_id, location, item_number, lot_number, serial_number, stock_status, ownership, quantity
            from held.inventory_balance inner join world.plant as plant using (plant_id)
            where source_system in (plant.erp, plant.wms) and left(source_system, 3) = $1 order by all
            """,
            [kind],
        ).fetchall()
        assert rows == truth
    assert len(truth) > 20


def test_no_balance_is_negative(systems: tuple[DuckDBPyConnection, datetime]) -> None:
    con, _ = systems
    assert con.execute("select count(*) from held.inventory_balance where quantity < 0").fetchone() == (0,)


def test_systems_post_only_their_own_plants(systems: tuple[DuckDBPyConnection, datetime]) -> None:
    con, _ = systems
    strangers = con.execute(
        f"""
        select count(*) from ({LEGS}) as legs inner join world.plant as plant using (plant_id)
        where source_system not in (plant.erp, plant.wms)
        """
    ).fetchone()
    assert strangers == (0,)


def test_erp_and_mes_agree_on_every_order_at_the_cut(systems: tuple[DuckDBPyConnection, datetime]) -> None:
    con, _ = systems
    different = con.execute(
        """
        select production_order_number from held.production_order where visible_to is null
        group by production_order_number
        having count(*) <> 2 or count(distinct (status, quantity, completed_quantity, item_number)) <> 1
        """
    ).fetchall()
    assert different == []


def test_completed_orders_are_received_in_full(systems: tuple[DuckDBPyConnection, datetime]) -> None:
    con, _ = systems
    different = con.execute(
        """
        with posted as (
            select reference_number, item_number, sum(quantity) as quantity from held.inventory_movement
            where left(source_system, 3) = 'wms' and movement_class = 'receipt' and reference_type = 'production_order'
            group by all
        )
        select orders.production_order_number
        from held.production_order as orders
        left join posted on orders.production_order_number = posted.reference_number
            and orders.item_number = posted.item_number
        where orders.visible_to is null and orders.completed_quantity <> coalesce(posted.quantity, 0)
        """
    ).fetchall()
    assert different == []


def test_warehouse_and_erp_share_document_and_line(systems: tuple[DuckDBPyConnection, datetime]) -> None:
    con, _ = systems
    documents = """
        select from_plant_id, to_plant_id, item_number, quantity, coalesce(from_lot, to_lot), serial_number,
            reference_type,
            reference_number, reference_line, event_at, movement_class
        from held.inventory_movement where left(source_system, 3) = '{}' and reference_type is distinct
            from 'transfer_order'
    """
    query = f"({documents.format('erp')} except all {documents.format('wms')}) limit 1"
    assert con.execute(query).fetchall() == []
    ids = con.execute(
        """
        select erp.source_system, count(wms.event_id) > 0
        from held.inventory_movement as erp
        left join held.inventory_movement as wms on erp.event_id = wms.event_id and left(wms.source_system, 3) = 'wms'
        where left(erp.source_system, 3) = 'erp' group by all order by all
        """
    ).fetchall()
    assert dict(ids) == {"erp_asia": True, "erp_legacy": False, "erp_s4": True}


@pytest.mark.parametrize("seed", [1, 4])
def test_what_was_held_stays_the_same_when_time_goes_on(seed: int) -> None:
    before, cut = holding(seed, 28)
    after, _ = holding(seed, 28, advanced=7)
    for entity in ENTITIES:
        if entity == "inventory_balance":  # a report of one instant
            continue
        columns = f"* replace (case when visible_to <= $1 then visible_to end as visible_to) from held.{entity}"
        query = f"select {columns} where visible_from <= $1 order by all"
        assert before.execute(query, [cut]).fetchall() == after.execute(query, [cut]).fetchall(), entity
