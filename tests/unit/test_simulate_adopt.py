"""Simulated systems take release messages over: bills, routings and items as they hold them, answers, what is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mfg_assets.errors import UsageError
from mfg_assets.release.message import make
from mfg_assets.release.model import Change, Draft, ObjectId
from mfg_assets.simulate import adopt, held, truth

AT = datetime(2026, 1, 12, 5, tzinfo=UTC)
FOUNDED = datetime(2025, 1, 1, tzinfo=UTC)
# The American ERP counts a bill for ten pieces, in feet: 32.808399 ft are 1 m for each.
ROWS = f"""
    insert into held.bom_header by name select '100' as parent_item_number, 'P3' as plant_id, 'production' as usage,
        '1' as alternative, 10 as base_quantity, system as source_system, 'h' as row_id,
        timestamptz '{FOUNDED.isoformat()}' as visible_from from (values ('erp'), ('mes')) as s (system);
    insert into held.bom_line by name select '100' as parent_item_number, 'P3' as plant_id, 'production' as usage,
        '1' as alternative, component as line_id, component as component_item_number, quantity, unit, false as
        is_fixed_quantity, 'erp' as source_system, component as row_id, timestamptz '{FOUNDED.isoformat()}' as
        visible_from, mended as visible_to
        from (values ('A', 32.808399, 'FOT', null), ('B', 40, 'EA', timestamptz '{(AT + timedelta(days=2)).isoformat()}'),
            ('C', 10, 'EA', null)) as l (component, quantity, unit, mended);
    insert into held.routing_operation by name select '100' as item_number, 'P3' as plant_id, '1' as alternative,
        10 as operation_sequence, 0.5 as run_time, 'HUR' as time_unit, 'mes' as source_system, 'r' as row_id,
        timestamptz '{FOUNDED.isoformat()}' as visible_from;
    insert into held.item by name select '100' as item_number, 'active' as lifecycle_status, 'erp' as source_system,
        'i' as row_id, timestamptz '{FOUNDED.isoformat()}' as visible_from
