"""Every column of every published table of the small estate is walked back to what it came from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mfg_assets.errors import UsageError
from mfg_assets.lineage import Trace
from tests.running import mfg
from tests.traced import OWN, every_value, systems_reached, traced


@pytest.fixture(scope="module")
def folder(mini_pass: Path) -> Path:
    return mini_pass


def _trace(folder: Path, table: str, *key: str, column: str | None = None) -> list[Trace]:
    return traced(folder / "home", folder / "estate", table, *key, column=column)


def test_a_value_leads_to_its_file_record_native_value_mapping_and_rule(folder: Path) -> None:
    (found,) = _trace(folder, "inventory_comparison", "P1", "A1", "WHEEL", column="erp_quantity")
    (origin,) = [o for o in found.origins if o.entity == "inventory_balance"]
    assert (origin.source_system, origin.source_file, origin.source_row) == ("erp", "stock_20250301.csv", 2)
    assert origin.native is not None
    assert (origin.native["item"], origin.native["quantity"], origin.mapping) == ("WHEEL", "17,0", "quantity")
    assert origin.rule == "inventory_balance.quantity is believed from erp; erp is number 1"
    assert origin.correlation_id.startswith(origin.batch_id)
    relations = [step.relation for step in found.steps if step.matching]
    assert relations.index("canonical.inventory_balance") < relations.index("landing.inventory_balance")


def test_the_rule_that_chose_a_value_is_the_estates(folder: Path) -> None:
    (found,) = _trace(folder, "item", "BIKE", column="description")
    assert (found.value, found.chosen_system) == ("City bike", "plm")
    assert found.origins[0].rule == "item.description is believed from erp, then plm; plm is number 2"
    assert found.origins[0].native == {"number": "BIKE", "name": "City bike", "unit": "EA", "type": "made"}


def test_every_column_of_every_published_table_is_traced(folder: Path) -> None:
    reached = systems_reached(every_value(folder / "home", folder / "estate"))
    assert set(reached) >= {"item", "bom_line", "inventory_comparison", "inventory_finding", "item_requirement", *OWN}
    silent = {table for table, systems in reached.items() if not systems}
    assert silent == OWN, "of these tables no value leads to a system"


def test_a_wrong_table_column_or_key_is_said(folder: Path) -> None:
    for table, key, column, words in (
        ("nothing", (), None, "no published table"),
        ("item", ("BIKE",), "colour", "no column 'colour'"),
        ("item", ("CAR",), None, "no row has"),
        ("item", (), None, "several rows have"),
        ("item", ("BIKE", "x"), None, "1 key columns"),
        ("item", ("' or 1=1 --",), None, "no row has"),
    ):
        with pytest.raises(UsageError, match=words):
            _trace(folder, table, *key, column=column)


def test_the_command_shows_it_and_escapes_what_it_shows(folder: Path) -> None:
    environment = {"MFG_HOME": str(folder / "home"), "MFG_ESTATE": str(folder / "estate")}
    done = mfg(environment, "trace", "item", "BIKE", "--column", "description")
    assert done.returncode == 0, done.stderr
    assert "plm.item, items.csv record 1: item.description = City bike" in done.stdout
    as_json = json.loads(mfg(environment, "trace", "item", "BIKE", "--format", "json").stdout)
    assert {one["column"] for one in as_json} >= {"item_number", "description", "description_source"}
