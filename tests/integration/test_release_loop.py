"""The loop of a release, walked on a simulated estate: sent, taken over, seen, and only then on to the shop floor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mfg_assets.settings import Settings
from mfg_assets.simulate import simulation
from mfg_assets.simulate.options import Options
from mfg_assets.warehouse.session import connect
from tests.landed import Landed

TABLES = (
    *("bom_finding", "routing_finding", "master_data_finding", "engineering_change_plant_status"),
    *("plant_release", "sync_acknowledgement", "bom_line"),
)
SCORED = ("bom", "routing", "master_data", "change")


def _options(folder: Path) -> Options:
    """A little world in which neither ERP nor shop floor takes a certain change over, and that is all of it."""
    for seed in range(3, 20):
        options = Options.of("small", seed=seed, plants=1, items=60, defect_rate=0.05)
        with connect(Settings(home=folder), folder / f"{seed}.duckdb", keep_order=True) as con:
            simulation.build(con, options.later(7).later(7).later(7))
            found = con.execute(
                """
                select 1 from truth.finding as f
                where domain = 'change' and finding_class = 'overdue' and mended_at is null and not exists (
                    select 1 from truth.consequence as c
                    where c.domain = 'change' and c.note <> f.note and coalesce(c.plant_id = f.plant_id, true)
                        and coalesce((c.business_key->>'change_number') = (f.business_key->>'change_number'), true)
                )
                """
            ).fetchone()
        if found:
            return options
    raise AssertionError("there is no such world")


def _delivered(landed: Landed, target: str, object_key: str) -> list[dict[str, Any]]:
    """Messages about an object that lie in a receiver's folder, in the order of their numbers."""
    files = sorted((landed.releases / target).glob("*.json"))
    messages = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return sorted((m for m in messages if m["object_key"] == object_key), key=lambda m: m["sequence"])


def _bill(landed: Landed, system: str, parent: str) -> list[tuple[Any, ...]]:
    """What a system is seen to hold of an assembly."""
    return landed.rows(
        "select component_item_number, alternative, position, quantity_per, unit, is_fixed_quantity, effective_from, "
        "effective_to from bom_line where source_system = ? and parent_item_number = ? order by all",
        *(system, parent),
    )


def _state(landed: Landed, change: str) -> tuple[Any, ...]:
    (row,) = landed.rows(
        "select status, erp_state, mes_state from engineering_change_plant_status where change_number = ?", change
    )
    return row


def _gate(landed: Landed, kind: str, object_key: str) -> list[tuple[str, list[str]]]:
    return landed.rows(
        "select gate, hold_reasons from plant_release where target_kind = ? and object_key = ?", kind, object_key
    )


def _is_true(landed: Landed) -> None:
    """Nothing that is wrong now is missed, nothing is reported that isn't, and every change stands as it does."""
    score = landed.score()
    wrong = [o for o in score.outcomes if o.kind in ("missed", "false", "near_miss") and o.domain in SCORED]
    assert [f"{o.kind} {o.domain}.{o.finding_class} {o.business_key}: {o.note}" for o in wrong] == []
    assert score.statuses is not None
    assert [one for one in score.statuses.rows if not one.is_right] == []


@pytest.mark.slow
def test_a_change_goes_to_the_erp_is_seen_there_goes_to_the_shop_floor_and_is_taken_back(tmp_path: Path) -> None:
    landed = Landed(tmp_path / "manufacturer", _options(tmp_path), TABLES)
    first_version = landed.publish()
    ((change, parent, erp, mes),) = landed.rows(
        "select status.change_number, asked.item_number, erp_system, mes_system "
        "from engineering_change_plant_status as status inner join plant_release as asked "
        "on asked.target_system = erp_system and list_contains(asked.change_numbers, status.change_number) "
        "where status = 'overdue' and gate = 'open'"
    )
    key = f"P100|{parent}"
    _is_true(landed)

    # released: the ERP is told, the shop floor waits
    assert _gate(landed, "mes", key) == [("held", ["waits_for_erp"])]
    first = landed.release()
    assert (first.problems, first.dead_letters) == ((), 0)
    assert [m["kind"] for m in _delivered(landed, erp, key)] == ["release"]
    assert _delivered(landed, mes, key) == []
    before_erp = _bill(landed, erp, parent)

    # taken over by the ERP, and seen: only now the shop floor is told
    landed.advance()
    assert _delivered(landed, mes, key) == []
    landed.publish()
    assert _bill(landed, erp, parent) != before_erp
    assert _gate(landed, "erp", key) == []
    assert _gate(landed, "mes", key) == [("open", [])]
    assert _state(landed, change)[0] == "blocked"
    _is_true(landed)
    landed.release()
    (told,) = landed.messages(target=erp, object_key=key)
    assert (told["state"], told["is_settled"]) == ("delivered", True), "an ERP answers by what it holds"
    assert [m["kind"] for m in _delivered(landed, mes, key)] == ["release"]
    before_mes = _bill(landed, mes, parent)

    # taken over by the shop floor, which also says so
    landed.advance()
    landed.publish()
    assert _bill(landed, mes, parent) != before_mes
    assert _state(landed, change)[0] == "synchronised"
    _is_true(landed)
    third = landed.release()
    assert third.acknowledged > 0
    (told,) = landed.messages(target=mes, object_key=key)
    assert (told["state"], told["is_settled"]) == ("acknowledged", True)

    # taken back: the shop floor ends with exactly what it held before, and what was carried out no longer is
    landed.roll_back(first_version)
    taken_back = landed.release()
    assert taken_back.compensations > 0
    assert [m["kind"] for m in _delivered(landed, mes, key)] == ["release", "compensation"]
    landed.advance()
    landed.publish()
    assert _bill(landed, mes, parent) == before_mes
    assert _state(landed, change)[0] == "deviated"
    _is_true(landed)
