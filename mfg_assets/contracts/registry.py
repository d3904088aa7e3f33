"""Reads the contract YAML files once and hands them out.

Belongs here: ODCS → `Contract`. Doesn't belong here: what is derived from contracts (see `derive`).
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from mfg_assets.contracts.model import CODE_TYPES, SQL_TYPES, Column, Contract, Domain, Kind, Reference
from mfg_assets.errors import ContractError, Problem

ENTITIES_DIR = Path(__file__).parent / "entities"


@lru_cache(maxsize=1)
def contracts() -> dict[str, Contract]:
    """All contracts by entity, in alphabetical order. Raises ContractError naming the file."""
    return {path.stem: _read(path) for path in sorted(ENTITIES_DIR.glob("*.yaml"))}


def contract(entity: str) -> Contract:
    """The contract of one entity. Raises ContractError when there is none."""
    found = contracts().get(entity)
    if found is None:
        raise ContractError(Problem(f"there is no entity {entity!r}", fix=f"use one of: {', '.join(contracts())}"))
    return found


def _read(path: Path) -> Contract:
    import yaml
    from open_data_contract_standard.model import OpenDataContractStandard

    # The model's own way of reading a file takes the parser written in Python, six times as slow.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = OpenDataContractStandard(**yaml.load(path.read_text(encoding="utf-8"), Loader=loader))  # noqa: S506
    if not document.schema_ or len(document.schema_) != 1:
        raise ContractError(Problem("a contract has exactly one schema object", path))
    table = document.schema_[0]
    custom: dict[str | None, Any] = {p.property: p.value for p in document.customProperties or []}
    if table.name != path.stem:
        raise ContractError(Problem(f"the schema object is named {table.name!r}, the file {path.stem!r}", path))
    columns = tuple(_column(p, path) for p in table.properties or [])
    if custom.get("domain") not in get_args(Domain) or custom.get("kind") not in get_args(Kind):
        raise ContractError(Problem("customProperties must name a known domain and kind", path))
    result = Contract(
        entity=path.stem,
        domain=custom["domain"],
        description=(table.description or "").strip(),
        grain=(table.dataGranularityDescription or "").strip(),
        kind=custom["kind"],
        columns=columns,
        event_column=custom.get("eventColumn"),
    )
    if not result.key or not result.description or not result.grain:
        raise ContractError(Problem("a contract needs a key, a description and a grain", path))
    return result


def _column(p: Any, path: Path) -> Column:
    custom = {c.property: c.value for c in p.customProperties or []}
    options = p.logicalTypeOptions or {}
    if p.physicalType not in SQL_TYPES:
        raise ContractError(
            Problem(f"{p.name}: physicalType {p.physicalType!r} is not one of {sorted(SQL_TYPES)}", path)
        )
    if not p.description:
        raise ContractError(Problem(f"{p.name}: has no description", path))
    code_type = custom.get("codeType")
    if code_type is not None and code_type not in CODE_TYPES:
        raise ContractError(Problem(f"{p.name}: codeType {code_type!r} is not one of {sorted(CODE_TYPES)}", path))
    reference = None
    if p.relationships:
        entity, _, column = str(p.relationships[0].to).partition(".")
        reference = Reference(entity, column)
    return Column(
        name=p.name,
        sql_type=p.physicalType,
        description=p.description.strip(),
        required=bool(p.required),
        key_position=p.primaryKeyPosition if p.primaryKey else None,
        enumeration=tuple(str(e.value) for e in p.enum or []),
        minimum=_decimal(options.get("minimum")),
        maximum=_decimal(options.get("maximum")),
        exclusive_minimum=_decimal(options.get("exclusiveMinimum")),
        max_length=options.get("maxLength"),
        pattern=options.get("pattern"),
        code_type=code_type,
        unit=custom.get("unit"),
        references=reference,
        is_owned=bool(custom.get("owned", False)),
    )


def _decimal(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))
