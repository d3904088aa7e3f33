"""Of which objects defects are planted: none disturbs another, and none is where it could not be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from mfg_assets.simulate import held, truth
from mfg_assets.simulate.defects import CATALOGUE, plan, plant, prepare
from mfg_assets.simulate.defects.model import Defect
from tests.held_world import LATER, OPTIONS, open_copy, rows


@pytest.fixture
def con(small: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_copy(small, tmp_path / "copy.duckdb") as connection:
        connection.execute(f"attach '{small}' as before (read_only)")
        yield connection


def test_an_order_still_at_work_has_no_last_report_to_lose_or_to_leave_without_a_receipt(
    con: duckdb.DuckDBPyConnection,
) -> None:
    wanted = {"posting_without_confirmation", "confirmation_without_posting"}
    entries = [d for d in CATALOGUE if d.finding_class in wanted and not d.is_near_miss]
    assert {d.finding_class for d in entries} == wanted
    ((order,),) = rows(
        con,
        """
        select production_order_number
        from held.production_confirmation
        where yield_quantity > 0
        group by production_order_number
        having count(distinct operation_sequence) > 1
        order by production_order_number
        limit 1
        """,
    )

    def befallen(entry: Defect) -> list[tuple]:
        return rows(con, f"select row_id from ({entry.candidates}) where object_key = $1", order)

    assert all(befallen(entry) for entry in entries)
    con.execute(
        """
        delete from held.production_confirmation
        where production_order_number = $1 and operation_sequence = (
            select max(operation_sequence) from held.production_operation where production_order_number = $1
        )
        """,
        [order],
    )
    assert not any(befallen(entry) for entry in entries)


def test_of_what_is_shared_and_of_an_object_itself_one_defect_is_enough(con: duckdb.DuckDBPyConnection) -> None:
    """A bill whose change lacks an approved source has no other defect of that change or bill."""
    plant(
        con, replace(OPTIONS, defect_rate=0.2), tuple(replace(d, share=50.0) for d in CATALOGUE if d.domain == "change")
    )
    times = rows(
        con, "select claim, count(distinct entry) from planned group by claim having count(distinct entry) > 1"
    )
    assert times == []
    assert rows(con, "select count(*) from planned")[0][0] > 50


def test_what_nobody_is_approved_to_make_stays_so_until_that_is_mended(small_later: Path, tmp_path: Path) -> None:
    """A second defect of the same approvals, of another plant, would give them back when it is mended itself."""
    entries = [d for d in CATALOGUE if d.id in ("change.no_approved_source", "procurement.unapproved_source")]
    assert len(entries) == 2
    with open_copy(small_later, tmp_path / "copy.duckdb") as con:
        plant(con, replace(LATER, defect_rate=0.2), tuple(replace(e, share=50.0) for e in entries))
        found = rows(
            con,
            """
            select finding.business_key, list(approval.row_id) filter (approval.row_id is not null) as given_back
            from truth.finding
            inner join change_at
                on finding.plant_id = change_at.plant_id
                and (finding.business_key ->> 'change_number') = change_at.change_number
            left join held.approved_manufacturer as approval
                on change_at.new_component = approval.item_number
                and approval.visible_from >= finding.planted_at
                and approval.visible_from < coalesce(finding.mended_at, 'infinity')
            where finding.finding_class = 'no_approved_source'
            group by finding.business_key
            """,
        )
    assert found
    assert [row for row in found if row[1]] == []


def test_a_receipt_that_nobody_posted_is_not_posted_wrong_as_well(con: duckdb.DuckDBPyConnection) -> None:
    wanted = {"confirmation_without_posting", "location_swapped", "lot_swapped"}
    entries = [replace(d, share=50.0) for d in CATALOGUE if d.finding_class in wanted and not d.is_near_miss]
    assert {d.finding_class for d in entries} == wanted
    plant(con, replace(OPTIONS, defect_rate=0.2), tuple(entries))
    never = "select claim from planned where starts_with(claim, 'order|')"
    wrongly = (
        "select distinct 'order|' || posting.to_plant_id || '|' || posting.reference_number as claim "
        "from planned inner join posting using (claim) where posting.reference_type = 'production_order'"
    )
    assert rows(con, never)
    assert rows(con, wrongly)
    assert rows(con, f"from ({never}) inner join ({wrongly}) using (claim)") == []


def test_rule_06_a_receipt_that_the_erp_posts_weeks_late_counts_in_the_month_that_is_open_then(
    con: duckdb.DuckDBPyConnection,
) -> None:
    entries = [replace(d, share=50.0) for d in CATALOGUE if d.id == "production.confirmation_without_posting"]
    plant(con, replace(OPTIONS, defect_rate=0.2), tuple(entries))
    dates = rows(
        con,
        """
        select changed.posting_date, cast(changed.visible_from as date)
        from held.inventory_movement as changed
        inner join before.held.inventory_movement as original using (source_system, row_id)
        where changed.visible_from <> original.visible_from and isfinite(changed.visible_from)
            and original.posting_date is not null
        """,
    )
    assert dates
    assert all(posted == told for posted, told in dates)


def test_what_an_earlier_delivery_told_of_an_order_that_ended_after_it_cannot_be_told_otherwise() -> None:
    first = OPTIONS.first_cut
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        held.create(con)
        for order, told_after, ended_after in (("A", -5, -3), ("B", -5, 30), ("C", 26, 30), ("D", 20, 30)):
            con.execute(
                "insert into held.material_consumption by name select 'mes_a' as source_system, $1 as row_id, "
                "'P100' as plant_id, $1 as production_order_number, '100001' as item_number, 8 as quantity, "
                "'EA' as unit, $2::timestamptz + to_hours($3) as visible_from",
                [order, first, told_after],
            )
            con.execute(
                "insert into held.production_order by name select 'mes_a' as source_system, $1 as row_id, "
                "'P100' as plant_id, $1 as production_order_number, 'closed' as status, "
                "$2::timestamptz + to_hours($3) as visible_from",
                [order, first, ended_after],
            )
        [defect] = [d for d in CATALOGUE if d.id == "production.under_consumption"]
        candidates = defect.candidates.replace("$first", truth.instant(first))
        # of B something was told before the first delivery and of D a day before its end, which lie in other deliveries
        assert rows(con, f"select object_key from ({candidates}) order by 1") == [("A",), ("C",)]


def test_an_alternate_that_an_order_takes_a_share_of_anyway_is_not_taken_instead(
    con: duckdb.DuckDBPyConnection,
) -> None:
    [entry] = [d for d in CATALOGUE if d.id == "production.substitute_not_allowed.allowed"]
    prepare(con, OPTIONS)
    [[claim, plant, order, stranger]] = rows(
        con, f"select claim, plant_id, object_key, stranger from ({entry.candidates}) order by claim, stranger limit 1"
    )
    con.execute(
        "insert into held.production_order_component by name select 'mes_a' as source_system, 'one more' as row_id, "
        "$1 as plant_id, $2 as production_order_number, $3 as item_number, 7 as quantity, $4::timestamptz as "
        "visible_from",
        [plant, order, stranger, OPTIONS.start],
    )
    left = rows(con, f"select stranger from ({entry.candidates}) where claim = $1", claim)
    assert (stranger,) not in left


def test_thinning_candidates_out_changes_no_choice(
    small_later: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a large world does to read fewer candidates chooses the same ones in a small world, on each of its days."""
    options = replace(LATER, defect_rate=0.2)
    with open_copy(small_later, tmp_path / "copy.duckdb") as con:
        prepare(con, options)

        def chosen() -> tuple[list[tuple], int]:
            con.begin()
            plan.choose(con, options, CATALOGUE)
            planned = rows(con, "select entry, claim, planted_at, mended_at from planned order by all")
            names = [f"candidate_{n}" for n in range(len(CATALOGUE))]
            candidates = sum(rows(con, f"select count(*) from {name}")[0][0] for name in names)
            con.rollback()
            return planned, candidates

        whole, all_candidates = chosen()
        monkeypatch.setattr(plan, "BIG", 0)
        thinned, kept = chosen()
    assert len(whole) > 200
    assert kept < all_candidates
    assert [(CATALOGUE[n].id, *rest) for n, *rest in thinned] == [(CATALOGUE[n].id, *rest) for n, *rest in whole]
