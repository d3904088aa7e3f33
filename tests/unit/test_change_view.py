"""A change at a plant as people read it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mfg_assets.change.read import ChangeAtPlant, Event
from mfg_assets.cli.change_view import Detail, show_change
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
    "alters_structure": True,
    "is_applicable": True,
    "erp_system": "erp",
    "erp_state": "holds",
    "mes_system": "mes",
    "mes_state": "holds",
    "propagation_hours": None,
}


def _shown(capsys: pytest.CaptureFixture[str], released_at: datetime | None) -> str:
    events = (Event(HELD, "in ERP", "erp", ()), Event(HELD, "approved", None, ()))
    change = ChangeAtPlant({**ROW, "released_at": released_at}, events)
    show_change([Detail(change, (), (), ())], Format.table)
    return capsys.readouterr().out


def test_until_a_change_is_released_nothing_is_said_to_hold_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Before that the structure to hold isn't known: what systems have is that of before, perhaps for years."""
    shown = _shown(capsys, None)
    assert "not released yet: what systems hold is the structure of before" in shown
    assert "approved" in shown
    assert "in ERP" not in shown


def test_of_a_released_change_it_is_said_who_holds_it_since_when(capsys: pytest.CaptureFixture[str]) -> None:
    shown = _shown(capsys, datetime(2020, 6, 4, 12, tzinfo=UTC))
    assert "2020-06-04 16:00  in ERP (erp)" in shown
    assert "now in MES mes: holds it" in shown
    assert "not released yet" not in shown
