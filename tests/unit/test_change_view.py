"""A change at a plant as people read it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from mfg_assets.change.read import ChangeAtPlant, Event, RunOut
from mfg_assets.cli.change_view import Detail, show_change, show_list
from mfg_assets.cli.output import Format

HELD = datetime(2020, 6, 4, 14, tzinfo=UTC)
ROW: dict[str, Any] = {
    "change_number": "EC1",
    "title": "Another quantity",
    "change_status": "approved",
    "parent_item_number": "A",
    "plant_id": "P1",
    "status": "pending",
    "timezone": "Europe/Berlin",
    "effective_from": datetime(2026, 5, 10, 22, tzinfo=UTC),
    "is_deferred": False,
    "effectivity_kind": "date",
    "alters_structure": True,
    "is_applicable": True,
    "erp_system": "erp",
    "erp_state": "holds",
    "mes_system": "mes",
    "mes_state": "holds",
    "propagation_hours": None,
}


def _shown(capsys: pytest.CaptureFixture[str], **values: object) -> str:
    events = (Event(HELD, "in ERP", "erp", ()),) if values.get("released_at") else ()
    change = ChangeAtPlant({**ROW, **values}, events)
    show_change([Detail(change, (), (), ())], Format.table)
    return capsys.readouterr().out


def test_until_a_change_is_released_nothing_is_said_to_hold_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Before that the structure to hold isn't known."""
    shown = _shown(capsys, released_at=None, erp_state="unknown", mes_state="unknown")
    assert "not released yet: nothing is asked of the plant" in shown
    assert "now in" not in shown


def test_of_a_change_that_is_given_up_nothing_is_said_to_hold_it(capsys: pytest.CaptureFixture[str]) -> None:
    shown = _shown(capsys, released_at=HELD, change_status="withdrawn", erp_state="unknown", mes_state="unknown")
    assert "withdrawn: nothing is asked of the plant" in shown
    assert "not released yet" not in shown
    assert "now in" not in shown


def test_of_a_released_change_it_is_said_who_holds_it_since_when(capsys: pytest.CaptureFixture[str]) -> None:
    shown = _shown(capsys, released_at=datetime(2020, 6, 4, 12, tzinfo=UTC), change_status="released")
    assert "2020-06-04 16:00  in ERP (erp)" in shown
    assert "now in MES mes: holds it" in shown
    assert "not released yet" not in shown


def test_a_change_from_a_serial_on_is_seen_in_units_and_not_in_systems(capsys: pytest.CaptureFixture[str]) -> None:
    shown = _shown(
        capsys,
        released_at=HELD,
        change_status="released",
        effectivity_kind="serial",
        effective_serial_from="SN-8",
        units_in_range=2,
        units_built_to_change=1,
        units_built_otherwise=["SN-9"],
        erp_state="unknown",
        mes_state="unknown",
    )
    assert "holds from serial SN-8 on: 1 of 2 so far built to it; not as it should be: SN-9" in shown
    assert "now in" not in shown


def test_the_list_says_why_a_plant_waits(capsys: pytest.CaptureFixture[str]) -> None:
    rows = (
        {"released_at": HELD, "is_deferred": True, "blocking_reasons": []},
        {"released_at": None, "blocking_reasons": []},
        {"released_at": HELD, "blocking_reasons": []},
        {"released_at": HELD, "status": "blocked", "blocking_reasons": ["partial_update", "bom_cycle"]},
    )
    show_list([ChangeAtPlant({**ROW, **row}, ()) for row in rows], Format.table, limit=None)
    waits, unreleased, coming, blocked = capsys.readouterr().out.splitlines()[1:]
    assert "(waits by decision)" in waits
    assert "(not released)" in unreleased
    assert "(" not in coming
    assert "partial_update, bom_cycle" in blocked


def test_a_component_is_used_up_runs_out_or_lies_there(capsys: pytest.CaptureFixture[str]) -> None:
    none, some = Decimal(0), Decimal("12.500")
    change = ChangeAtPlant({**ROW, "released_at": HELD}, ())
    run_outs = (
        RunOut("GONE", "EA", none, none, none, date(2026, 4, 1), none),
        RunOut("LOW", "EA", some, none, some, date(2026, 4, 2), none),
        RunOut("IDLE", None, some, some, none, None, some),
    )
    show_change([Detail(change, (), run_outs, ())], Format.table)
    shown = capsys.readouterr().out
    assert "GONE is used up: none is there, none on order\n" in shown
    assert "LOW runs out on 2026-04-02: 12.5 EA there, 0 on order, 12.5 a day\n" in shown
    assert "IDLE isn't being used up: 12.5 there, 12.5 on order, 0 a day\n" in shown
