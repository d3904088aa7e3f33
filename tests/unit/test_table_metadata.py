"""What Dagster shows of a table beside its rows."""

from __future__ import annotations

import duckdb

from mfg_assets.defs.warehouse.table_metadata import cross_table


def test_rows_are_counted_by_two_columns_and_cells_are_no_markup() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create table status as select * from (values ('P1', 'blocked'), ('P1', 'blocked'), ('P2', 'over|due'), "
            "('P2', null)) as t (plant_id, status)"
        )
        shown = cross_table(connection, "status", "plant_id", "status").md_str
    assert shown is not None
    assert shown.splitlines() == [
        "| plant_id |  | blocked | over\\|due |",
        "|---|---|---|---|",
        "| P1 | 0 | 2 | 0 |",
        "| P2 | 1 | 0 | 1 |",
    ]
