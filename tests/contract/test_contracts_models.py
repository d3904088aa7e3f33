"""Contracts and models agree: each entity reaches the canonical layer with every column that its contract names."""

from __future__ import annotations

import re
from functools import lru_cache

import pytest
from ruamel.yaml import YAML

from mfg_assets.contracts import Contract, contracts
from mfg_assets.settings import PROJECT_ROOT

MODELS = PROJECT_ROOT / "dbt_project" / "models"
CONTRACTS = list(contracts().values())
# Lists of codes that other rows refer to; nothing is computed from them.
CODE_LISTS = {"reason_code", "ship_method", "unit_of_measure"}
# Columns that a canonical model replaces by what follows from them: here per piece, as fractions, and a row per plant.
REPLACED = {"bom_line": {"quantity", "component_scrap", "assembly_scrap", "applicable_plants"}}

each_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.entity)


@lru_cache(maxsize=1)
def described() -> dict[str, set[str]]:
    """The described columns of every model by its name."""
    reader = YAML(typ="safe")
    return {
        model["name"]: {column["name"] for column in model.get("columns", [])}
        for path in MODELS.rglob("*.yml")
        for model in (reader.load(path) or {}).get("models", [])
    }


@each_contract
def test_staging_hands_on_every_column(contract: Contract) -> None:
    assert {c.name for c in contract.columns} <= described()[f"stg_{contract.entity}"]


@pytest.mark.parametrize("contract", [c for c in CONTRACTS if c.entity not in CODE_LISTS], ids=lambda c: c.entity)
def test_every_entity_has_a_canonical_model_with_its_columns(contract: Contract) -> None:
    (path,) = (MODELS / "canonical").glob(f"*/{contract.entity}.sql")
    lacking = {c.name for c in contract.columns} - described()[path.stem]
    assert lacking == REPLACED.get(contract.entity, set())


def test_rule_32_conflicts_are_looked_for_among_all_kinds_of_events() -> None:
    text = (MODELS / "canonical" / "integration" / "event_conflict.sql").read_text(encoding="utf-8")
    listed = re.search(r"set event_entities = \[(.*?)\]", text, re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"'(\w+)'", listed[1])) == {c.entity for c in CONTRACTS if c.kind == "event"}
