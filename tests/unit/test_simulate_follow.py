"""The truth follows what systems adopted: mended, half taken over, put back, and wrong because a message said so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from mfg_assets.release.message import make
from mfg_assets.release.model import Change, Draft, ObjectId
from mfg_assets.simulate import adopt, follow, held, truth
from mfg_assets.simulate.options import Options

OPTIONS = Options.of("small", start=date(2025, 1, 1), days=365)
CUT = OPTIONS.cut
FOUNDED, PLANTED, AT = CUT - timedelta(days=300), CUT - timedelta(days=20), CUT - timedelta(days=3)
_SINCE = f"timestamptz '{FOUNDED.isoformat()}' as visible_from"
# The ERP counts in feet for ten pieces, the MES in metres for one; both have the same operation and the ERP the item.
RIGHT = f"""
    create schema world;
    create table world.item as select unnest(['A', 'B']) as item_number, unnest(['MTR', 'EA']) as base_unit;
    create table world.item_unit (item_number varchar, unit varchar, numerator double, denominator double);
    insert into held.bom_header by name select '100' as parent_item_number, 'P3' as plant_id, 'production' as usage,
        '1' as alternative, base as base_quantity, system as source_system, 'h' as row_id, {_SINCE}
        from (values ('erp', 10), ('mes', 1)) as s (system, base);
    insert into held.bom_line by name select '100' as parent_item_number, 'P3' as plant_id, 'production' as usage,
        '1' as alternative, component as line_id, component as component_item_number, quantity, unit, false as
        is_fixed_quantity, system as source_system, component as row_id, 'EC1' as engineering_change_in, {_SINCE}
        from (values ('erp', 'A', 32.808399, 'FOT'), ('erp', 'B', 40, 'EA'), ('mes', 'A', 1, 'MTR'),
            ('mes', 'B', 4, 'EA')) as l (system, component, quantity, unit);
    insert into held.routing_operation by name select '100' as item_number, 'P3' as plant_id, '1' as alternative,
        10 as operation_sequence, 0.5 as run_time, 'HUR' as time_unit, unnest(['erp', 'mes']) as source_system,
        'r' as row_id, {_SINCE};
    insert into held.item by name select '100' as item_number, 'active' as lifecycle_status, 'erp' as source_system,
        'i' as row_id, {_SINCE}
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        held.create(connection)
        truth.create(connection)
        connection.execute(RIGHT)
        follow.remember(connection, OPTIONS)
        yield connection


def _plant(con: duckdb.DuckDBPyConnection, domain: str, finding_class: str, key: str, mended: str = "null") -> None:
    con.execute(
        f"insert into truth.finding values ('{domain}', 'P3', '{key}', '{finding_class}', null, "
        f"timestamptz '{PLANTED.isoformat()}', {mended}, 'planted')"
    )


def _take_over(con: duckdb.DuckDBPyConnection, *messages: adopt.Adopted) -> None:
    follow.compare(con, OPTIONS, "wrong_before")
    adopt.apply(con, messages)
    follow.compare(con, OPTIONS, "wrong_after")
    follow.follow(con, OPTIONS, messages, "wrong_before", "wrong_after")


def _message(
    change: Change,
    system: str,
    *,
    kind: str = "bom_header",
    key: str = "P3|100",
    sequence: int = 1,
    days: int = 0,
    is_compensation: bool = False,
) -> adopt.Adopted:
    draft = Draft(ObjectId(system, kind, key), "release", system, system, "P3", "100", "c0ffee", (change,))
    if is_compensation:
        draft = replace(draft, kind="compensation", compensates=(f"{1:064x}",))
    at = AT + timedelta(minutes=sequence, days=days)
    return adopt.Adopted(at, make(draft, sequence=sequence, published_version="000001-aa", as_of=at, prepared_at=at))


def _line(component: str, quantity: str, unit: str) -> dict[str, Any]:
    names = (
        *("alternate_group", "alternate_priority", "reference_designators", "component_revision"),
        *("effective_from", "effective_to", "position"),
    )
    return {
        "component_item_number": component, "alternative": "1", "quantity_per": quantity, "unit": unit,
        "is_fixed_quantity": False, "scrap_fraction": "0", "scrap_method": "multiply", "is_phantom": None,
        **dict.fromkeys(names),
    }  # fmt: skip


def _truth(con: duckdb.DuckDBPyConnection) -> list[tuple[str, datetime | None]]:
    return con.execute("select finding_class, mended_at from truth.finding order by 1").fetchall()


METRE, TWO = [_line("A", "1", "MTR")], [_line("A", "2", "MTR")]


