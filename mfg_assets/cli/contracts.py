"""`mfg contracts`: what each entity is and what its columns mean.

Belongs here: showing contracts. Doesn't belong here: reading them (contracts).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mfg_assets.cli import examples
from mfg_assets.cli.output import Format, FormatOption, emit, show
from mfg_assets.errors import Problem, UsageError

if TYPE_CHECKING:
    from mfg_assets.contracts import Contract
    from mfg_assets.contracts.model import Column


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        short_help="The entities and what their columns mean.",
        name="contracts",
        epilog=examples.of("mfg contracts", "mfg contracts bom_line", "mfg contracts bom_line --format csv"),
    )(contracts)


def contracts(
    entity: Annotated[str | None, typer.Argument(help="One entity; all of them when left out.")] = None,
    output: FormatOption = Format.table,
) -> None:
    """List the entities, or print one contract's documentation."""
    from mfg_assets.contracts import contracts as all_contracts

    found = all_contracts()
    if entity is None:
        rows = [(c.entity, c.domain, c.kind, len(c.columns), c.grain) for c in found.values()]
        emit(("entity", "domain", "kind", "columns", "a row is"), rows, output)
        return
    if entity not in found:
        raise UsageError(Problem(f"there is no entity {entity!r}", fix=_suggest(entity, list(found))))
    contract = found[entity]
    if output is Format.table:
        _describe(contract)
    columns = ("column", "type", "key", "required", "allowed", "description")
    emit(columns, [_row(c) for c in contract.columns], output)


def _suggest(entity: str, entities: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(entity.lower(), entities, n=3)
    return f"did you mean {' or '.join(close)}?" if close else f"one of: {', '.join(entities)}"


def _describe(contract: Contract) -> None:
    show(f"{contract.entity} ({contract.domain}, {contract.kind})")
    show(contract.description)
    show(f"One row per {contract.grain}" if not contract.grain.lower().startswith("one ") else contract.grain)
    show(f"Key: {', '.join(contract.key)}")
    show()


def _row(column: Column) -> tuple[object, ...]:
    return (
        column.name,
        column.sql_type,
        column.key_position,
        "yes" if column.required else "",
        _allowed(column),
        column.description,
    )


def _allowed(column: Column) -> str:
    """The values that landing accepts, in words."""
    parts = []
    if column.enumeration:
        parts.append(" | ".join(column.enumeration))
    if column.exclusive_minimum is not None:
        parts.append(f"> {column.exclusive_minimum}")
    if column.minimum is not None:
        parts.append(f"≥ {column.minimum}")
    if column.maximum is not None:
        parts.append(f"≤ {column.maximum}")
    if column.max_length is not None:
        parts.append(f"at most {column.max_length} characters")
    if column.pattern is not None:
        parts.append(f"matches {column.pattern}")
    if column.code_type is not None:
        parts.append(f"a {column.code_type} code")
    if column.references is not None:
        parts.append(f"a {column.references.entity}.{column.references.column}")
    if column.unit is not None:
        parts.append(f"in {column.unit}")
    return "; ".join(parts)
