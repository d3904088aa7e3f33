"""What follows from the contracts: dbt sources with their tests, documentation, and typed empty relations.

Belongs here: turning a `Contract` into text for another tool. Doesn't belong here: the rules themselves (`rules`), or
running anything.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mfg_assets.contracts.model import PLATFORM_COLUMNS, Column, Contract, Domain
from mfg_assets.contracts.registry import contracts
from mfg_assets.contracts.rules import REASONS, rules
from mfg_assets.warehouse.sql import identifier

# Columns that the hand-over adds to each landing view, after PLATFORM_COLUMNS.
BATCH_COLUMNS: dict[str, tuple[str, str]] = {
    "delivery": ("VARCHAR", "How the extract delivers: snapshot, delta or events."),
    "extracted_at": ("TIMESTAMPTZ", "When the source made the delivery (UTC)."),
    "batch_sequence": ("BIGINT", "Order of the deliveries of one extract."),
    "is_in_force": ("BOOLEAN", "Whether the batch still counts: not replaced by a newer complete snapshot."),
}
DBT_SOURCES = Path("models") / "staging" / "_landing_sources.yml"
_DOMAINS: dict[Domain, str] = {
    "master": "Master data",
    "engineering": "Product structure",
    "procurement": "Procurement",
    "production": "Production",
    "inventory": "Inventory and logistics",
    "integration": "Integration",
}
_KINDS = {
    "record": "A state: the newest version per key counts.",
    "event": "Something that happened once; the same key again changes nothing.",
    "balance": "A report: a newer one replaces an older one and is never added to it.",
}


def typed_empty_select(contract: Contract) -> str:
    """A SELECT without rows that has the landing columns of an entity, with their types and in their order."""
    types = {c.name: c.sql_type for c in contract.columns} | {n: t for n, (t, _) in PLATFORM_COLUMNS.items()}
    return "select " + ", ".join(f"null::{t} as {identifier(n)}" for n, t in types.items()) + " where false"


def dbt_sources() -> dict[str, Any]:
    """The dbt source `landing`, one table per contract, as the structure of a properties file."""
    return {
        "version": 2,
        "sources": [
            {
                "name": "landing",
                "schema": "landing",
                "description": "Records of current batches as systems delivered them, cast and checked by contract.",
                "tables": [_dbt_table(contract) for contract in contracts().values()],
            }
        ],
    }


def dbt_source_tests(contract: Contract) -> list[str]:
    """Names of the derived dbt tests of one entity's landed rows."""
    return [body["name"] for test in _dbt_table(contract)["data_tests"] for body in test.values()]


def write_dbt_sources(project: Path) -> Path:
    """Write the derived sources file into a dbt project, only when it changes; returns its path.

    The file is replaced whole, so that two processes can prepare the same project.
    """
    import yaml

    text = "# Derived from mfg_assets/contracts/entities; edit the contract instead.\n" + yaml.safe_dump(
        dbt_sources(), sort_keys=False, allow_unicode=True, width=110
    )
    path = project / DBT_SOURCES
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    return path


def _dbt_table(contract: Contract) -> dict[str, Any]:
    checked = [
        {"reason": rule.reason, "column": rule.column, "violation": rule.violation}
        for rule in rules(contract)
        if rule.violation is not None
    ]
    tests: list[dict[str, Any]] = [
        {
            "contract_holds": {
                "name": f"contract_holds_{contract.entity}",
                "description": f"No landed {contract.entity} breaks a rule that landing had to check.",
                "arguments": {"rules": checked},
                "config": {"severity": "error"},
            }
        }
    ]
    references = [
        {"column": c.name, "to_entity": c.references.entity, "to_column": c.references.column}
        for c in contract.columns
        if c.references is not None
    ]
    if references:
        tests.append(
            {
                "references_resolve": {
                    "name": f"references_resolve_{contract.entity}",
                    "description": f"Everything that a landed {contract.entity} names has landed too.",
                    "arguments": {"references": references},
                    "config": {"severity": "warn"},
                }
            }
        )
    given = {name: text for name, (_, text) in {**PLATFORM_COLUMNS, **BATCH_COLUMNS}.items()}
    return {
        "name": contract.entity,
        "description": f"{contract.description} {contract.grain}",
        "config": {
            "meta": {
                "kind": contract.kind,
                "key": list(contract.key),
                "event_column": contract.event_column,
                "domain": contract.domain,
            }
        },
        "columns": [{"name": c.name, "data_type": c.sql_type, "description": c.description} for c in contract.columns]
        + [{"name": name, "description": text} for name, text in given.items()],
        "data_tests": tests,
    }


def markdown_index() -> str:
    """An overview of all entities by domain, and of the reasons for which records are refused."""
    lines = ["# Entities", ""]
    for domain, title in _DOMAINS.items():
        lines += [f"## {title}", "", "| entity | one row is | key |", "|---|---|---|"]
        for contract in contracts().values():
            if contract.domain == domain:
                entity = f"[{contract.entity}]({contract.entity}.md)"
                lines.append(f"| {entity} | {_cell(contract.description)} | {', '.join(contract.key)} |")
        lines.append("")
    lines += ["## Why records are refused", "", "| reason | meaning |", "|---|---|"]
    lines += [f"| `{reason}` | {_cell(meaning)} |" for reason, meaning in REASONS.items()]
    return "\n".join(lines) + "\n"


def markdown(contract: Contract) -> str:
    """The documentation of one entity."""
    lines = [
        f"# {contract.entity}",
        "",
        contract.description,
        "",
        f"- **One row**: {contract.grain}",
        f"- **Key**: {', '.join(contract.key)}",
        f"- **Kind**: {contract.kind}. {_KINDS[contract.kind]}",
    ]
    if contract.event_column:
        lines.append(f"- **Ordered by**: {contract.event_column}")
    lines += ["", "| column | type | required | meaning | refused when |", "|---|---|---|---|---|"]
    refused: dict[str | None, list[str]] = {}
    for rule in rules(contract):
        refused.setdefault(rule.column, []).append(f"`{rule.reason}`")
    for column in contract.columns:
        required = "yes" if column.required else ""
        reasons = ", ".join(refused.get(column.name, []))
        lines.append(f"| {column.name} | {column.sql_type} | {required} | {_cell(_meaning(column))} | {reasons} |")
    lines += ["", f"A whole record is refused for {', '.join(refused[None])}.", ""]
    return "\n".join(lines)


def write_docs(folder: Path) -> list[Path]:
    """Write one page per entity and the overview `index.md` into a folder; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {"index": markdown_index()} | {name: markdown(contract) for name, contract in contracts().items()}
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return [folder / f"{name}.md" for name in pages]


def _meaning(column: Column) -> str:
    parts = [column.description]
    if column.enumeration:
        parts.append("One of: " + ", ".join(f"`{word}`" for word in column.enumeration) + ".")
    if column.unit is not None:
        parts.append(f"Unit: {column.unit}.")
    if column.references is not None:
        parts.append(f"Refers to {column.references.entity}.{column.references.column}.")
    if column.is_owned:
        parts.append("Needs an owner in ownership.yaml.")
    return " ".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
