"""The walk from lot to lot: down to what went in, up to who got it, across plants, and round in no circle."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from mfg_assets.lots import Step, items_of, lots_like, trace

# P makes part B of raw lots r1 and r2, ships B's lot to Q, where two pumps are made of it; one goes to a customer.
EDGES = """
    ('P', 'production_order', '1', 'B', 'b1', 'R', 'r1', 4, timestamptz '2026-01-01 08:00:00+00'),
    ('P', 'production_order', '1', 'B', 'b1', 'R', 'r2', 6, timestamptz '2026-01-01 09:00:00+00'),
    ('Q', 'production_order', '2', 'PUMP', 's1', 'B', 'b1', 2, timestamptz '2026-02-01 08:00:00+00'),
    ('Q', 'production_order', '2', 'PUMP', 's2', 'B', 'b1', 2, timestamptz '2026-02-01 08:00:00+00'),
    ('Q', 'production_order', '3', 'TRAY', null, 'B', 'b1', 1, timestamptz '2026-02-02 08:00:00+00'),
    ('Q', 'sales_order', '9/1', null, null, 'PUMP', 's2', 1, timestamptz '2026-03-01 08:00:00+00')
"""


@pytest.fixture
def published() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            create table lot_genealogy as
            select
                *, used_quantity::decimal(28, 6) as quantity, 'EA' as used_unit, 'mes' as source_systems,
                'e' || document_number as event_ids
            from (values {EDGES}) as edges (
                plant_id, document_type, document_number, made_item_number, made_lot_number, used_item_number,
                used_lot_number, used_quantity, used_at
            );
            create table item as select 'B' as item_number, 'Bearing' as description;
            create table inventory_state as select 'R' as item_number, 'r9' as lot_number;
            """
        )
        yield connection


def _tree(steps: list[Step]) -> list[str]:
    return [f"{'.' * s.level}{s.item_number or '-'}/{s.lot_number or '-'}@{s.document_number or ''}" for s in steps]


def test_down_goes_through_plants_to_the_raw_lots(published: duckdb.DuckDBPyConnection) -> None:
    assert _tree(trace(published, "PUMP", "s1", is_down=True)) == ["PUMP/s1@", ".B/b1@2", "..R/r1@1", "..R/r2@1"]
    assert _tree(trace(published, "PUMP", "s1", is_down=True, max_level=1)) == ["PUMP/s1@", ".B/b1@2"]


def test_up_ends_at_customers_and_at_what_has_no_lot(published: duckdb.DuckDBPyConnection) -> None:
    steps = trace(published, "R", "r1", is_down=False)
    assert _tree(steps) == ["R/r1@", ".B/b1@1", "..PUMP/s1@2", "..PUMP/s2@2", "...-/-@9/1", "..TRAY/-@3"]
    assert [(s.plant_id, s.description) for s in steps[:2]] == [(None, None), ("P", "Bearing")]


def test_a_lot_on_its_own_path_ends_the_walk_and_is_told(published: duckdb.DuckDBPyConnection) -> None:
    published.execute(
        "insert into lot_genealogy select * replace ('8' as document_number, 'R' as made_item_number, "
        "'r1' as made_lot_number, 'PUMP' as used_item_number, 's1' as used_lot_number) "
        "from lot_genealogy where document_number = '3'"
    )
    steps = trace(published, "PUMP", "s1", is_down=True)
    assert [s.lot_number for s in steps if s.is_cycle] == ["s1"]
    assert len(steps) == 5


def test_a_number_is_looked_for_in_genealogy_and_stock(published: duckdb.DuckDBPyConnection) -> None:
    assert items_of(published, "b1") == ["B"]
    assert items_of(published, "r9") == ["R"]
    assert items_of(published, "nothing") == []
    assert lots_like(published, "R1", 1) == ["r1"]
