"""The published JSON schemas are those of the models, and judge files as the models do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from mfg_assets.estate.schema import SCHEMA_DIR, json_schema, write_json_schemas
from mfg_assets.settings import PROJECT_ROOT
from tests.contract.estate_files import ERP, ESTATE, MES, OWNERSHIP

FILES: dict[str, Any] = {"estate": ESTATE, "ownership": OWNERSHIP, "system": ERP}


def parse(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_published_schemas_equal_the_models(tmp_path: Path) -> None:
    """After a change to the models, `write_json_schemas(SCHEMA_DIR)` makes them anew."""
    for written in write_json_schemas(tmp_path):
        assert json.loads(written.read_text("utf-8")) == json.loads((SCHEMA_DIR / written.name).read_text("utf-8"))
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in SCHEMA_DIR.glob("*.json")}


@pytest.mark.parametrize("kind", ["estate", "ownership", "system"])
def test_schemas_are_schemas(kind: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(kind, with_contracts=True))


@pytest.mark.parametrize(
    ("kind", "text"), [("estate", ESTATE), ("ownership", OWNERSHIP), ("system", ERP), ("system", MES)]
)
def test_sound_files_pass(kind: Any, text: str) -> None:
    for with_contracts in (False, True):
        jsonschema.validate(parse(text), json_schema(kind, with_contracts=with_contracts))


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("estate", "name: Test Works", "nam: Test Works"),
        ("estate", "reject_limit: 0.02", "reject_limit: 2"),
        ("estate", "freshness: 26h", "freshness: soon"),
        ("estate", "high: 24h", "hihg: 24h"),
        ("estate", "currency: EUR\n  - id", "currency: euro\n  - id"),
        ("ownership", "owners: [erp_eu]", "owners: []"),
        ("ownership", "steward:", "stewart:"),
        ("system", "kind: erp", "kind: mrp"),
        ("system", "format: csv", "format: cvs"),
        ("system", "    delivery: snapshot\n    joins", "    joins"),
        ("system", "  item:\n", "  Item:\n"),
        ("system", "item_number: MATNR", "item_number: [MATNR]"),
        ("system", "row_count: 2", "row_count: -2"),
    ],
)
def test_what_the_models_refuse_the_schema_refuses(kind: Any, old: str, new: str) -> None:
    assert FILES[kind].count(old) == 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(parse(FILES[kind].replace(old, new)), json_schema(kind))


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("estate", "reject_limit: 0.02", "reject_limit: ${LIMIT:-0.02}"),
        ("estate", "freshness: 26h", "freshness: ${FRESHNESS}"),
        ("system", "kind: erp", "kind: ${KIND:-erp}"),
        ("system", "row_count: 2", "row_count: ${ROWS}"),
        ("system", "item_number: MATNR", "item_number: {sql: MATNR, codes: numbers}"),
        ("system", "item_number: MATNR", "item_number: 7"),
    ],
)
def test_variables_and_short_forms_pass(kind: Any, old: str, new: str) -> None:
    assert FILES[kind].count(old) == 1
    jsonschema.validate(parse(FILES[kind].replace(old, new)), json_schema(kind))


def test_with_contracts_editors_offer_columns() -> None:
    extracts = json_schema("system", with_contracts=True)["properties"]["extracts"]["properties"]
    columns = extracts["bom_line"]["allOf"][1]["properties"]["columns"]["properties"]
    assert columns["component_item_number"]["description"]


def test_every_file_of_our_estates_names_its_schema() -> None:
    files = sorted((PROJECT_ROOT / "estates").glob("*/**/*.yaml"))
    for file in files:
        first = file.read_text("utf-8").splitlines()[0]
        kind = "system" if file.parent.name == "systems" else file.stem
        prefix = "# yaml-language-server: $schema="
        assert first.startswith(prefix), f"{file}: begin with {prefix}<path to {kind}.schema.json>"
        assert (file.parent / first.removeprefix(prefix)).resolve() == SCHEMA_DIR / f"{kind}.schema.json", file
