"""Severity, clock and owner of an exception as the estate's rules say, and findings folded to one row per key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mfg_assets.errors import EstateError
from mfg_assets.estate.loader import load_estate
from mfg_assets.estate.models import Estate
from mfg_assets.exceptions import OBSERVED_COLUMNS, sources
from mfg_assets.exceptions.policy import route
from mfg_assets.exceptions.registry import FindingTable, finding_tables
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from tests.mini import ESTATE, write, write_mini

RULES = """
service_levels: {high: 24h}
exception_rules:
  - {finding: "bom.*", service_level: 2d, escalate_to: warehouse}
  - {finding: quantity, value_above: 1000, severity: critical}
  - {finding: bom.quantity, plants: [P2], owner: warehouse}
"""
STEWARD = '\n  - {attribute: "bom_line.component_scrap", owners: [plm], steward: warehouse}\n'


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    folder = write_mini(tmp_path)
    text = ESTATE["estate.yaml"].replace(
        "currency: EUR}", "currency: EUR}\n          - {id: P2, name: Two, timezone: UTC, currency: USD}"
    )
    write(folder / "estate.yaml", text)
    with (folder / "estate.yaml").open("a") as file:
        file.write(RULES)
    with (folder / "ownership.yaml").open("a") as file:
        file.write(STEWARD)
    return load_estate(folder)


def _routed(settings: Settings, estate: Estate, findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Findings of a table `bom_finding` as rows for the ledger."""
    with connect(settings) as connection:
        connection.execute(
            "create schema reconciliation; create table reconciliation.bom_finding (plant_id varchar, "
            "parent_item_number varchar, finding_class varchar, attribute varchar, severity varchar, "
            "owner_role varchar, value_at_stake decimal(28, 4), suggested_action varchar, evidence varchar)"
        )
        base = {"plant_id": "P1", "parent_item_number": "A", "finding_class": "quantity", "attribute": "quantity"}
        base |= {"severity": "high", "owner_role": "engineering", "value_at_stake": None, "suggested_action": "Mend."}
        for number, finding in enumerate(findings):
            row = {**base, "evidence": json.dumps({"n": number}), **finding}
            connection.execute(
                f"insert into reconciliation.bom_finding values ({', '.join('?' * 9)})", list(row.values())
            )
        sources.begin(connection)
        table = FindingTable("bom_finding", "reconciliation.bom_finding", "x", "bom", entity="bom_line")
        assert sources.add_findings(connection, table)
        batches = list(sources.rows(connection, route(connection, estate)))
        return [dict(zip(OBSERVED_COLUMNS, row, strict=True)) for batch in batches for row in batch]


def test_a_rule_sets_what_it_names_and_a_later_one_wins(settings: Settings, estate: Estate) -> None:
    rows = _routed(
        settings,
        estate,
        [{"value_at_stake": 500}, {"plant_id": "P2", "value_at_stake": 5000}, {"finding_class": "cycle"}],
    )
    found = {(r["plant_id"], r["finding_class"]): r for r in rows}
    small, big, cycle = found["P1", "quantity"], found["P2", "quantity"], found["P1", "cycle"]
    assert (small["severity"], small["owner_role"], small["service_seconds"]) == ("high", "engineering", 2 * 86_400)
    assert (big["severity"], big["owner_role"], big["escalate_to"]) == ("critical", "warehouse", "warehouse")
    assert cycle["severity"] == "high"


def test_the_steward_of_the_attribute_owns_what_differs_in_it(settings: Settings, estate: Estate) -> None:
    (row,) = _routed(settings, estate, [{"attribute": "component_scrap", "finding_class": "scrap"}])
    assert row["owner_role"] == "warehouse"


def test_findings_of_one_class_and_key_are_one_exception(settings: Settings, estate: Estate) -> None:
    first = _routed(settings, estate, [{"value_at_stake": -10, "severity": "low"}, {"value_at_stake": 4}, {}])
    (row,) = first
    assert (row["finding_count"], row["value_at_stake"], row["severity"]) == (3, 14, "high")
    assert json.loads(row["business_key"]) == {"plant_id": "P1", "parent_item_number": "A", "attribute": "quantity"}
    assert len(json.loads(row["evidence"])) == 3
    again = _routed(settings, estate, [{}, {"value_at_stake": 4}, {"value_at_stake": -10, "severity": "low"}])
    assert {k: v for k, v in again[0].items() if k != "evidence"} == {k: v for k, v in row.items() if k != "evidence"}


def test_hostile_texts_in_findings_stay_texts(settings: Settings, estate: Estate) -> None:
    text = "'); drop table raw_observation; --\x1b[2J"
    (row,) = _routed(settings, estate, [{"parent_item_number": text, "suggested_action": text}])
    assert json.loads(row["business_key"])["parent_item_number"] == text
    assert row["suggested_action"] == text


def test_rules_that_name_nobody_are_refused_with_their_line(tmp_path: Path) -> None:
    folder = write_mini(tmp_path)
    with (folder / "estate.yaml").open("a") as file:
        file.write('exception_rules:\n  - {finding: "boom.*", plants: [P9], owner: nobody, escalate_to: no_one}\n')
    with pytest.raises(EstateError) as caught:
        load_estate(folder)
    said = str(caught.value)
    for words in ("no domain 'boom'", "no plant 'P9'", "no role 'nobody'", "no role 'no_one'"):
        assert words in said


def test_new_finding_tables_are_found_in_the_manifest(tmp_path: Path) -> None:
    def node(name: str, **meta: Any) -> dict[str, Any]:
        return {
            "resource_type": "model",
            "name": name,
            "schema": "reconciliation",
            "config": {"meta": {"published": {"key": ["finding_id"]}, **meta}},
        }

    nodes = {
        "model.mfg.change_finding": node("change_finding"),
        "model.mfg.production_order_finding": node("production_order_finding", exception={"domain": "production"}),
        "model.mfg.item": node("item"),
        "model.mfg.pair": node("pair", exception={"domain": "supplier", "key": ["supplier_a"], "entity": "supplier"}),
    }
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"nodes": nodes}))
    found = {t.name: (t.domain, t.key, t.entity) for t in finding_tables(path)}
    assert found == {
        "change_finding": ("change", None, None),
        "production_order_finding": ("production", None, None),
        "pair": ("supplier", ("supplier_a",), "supplier"),
    }
