"""Attributes that nobody owns (rule 36).

Belongs here: comparing what systems deliver with what ownership rules cover. Doesn't belong here: resolving who wins.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from mfg_assets.contracts import contracts
from mfg_assets.estate.document import Location, Part
from mfg_assets.estate.mappings import entity_of
from mfg_assets.estate.read import OWNERSHIP_FILE, EstateSource


@dataclass
class _Delivered:
    """Who delivers an attribute, from where."""

    parts: list[Part] = field(default_factory=list)
    systems: set[str] = field(default_factory=set)
    plants: set[str] = field(default_factory=set)


def check_ownership(source: EstateSource) -> None:
    """Report owned attributes that a system maps but no rule covers, or that none of their owners delivers."""
    if source.ownership is not None and source.ownership.tainted:
        # What can't be read there may well be the rule that seems to be missing.
        return
    unowned: dict[tuple[str, tuple[str, ...]], list[tuple[str, _Delivered]]] = defaultdict(list)
    undelivered: dict[Location, list[tuple[str, Part, _Delivered]]] = defaultdict(list)
    kinds_known = None not in source.system_kinds.values()
    for (entity, attribute), delivered in _delivered(source).items():
        name = f"{entity}.{attribute}"
        rules = _rules(source, entity, attribute)
        uncovered = sorted(delivered.plants - _covered(rules, delivered.plants))
        if uncovered:
            plants = tuple(uncovered) if len(uncovered) < len(delivered.plants) else ()
            unowned[entity, plants].append((name, delivered))
        if rules and kinds_known and not any(_owners(source, rule) & delivered.systems for rule in rules):
            undelivered[rules[-1].location].append((name, rules[-1]["owners"], delivered))
    for (entity, plants), attributes in unowned.items():
        names = ", ".join(name for name, _ in attributes)
        where = f" at {', '.join(plants)}" if plants else ""
        pattern = names if len(attributes) == 1 else f"{entity}.*"
        attributes[0][1].parts[0].report(
            f"nobody owns {names}{where} ({_deliver(attributes[0][1].systems)})",
            f"add a rule to {OWNERSHIP_FILE}: attribute: {pattern}, owners: […]",
        )
    for attributes in undelivered.values():
        names = ", ".join(name for name, _, _ in attributes)
        attributes[0][1].report(
            f"these owners don't deliver {names} ({_deliver(attributes[0][2].systems)})",
            "name a system that maps it, or have an owner map it",
        )


def _deliver(systems: set[str]) -> str:
    return f"{', '.join(sorted(systems))} deliver{'s' if len(systems) == 1 else ''}"


def _delivered(source: EstateSource) -> dict[tuple[str, str], _Delivered]:
    result: dict[tuple[str, str], _Delivered] = defaultdict(_Delivered)
    for system in source.systems:
        root = system.document.root
        plants = {p.value for p in root["plants"].items() if isinstance(p.value, str)}
        for name, extract in root["extracts"].members():
            entity = entity_of(extract, name)
            owned = {c.name for c in contracts()[entity].columns if c.is_owned} if entity else set()
            for column, part in extract["columns"].members():
                if entity is not None and column in owned:
                    one = result[entity, column]
                    one.parts.append(part)
                    one.systems.add(system.id)
                    one.plants |= plants
    return result


def _rules(source: EstateSource, entity: str, attribute: str) -> list[Part]:
    if source.ownership is None:
        return []
    every = list(source.ownership.root["rules"].items())
    special = [r for r in every if r["attribute"].value == f"{entity}.{attribute}"]
    scopes = [_scope(r) for r in special]
    general = [r for r in every if r["attribute"].value == f"{entity}.*" and _scope(r) not in scopes]
    return [*general, *special]


def _scope(rule: Part) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(p.value for p in rule["plants"].items()), frozenset(t.value for t in rule["item_types"].items())


def _covered(rules: list[Part], plants: set[str]) -> set[str]:
    """Plants at which some rule holds for every item type."""
    item = contracts().get("item")
    every_type = next((set(c.enumeration) for c in item.columns if c.name == "item_type"), set()) if item else set()
    types_at: dict[str, set[str]] = {plant: set() for plant in plants}
    for rule in rules:
        of_rule = {t.value for t in rule["item_types"].items()} or (every_type or {""})
        for plant in {p.value for p in rule["plants"].items()} or plants:
            if plant in types_at:
                types_at[plant] |= of_rule
    return {plant for plant, types in types_at.items() if types >= (every_type or {""})}


def _owners(source: EstateSource, rule: Part) -> set[str]:
    kinds = source.system_kinds
    named = {o.value for o in rule["owners"].items()}
    return {system for system, kind in kinds.items() if system in named or kind in named}
