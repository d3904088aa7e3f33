"""JSON schemas of the estate's YAML files, for editors that complete and check while one types.

Belongs here: making them from the models, and the published files themselves; a test holds the two together.
Doesn't belong here: rules that a schema can't express (`references`, `mappings`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel

from mfg_assets.contracts import Contract, contracts
from mfg_assets.estate.models import EstateFile, OwnershipFile
from mfg_assets.estate.systems import SystemFile

SchemaKind = Literal["estate", "ownership", "system"]
SCHEMA_DIR = Path(__file__).parent

_MODELS: dict[str, type[BaseModel]] = {"estate": EstateFile, "ownership": OwnershipFile, "system": SystemFile}
_VARIABLE = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}", "title": "Environment variable"}


def json_schema(kind: SchemaKind, *, with_contracts: bool = False) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of one kind of file: `estate`, `ownership` or `system`.

    Any number, switch or choice may also be a text with `${VAR}`, as the loader replaces it before it validates.

    Args:
        kind: which file.
        with_contracts: also offer the names and descriptions of entities and their columns while typing. The published
            files leave them out, so that a new contract doesn't change them.
    """
    schema = _MODELS[kind].model_json_schema(by_alias=True, mode="validation")
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **{key: _or_variable(value) for key, value in schema.items()},
    }
    schema.setdefault("$defs", {})["Variable"] = _VARIABLE
    if kind == "system" and with_contracts:
        schema["properties"]["extracts"]["properties"] = {
            name: {"description": contract.description, "allOf": [{"$ref": "#/$defs/Extract"}, _columns(contract)]}
            for name, contract in contracts().items()
        }
    return schema


def write_json_schemas(folder: Path, *, with_contracts: bool = False) -> list[Path]:
    """Write `<kind>.schema.json` for every kind into a folder, made when missing. Returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind in get_args(SchemaKind):
        path = folder / f"{kind}.schema.json"
        text = json.dumps(json_schema(kind, with_contracts=with_contracts), indent=2, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
        written.append(path)
    return written


def _columns(contract: Contract) -> dict[str, Any]:
    """Names and descriptions only: what a column may hold stands in the extract's own schema."""
    described = {c.name: {"description": c.description} for c in contract.columns}
    return {"properties": {"columns": {"properties": described}}}


def _or_variable(part: Any) -> Any:
    """The schema with a `${VAR}` text allowed beside every restricted scalar."""
    if isinstance(part, list):
        return [_or_variable(item) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("type") in ("number", "integer", "boolean") or (
        part.get("type") == "string" and ("enum" in part or "const" in part or "pattern" in part)
    ):
        kept = ("default", "description", "title")
        outer = {key: value for key, value in part.items() if key in kept}
        inner = {key: value for key, value in part.items() if key not in kept}
        return {**outer, "anyOf": [inner, {"$ref": "#/$defs/Variable"}]}
    # Names of keys are never replaced.
    result = {key: value if key == "propertyNames" else _or_variable(value) for key, value in part.items()}
    if "patternProperties" in result:
        result["additionalProperties"] = False
    return result
