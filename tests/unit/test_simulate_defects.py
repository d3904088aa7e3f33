"""Defects planted in what the systems of a small simulated manufacturer hold: when, where, and what is true then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from mfg_assets.contracts import contracts
from mfg_assets.simulate import expected
from mfg_assets.simulate.defects import CATALOGUE, plant
from mfg_assets.simulate.options import Options
from tests.held_world import LATER, OPTIONS, RARE, fingerprint, open_copy, rows

# What the design names, class by class; `unexplained` and the like included.
NAMED = {
    "bom": {
        "missing_in_erp", "missing_in_plm", "unauthorised_change", "quantity", "unit", "revision", "effectivity",
        "alternate_missing", "alternate_priority", "reference_designators", "scrap", "fixed_quantity", "phantom_flag",
        "position_only", "structural_equivalent", "net_requirement", "missing_item_master", "cycle", "duplicate_line",
        "superseded_component_in_use", "missing_in_mes",
    },
    "routing": {
        "work_center", "setup_time", "run_time", "yield", "work_instruction", "missing_in_erp", "missing_in_mes",
        "effectivity", "revision", "unit",
    },
    "master_data": {"differs_from_owner", "unresolved_identifier"},
    "change": {
        "missing_item_master", "unit_incompatible", "no_approved_source", "open_orders_on_old_revision",
        "regulated_stock", "effectivity_conflict", "bom_cycle", "partial_update", "unauthorised_change",
        "target_unavailable", "overdue", "deviated",
    },
    "inventory": {
        "unposted_in_erp", "unposted_in_wms", "duplicate_posting", "backflush_double_count", "sign_reversed",
        "unit_of_measure", "lot_swapped", "location_swapped", "status_mismatch", "ownership_mismatch",
        "in_transit_timing", "count_not_posted", "scrap_not_posted", "unexplained", "posted_into_closed_period",
        "unit_not_convertible",
    },
    "fulfilment": {
        "wrong_item", "over_shipment", "short_shipment", "overdue_shipment", "late_shipment", "shipment_not_in_order",
        "order_without_shipment", "shipment_without_order", "carrier_quantity", "carrier_lot",
        "delivered_before_shipped", "held_lot_shipped",
    },
    "procurement": {
        "superseded_item", "obsolete_item", "inactive_supplier", "unapproved_source", "order_unit_without_conversion",
        "over_receipt", "short_receipt", "late_receipt", "price_changed", "date_changed", "quantity_changed",
        "rejected_by_supplier", "asn_without_order", "asn_quantity", "asn_overdue", "asn_not_received",
        "lead_time_changed", "phase_out_item", "non_preferred_supplier", "order_quantity_limits", "on_order_quantity",
        "asn_item", "receipt_without_order", "receipt_quantity", "rejected_receipt", "receipt_without_approval",
        "due_before_order", "late_shipment", "receipt_before_shipment",
    },
    "production": {
        "overdue", "late_completion", "missing_operations", "no_effective_bill", "stale_schedule", "downtime",
        "missing_in_erp", "missing_in_mes", "quantity", "status", "yield", "scrap", "wrong_revision", "genealogy_gap",
        "over_consumption", "under_consumption", "substitute_not_allowed", "confirmation_after_close",
        "confirmation_without_posting", "posting_without_confirmation", "completion_before_start",
        "item", "receipt_before_completion",
    },
}  # fmt: skip


@pytest.fixture
def con(small: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_copy(small, tmp_path / "copy.duckdb") as connection:
        connection.execute(f"attach '{small}' as before (read_only)")
        yield connection


@pytest.fixture(scope="module")
def planted(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_copy(small, tmp_path_factory.mktemp("planted") / "copy.duckdb") as connection:
        plant(connection, OPTIONS)
        expected.create(connection, OPTIONS)
        yield connection


def test_without_a_rate_nothing_is_touched_and_nothing_is_true(con: duckdb.DuckDBPyConnection) -> None:
    plant(con, Options.of("small", defect_rate=0))
    for entity in contracts():
        assert fingerprint(con, f"from held.{entity}") == fingerprint(con, f"from before.held.{entity}"), entity
    for table in ("finding", "near_miss", "consequence"):
        assert not rows(con, f"from truth.{table}")


def test_the_catalogue_has_every_class_that_the_design_names() -> None:
    for domain, classes in NAMED.items():
        assert classes <= {d.finding_class for d in CATALOGUE if d.domain == domain}


def test_entries_have_names_of_their_own() -> None:
    assert len({d.id for d in CATALOGUE}) == len(CATALOGUE)


def test_even_a_small_manufacturer_has_one_of_nearly_everything(planted: duckdb.DuckDBPyConnection) -> None:
    notes = {row[0] for row in rows(planted, "select note from truth.finding union select note from truth.near_miss")}
    assert {d.id for d in CATALOGUE if d.does not in notes} <= RARE


def test_business_keys_have_the_columns_of_their_domain(planted: duckdb.DuckDBPyConnection) -> None:
    from mfg_assets.simulate.reported import REPORTS

    columns = {report.domain: set(report.key) for report in REPORTS}
    for domain, key in rows(planted, "select domain, business_key from truth.finding"):
        assert set(json.loads(key)) == columns[domain]
    for domain, key in rows(planted, "select domain, business_key from truth.consequence"):
        assert set(json.loads(key)) <= columns[domain]


def test_several_causes_share_a_difference_in_stock_each_with_its_quantity(
    planted: duckdb.DuckDBPyConnection,
) -> None:
    shared = rows(
        planted,
        "select plant_id, business_key, count(distinct finding_class), count(quantity) from truth.finding "
        "where domain = 'inventory' and finding_class <> 'negative_balance' "
        "group by all having count(distinct finding_class) > 1",
    )
    assert shared
    assert all(quantities >= classes for _, _, classes, quantities in shared)


def test_balances_are_what_each_systems_movements_add_up_to(planted: duckdb.DuckDBPyConnection) -> None:
    assert not rows(
        planted,
        """
        with legs as (
            select source_system, to_plant_id as plant_id, to_location as location, item_number, quantity
            from held.inventory_movement where to_plant_id is not null
            union all
            select source_system, from_plant_id, from_location, item_number, -quantity
            from held.inventory_movement where from_plant_id is not null
        ),
        sums as (select * exclude (quantity), sum(quantity) as q from legs group by all having sum(quantity) <> 0),
        balances as (
            select source_system, plant_id, location, item_number, sum(quantity) as q
            from held.inventory_balance group by all having sum(quantity) <> 0
        )
        from sums full outer join balances using (source_system, plant_id, location, item_number)
        where sums.q is distinct from balances.q
        """,
    )


def test_versions_of_a_row_never_overlap(planted: duckdb.DuckDBPyConnection) -> None:
    for entity in contracts():
        assert not rows(
            planted,
            f"select * from (select *, lead(visible_from) over (partition by source_system, row_id "
            f"order by visible_from) as next_from from held.{entity}) "
            "where next_from < coalesce(visible_to, timestamptz 'infinity') or visible_to <= visible_from",
        ), entity


def test_what_had_happened_stays_whatever_comes_later(
    planted: duckdb.DuckDBPyConnection, small_later: Path, tmp_path: Path
) -> None:
    first = OPTIONS.cut
    with open_copy(small_later, tmp_path / "copy.duckdb") as later:
        plant(later, LATER)
        for table in ("finding", "near_miss"):
            told = (
                f"select domain, plant_id, business_key, finding_class, quantity, planted_at, "
                f"case when mended_at <= $1 then mended_at end from truth.{table} "
                "where planted_at <= $1 and finding_class <> 'negative_balance' order by all"
            )
            assert rows(planted, told, first) == rows(later, told, first)
        for entity in set(contracts()) - {"inventory_balance"}:
            columns = ", ".join(f'"{c.name}"' for c in contracts()[entity].columns)
            known = (
                "select source_system, row_id, visible_from, case when visible_to <= $1 then visible_to end, "
                f"{columns} from held.{entity} where visible_from <= $1"
            )
            assert fingerprint(planted, known, first) == fingerprint(later, known, first), entity
        new = rows(later, "select count(*) from truth.finding where planted_at > $1", first)
        mended = rows(later, "select count(*) from truth.finding where planted_at <= $1 and mended_at > $1", first)
        assert new[0][0] > 0
        assert mended[0][0] > 0


def test_negative_stock_is_written_down_with_how_far_it_is_below_zero(planted: duckdb.DuckDBPyConnection) -> None:
    held_below = rows(
        planted,
        "select plant_id, key, max(-q) from (select plant_id, source_system, "
        "stock_key(location, item_number, lot_number, stock_status, ownership) as key, sum(quantity) as q "
        "from held.inventory_balance group by all having sum(quantity) < 0) group by all order by all",
    )
    told = rows(
        planted,
        "select plant_id, business_key, quantity from truth.finding where finding_class = 'negative_balance' "
        "order by all",
    )
    assert held_below == told
    assert told


def test_a_difference_within_tolerance_is_a_look_alike(con: duckdb.DuckDBPyConnection) -> None:
    (entry,) = (d for d in CATALOGUE if d.id == "bom.quantity.within_tolerance")
    plant(con, OPTIONS, (entry,))
    assert not rows(con, "from truth.finding where finding_class <> 'negative_balance'")
    (share,) = {
        round(float(changed / original), 6)
        for changed, original in rows(
            con,
            "select changed.quantity, original.quantity from held.bom_line as changed "
            "inner join before.held.bom_line as original using (source_system, row_id) "
            "where changed.quantity <> original.quantity",
        )
    }
    assert 1 < share <= 1.001


def test_a_return_at_the_cut_is_in_the_warehouse_and_not_yet_in_the_erp(con: duckdb.DuckDBPyConnection) -> None:
    (entry,) = (d for d in CATALOGUE if d.id == "inventory.unposted_in_erp.cutoff_timing")
    plant(con, OPTIONS, (entry,))
    (systems,) = rows(
        con,
        "select list(source_system order by source_system) from held.inventory_movement "
        "where movement_class = 'return'",
    )
    assert systems[0]
    assert all(system.startswith("wms") for system in systems[0])
    assert rows(con, "select count(*) from truth.near_miss")[0][0] == len(systems[0])


def test_every_change_at_every_plant_has_a_status_also_where_nothing_is_wrong(con: duckdb.DuckDBPyConnection) -> None:
    expected.create(con, OPTIONS)
    ((told,),) = rows(con, "select count(*) from held.engineering_change_plant where visible_to is null")
    found = dict(rows(con, "select status, count(*) from truth.change_status group by all"))
    assert sum(found.values()) == told
    assert found.keys() == {"not_applicable", "pending", "synchronised"}
    assert rows(con, "select 1 from truth.change_status where accepted <> [status] or blocking_reasons <> []") == []


def test_what_is_wrong_with_a_change_is_its_status_and_its_reasons(planted: duckdb.DuckDBPyConnection) -> None:
    found = dict(rows(planted, "select status, count(*) from truth.change_status group by all"))
    assert found.keys() == {
        "not_applicable", "pending", "in_progress", "synchronised", "blocked", "overdue", "deviated",
    }  # fmt: skip
    reasons = rows(
        planted,
        "select change_number, plant_id, unnest(blocking_reasons) from truth.change_status "
        "except select business_key->>'$.change_number', plant_id, finding_class from truth.finding "
        "where domain = 'change'",
    )
    assert reasons == []
    assert rows(planted, "select 1 from truth.change_status where not list_contains(accepted, status)") == []


def test_only_a_plant_that_went_back_has_the_change_in_its_erps_log(planted: duckdb.DuckDBPyConnection) -> None:
    logged = dict(
        rows(
            planted,
            """
            select status, bool_or(log.change_number is not null)
            from truth.change_status
            left join held.change_log as log using (change_number, plant_id)
            where status in ('overdue', 'deviated')
            group by all
            """,
        )
    )
    assert logged == {"overdue": False, "deviated": True}


def test_a_change_that_is_overdue_is_in_neither_system(planted: duckdb.DuckDBPyConnection) -> None:
    holders = rows(
        planted,
        """
        select distinct left(line.source_system, 3)
        from held.bom_line as line
        inner join truth.change_status as state
            on state.change_number in (line.engineering_change_in, line.engineering_change_out)
            and line.plant_id = state.plant_id
        where state.status = 'overdue' and line.visible_to is null
        """,
    )
    assert holders == []