"""  # noqa: E501


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        held.create(connection)
        connection.execute(ROWS)
        yield connection


def _line(component: str, quantity: str, **other: Any) -> dict[str, Any]:
    names = ("alternate_group", "alternate_priority", "reference_designators", "component_revision", "effective_to")
    return {
        "component_item_number": component, "alternative": "1", "position": "0010", "quantity_per": quantity,
        "unit": "EA", "is_fixed_quantity": False, "scrap_fraction": "0", "scrap_method": "multiply",
        "is_phantom": None, "effective_from": None, **dict.fromkeys(names), **other,
    }  # fmt: skip


def _adopted(
    *changes: Change,
    kind: str = "bom_header",
    key: str = "P3|100",
    system: str = "erp",
    sequence: int = 1,
    seconds: int = 0,
) -> adopt.Adopted:
    draft = Draft(ObjectId(system, kind, key), "release", system, system, "P3", "100", "c0ffee", changes)
    at = AT + timedelta(seconds=seconds)
    message = make(draft, sequence=sequence, published_version="000001-aa", as_of=at, prepared_at=at)
    return adopt.Adopted(at, message)


def _bill(con: duckdb.DuckDBPyConnection, at: datetime, system: str = "erp") -> list[tuple[Any, ...]]:
    return con.execute(
        "select component_item_number, quantity::double, unit, effective_from from held.bom_line "
        "where source_system = ? and visible_from <= ? and (visible_to is null or ? < visible_to) order by 1",
        [system, at, at],
    ).fetchall()  # fmt: skip


def test_a_bill_becomes_what_the_message_says_in_the_words_of_its_system(con: duckdb.DuckDBPyConnection) -> None:
    metres = {"unit": "MTR"}
    adopt.apply(con, [_adopted(
        Change("A", [_line("A", "1", **metres)], [_line("A", "1.5", **metres)]),
        Change("B", [_line("B", "4")], [_line("B", "5", effective_from="2026-02-01T00:00:00Z")]),
        Change("C", [_line("C", "1")], None),
        Change("D", None, [_line("D", "2")]),
    )])  # fmt: skip
    before = [("A", 32.808399, "FOT", None), ("B", 40, "EA", None), ("C", 10, "EA", None)]
    assert _bill(con, AT - timedelta(seconds=1)) == before
    since = datetime(2026, 2, 1, tzinfo=UTC)
    after = [("A", 49.212599, "FOT", None), ("B", 50, "EA", since), ("D", 20, "EA", None)]
    assert [(c, pytest.approx(q, abs=1e-6), u, f) for c, q, u, f in after] == _bill(con, AT)
    # What the world does later with a line goes on: B was going to end.
    assert [row[0] for row in _bill(con, AT + timedelta(days=3))] == ["A", "D"]
    assert con.execute("select count(*) from held.sync_acknowledgement").fetchone() == (0,), (
        "an ERP has no such extract"
    )


def test_a_compensation_puts_back_and_an_older_number_changes_nothing(con: duckdb.DuckDBPyConnection) -> None:
    there = [_line("C", "1")]
    adopt.apply(con, [
        _adopted(Change("C", there, None), sequence=1),
        _adopted(Change("C", None, there), sequence=3, seconds=60),
        _adopted(Change("C", there, [_line("C", "7")]), sequence=2, seconds=120),
    ])  # fmt: skip
    assert [row[0] for row in _bill(con, AT + timedelta(seconds=30))] == ["A", "B"]
    assert ("C", 10, "EA", None) in _bill(con, AT + timedelta(seconds=180))


def test_what_is_said_again_is_held_once_whatever_the_platform_had_seen(con: duckdb.DuckDBPyConnection) -> None:
    """A message that was made before the system was seen again says what stood before the message before it."""
    metres = {"unit": "MTR"}
    once = Change("A", [_line("A", "1", **metres)], [_line("A", "1.5", **metres)])
    time = Change("run_time", "30", "45")
    operation: dict[str, Any] = {"kind": "routing_operation", "key": "P3|100|1|10", "system": "mes"}
    adopt.apply(con, [
        _adopted(once, sequence=1), _adopted(once, sequence=2, seconds=60),
        _adopted(time, sequence=1, **operation), _adopted(time, sequence=2, seconds=60, **operation),
    ])  # fmt: skip
    now = AT + timedelta(seconds=60)
    assert [row[1] for row in _bill(con, now) if row[0] == "A"] == [pytest.approx(49.212599, abs=1e-6)]
    found = con.execute("select run_time::double from held.routing_operation where visible_to is null").fetchall()
    assert found == [(0.75,)]


def test_a_line_that_comes_anyway_does_not_come_twice(con: duckdb.DuckDBPyConnection) -> None:
    planted, mended = AT - timedelta(days=1), AT + timedelta(days=2)
    con.execute(
        "insert into held.bom_line select * replace (? as visible_from, null as visible_to) from held.bom_line "
        "where row_id = 'A'",
        [mended],
    )
    con.execute(
        "update held.bom_line set visible_to = ? where row_id = 'A' and visible_to is null and visible_from < ?",
        [planted, AT],
    )
    adopt.apply(con, [_adopted(Change("A", None, [_line("A", "1", unit="MTR")]))])
    for at in (AT, mended, mended + timedelta(days=9)):
        assert [row for row in _bill(con, at) if row[0] == "A"] == [("A", 32.808399, "FOT", None)]
    assert [row[0] for row in _bill(con, planted)] == ["B", "C"]


def test_a_shop_floor_answers_and_what_it_cannot_take_changes_nothing(con: duckdb.DuckDBPyConnection) -> None:
    adopt.apply(con, [
        _adopted(Change("run_time", "30", "45"), kind="routing_operation", key="P3|100|1|10", system="mes"),
        _adopted(
            Change("D", None, [_line("D", "2")]), Change("E", None, [_line("E", "1", alternative="9")]), system="mes"
        ),
        _adopted(Change("item", None, {"description": "New"}), kind="item_plant", key="P3|200", system="mes"),
        _adopted(Change("lifecycle_status", "active", "superseded"), kind="item", key="100"),
    ])  # fmt: skip
    now = "where visible_from <= ? and visible_to is null"
    assert con.execute(f"select run_time::double, time_unit from held.routing_operation {now}", [AT]).fetchall() == [
        (0.75, "HUR")
    ]
    assert _bill(con, AT, "mes") == [], "a message is taken whole or not at all"
    assert con.execute(f"select lifecycle_status from held.item {now}", [AT]).fetchall() == [("superseded",)]
    answers = con.execute(
        "select object_type, object_key, version, acknowledgement_state, detail "
        "from held.sync_acknowledgement order by 1"
    ).fetchall()
    assert answers == [
        ("bom_header", "P3|100", "1", "rejected", "there is no bill 100 here with the alternative 9"),
        ("item_plant", "P3|200", "1", "rejected", "item_plant is entered by people here"),
        ("routing_operation", "P3|100|1|10", "1", "processed", None),
    ]


def test_messages_are_taken_once_and_kept(tmp_path: Path) -> None:
    folder, estate = tmp_path / "releases", tmp_path / "estate"
    first, second = (_adopted(Change("C", None, [_line("C", str(n))]), sequence=n) for n in (1, 2))

    def put(*messages: adopt.Adopted) -> None:
        (folder / "erp").mkdir(parents=True, exist_ok=True)
        for one in messages:
            file = folder / "erp" / f"{one.message['sequence']:06d}-{one.message['idempotency_key']}.json"
            file.write_text(json.dumps(one.message))

    def said(found: Sequence[adopt.Adopted]) -> list[tuple[int, datetime]]:
        return [(one.message["sequence"], one.at) for one in found]

    put(first)
    taken = adopt.read(estate, folder, AT - timedelta(hours=1))
    assert said(taken) == [(1, AT)]
    adopt.write(estate, taken)
    put(second)
    later = AT + timedelta(days=7)
    assert said(adopt.read(estate, folder, later)) == [(1, AT), (2, later + timedelta(hours=1))]
    assert said(adopt.read(estate, None, later)) == [(1, AT)], "systems don't forget"
    adopt.write(tmp_path / "other", [])
    assert not (tmp_path / "other" / truth.FOLDER).exists(), "an estate without releases has no trace of them"
    for content in ("{", '{"format": "1.0"}'):
        (folder / "x.json").write_text(content)
        with pytest.raises(UsageError, match="no message"):
            adopt.read(estate, folder, later)
    with pytest.raises(UsageError, match="no such folder"):
        adopt.read(estate, tmp_path / "nowhere", later)
