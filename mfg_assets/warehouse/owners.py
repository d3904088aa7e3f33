"""Ownership rules with wildcards and kinds resolved to one row per attribute and system.

Belongs here: which rule applies to what. Doesn't belong here: choosing values (that is SQL over these rows).
"""

from __future__ import annotations

from dataclasses import dataclass

from mfg_assets.contracts import contracts
from mfg_assets.estate.models import Estate, OwnershipRule


@dataclass(frozen=True)
class AttributeOwner:
    """One system's rank for one attribute; priority 1 is believed first. `None` plant or item type means all."""

    entity: str
    attribute: str
    plant_id: str | None
    item_type: str | None
    source_system: str
    priority: int
    conflict: str
    steward: str | None


def attribute_owners(estate: Estate) -> list[AttributeOwner]:
    """Every owned attribute × scope × system.

    A rule for the attribute itself beats `entity.*`; within equal names the rule that comes later in the file wins for
    the scopes that both name. Rules for a plant or an item type stand beside the general one: the reader prefers the
    narrower row.
    """
    result: list[AttributeOwner] = []
    for entity, contract in contracts().items():
        for column in contract.columns:
            if not column.is_owned:
                continue
            for (plant, item_type), rule in _rules_by_scope(estate, entity, column.name).items():
                for priority, system in enumerate(_systems(estate, rule), start=1):
                    result.append(
                        AttributeOwner(
                            entity, column.name, plant, item_type, system, priority, rule.conflict, rule.steward
                        )
                    )
    return result


def _rules_by_scope(estate: Estate, entity: str, attribute: str) -> dict[tuple[str | None, str | None], OwnershipRule]:
    chosen: dict[tuple[str | None, str | None], OwnershipRule] = {}
    for name in (f"{entity}.*", f"{entity}.{attribute}"):
        for rule in estate.ownership.rules:
            if rule.attribute == name:
                for plant in rule.plants or [None]:
                    for item_type in rule.item_types or [None]:
                        chosen[plant, item_type] = rule
    return chosen


def _systems(estate: Estate, rule: OwnershipRule) -> list[str]:
    """System ids in the rule's order; a kind stands for all systems of that kind, by id."""
    ordered: dict[str, None] = {}
    for owner in rule.owners:
        if owner in estate.systems:
            ordered[owner] = None
        else:
            ordered.update({s: None for s in sorted(estate.systems) if estate.systems[s].kind == owner})
    return list(ordered)
