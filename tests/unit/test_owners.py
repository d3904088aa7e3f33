"""Ownership rules resolved to rows: names beat wildcards, scopes stand beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mfg_assets.estate.models import Estate, EstateFile, OwnershipFile, OwnershipRule
from mfg_assets.estate.systems import SystemFile
from mfg_assets.warehouse.owners import attribute_owners


def _system(name: str, kind: str) -> SystemFile:
    content: dict[str, Any] = {
        "system": name,
        "kind": kind,
        "plants": ["P1"],
        "timezone": "UTC",
        "connector": {"type": "files", "path": "."},
        "extracts": {"item": {"from": "x.csv", "delivery": "snapshot", "columns": {}}},
    }
    return SystemFile.model_validate(content)


def _estate(*rules: OwnershipRule) -> Estate:
    return Estate(
        path=Path(),
        file=EstateFile.model_validate(
            {"name": "t", "plants": [{"id": "P1", "name": "p", "timezone": "UTC", "currency": "EUR"}]}
        ),
        ownership=OwnershipFile(rules=list(rules)),
        systems={n: _system(n, k) for n, k in (("erp_b", "erp"), ("erp_a", "erp"), ("plm", "plm"))},
        code_maps={},
    )


def _ranks(estate: Estate, attribute: str, plant: str | None = None) -> list[str]:
    owners = [o for o in attribute_owners(estate) if (o.entity, o.attribute, o.plant_id) == ("item", attribute, plant)]
    return [o.source_system for o in sorted(owners, key=lambda o: o.priority)]


def test_rule_36_a_named_attribute_beats_the_wildcard_whatever_the_order() -> None:
    named = OwnershipRule(attribute="item.description", owners=["erp_a"])
    wild = OwnershipRule(attribute="item.*", owners=["plm"])
    for rules in ((named, wild), (wild, named)):
        estate = _estate(*rules)
        assert _ranks(estate, "description") == ["erp_a"]
        assert _ranks(estate, "base_unit") == ["plm"]


def test_rule_36_a_kind_stands_for_its_systems_in_the_order_of_their_ids_and_none_twice() -> None:
    estate = _estate(OwnershipRule(attribute="item.*", owners=["plm", "erp", "erp_b"]))
    assert _ranks(estate, "description") == ["plm", "erp_a", "erp_b"]


def test_rule_36_a_rule_for_a_plant_stands_beside_the_general_one() -> None:
    estate = _estate(
        OwnershipRule(attribute="item.*", owners=["plm"]),
        OwnershipRule(attribute="item.description", owners=["erp_b"], plants=["P1"]),
    )
    assert _ranks(estate, "description") == ["plm"]
    assert _ranks(estate, "description", "P1") == ["erp_b"]