def test_what_a_message_mended_is_no_finding_any_more(con: duckdb.DuckDBPyConnection) -> None:
    _plant(con, "bom", "quantity", '{"parent_item_number":"100","component_item_number":"A"}')
    con.execute("update held.bom_line set quantity = 2 * quantity where source_system = 'erp' and row_id = 'A'")
    release = _message(Change("A", TWO, METRE), "erp")
    _take_over(con, release)
    assert _truth(con) == [("quantity", release.at)]


def test_what_a_compensation_puts_back_is_wrong_again_though_people_had_mended_it(
    con: duckdb.DuckDBPyConnection,
) -> None:
    key = '{"parent_item_number":"100","component_item_number":"A"}'
    _plant(con, "bom", "quantity", key, mended=f"timestamptz '{(CUT - timedelta(days=9)).isoformat()}'")
    _take_over(con, _message(Change("A", METRE, TWO), "erp"))
    assert _truth(con) == [("quantity", None)]


def test_a_change_that_only_the_erp_took_over_is_a_partial_update(con: duckdb.DuckDBPyConnection) -> None:
    _plant(con, "change", "overdue", '{"change_number":"EC1"}')
    con.execute("update held.bom_line set visible_to = ? where row_id = 'B'", [PLANTED])
    there = [_line("B", "4", "EA")]
    erp, mes = (_message(Change("B", None, there, change_numbers=("EC1",)), system) for system in ("erp", "mes"))
    _take_over(con, erp)
    assert _truth(con) == [("partial_update", None)]
    _take_over(con, mes)
    assert [finding for finding, mended_at in _truth(con) if mended_at is None] == []


@pytest.mark.parametrize(("days", "status"), [(0, "partial_update"), (1, "deviated")])
def test_a_change_that_was_seen_to_be_carried_out_and_is_taken_back_has_deviated(
    con: duckdb.DuckDBPyConnection, days: int, status: str
) -> None:
    _plant(con, "change", "overdue", '{"change_number":"EC1"}')
    con.execute("update held.bom_line set visible_to = ? where row_id = 'B'", [PLANTED])
    there = [_line("B", "4", "EA")]
    _take_over(
        con,
        _message(Change("B", None, there), "erp"),
        _message(Change("B", None, there), "mes"),
        _message(Change("B", there, None), "mes", sequence=2, days=days, is_compensation=True),
    )
    assert _truth(con) == [(status, None)]


def test_of_an_operation_systems_agree_or_not_whichever_was_wrong(con: duckdb.DuckDBPyConnection) -> None:
    _plant(con, "routing", "run_time", '{"item_number":"100","operation_sequence":"10"}')
    con.execute("update held.routing_operation set run_time = 0.75 where source_system = 'erp'")
    change = Change("run_time", "30", "45")
    _take_over(con, _message(change, "mes", kind="routing_operation", key="P3|100|1|10"))
    assert _truth(con)[0][1] is not None


def test_what_a_message_made_wrong_may_be_reported(con: duckdb.DuckDBPyConnection) -> None:
    _take_over(con, _message(Change("lifecycle_status", "active", "superseded"), "erp", kind="item", key="100"))
    found = con.execute("select domain, finding_class, business_key, mended_at from truth.consequence").fetchall()
    key = '{"object_type":"item","object_key":"100","attribute":"lifecycle_status"}'
    assert found == [("master_data", "*", key, None)]


def test_what_is_still_wrong_stays_a_finding(con: duckdb.DuckDBPyConnection) -> None:
    _plant(con, "bom", "quantity", '{"parent_item_number":"100","component_item_number":"A"}')
    con.execute("update held.bom_line set quantity = 2 * quantity where source_system = 'erp'")
    _take_over(con, _message(Change("B", [_line("B", "8", "EA")], [_line("B", "4", "EA")]), "erp"))
    assert _truth(con) == [("quantity", None)]


def test_a_cycle_stays_while_one_of_both_stands_in_the_other(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "insert into world.item values ('100', 'EA'); insert into held.bom_line by name select * replace "
        "('A' as parent_item_number, '100' as component_item_number, 'EA' as unit, 'X' as row_id) "
        "from held.bom_line where source_system = 'erp' and row_id = 'B'"
    )
    _plant(con, "bom", "cycle", '{"parent_item_number":"100","component_item_number":"A"}')
    con.execute("update held.bom_line set quantity = 2 * quantity where source_system = 'erp' and row_id = 'A'")
    _take_over(con, _message(Change("A", TWO, METRE), "erp"))
    assert _truth(con) == [("cycle", None)]
