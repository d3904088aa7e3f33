"""Names that one file of the estate uses and another declares: plants, roles, systems, kinds, attributes, codes.

Belongs here: unknown and duplicate names, schedules. Doesn't belong here: extracts and their columns (`mappings`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import get_args

from mfg_assets.contracts import contracts
from mfg_assets.errors import Problem
from mfg_assets.estate.base import SystemKind
from mfg_assets.estate.codes import CodeFile
from mfg_assets.estate.cron import cron_fault
from mfg_assets.estate.document import Part
from mfg_assets.estate.read import EstateSource
from mfg_assets.estate.release_references import check_releases
from mfg_assets.estate.standards import CURRENCIES, units
from mfg_assets.estate.validate import nearest, suggestion

KINDS: tuple[str, ...] = get_args(SystemKind)
# The domains of findings, as in the names of the tables <domain>_finding, and those of the platform's own exceptions.
DOMAINS = (
    *("bom", "routing", "master_data", "change", "inventory", "production", "procurement", "supplier"),
    *("fulfilment", "record"),
    *("check", "feed", "publication"),
)


def check_references(source: EstateSource) -> None:
    """Report every unknown or duplicate name."""
    root = source.estate.root
    _unique(root["plants"], "plant")
    _unique(root["roles"], "role")
    for plant in root["plants"].items():
        currency = plant["currency"]
        if currency.text is not None and currency.text not in CURRENCIES:
            currency.report(f"{currency.shown!r} is no currency of ISO 4217", "use a code such as EUR")
    check_schedule(root["defaults"]["schedule"])
    for name, part in root["tolerances"].members():
        _tolerance(name, part)
    for name, owner in root["finding_owners"].members():
        _finding_owner(name, owner, source)
    for rule in root["exception_rules"].items():
        _exception_rule(rule, source)
    check_releases(root["releases"], source)
    for system in source.systems:
        _system(system.document.root, system.id, source)
    if source.ownership is not None:
        _ownership(source.ownership.root["rules"], source)
    source.codes = [_known_codes(file, source) for file in source.codes]


def check_schedule(part: Part) -> None:
    """Report a cron expression that doesn't hold."""
    if part.text is not None and (fault := cron_fault(part.text)) is not None:
        part.report(
            f"not a cron expression: {fault}", 'write minute hour day month weekday, such as "30 4 * * mon-fri"'
        )


def check_role(part: Part, source: EstateSource) -> None:
    """Report a role that estate.yaml doesn't declare."""
    known = source.role_ids
    if part.text is not None and known is not None and part.text not in known:
        part.report(
            f"there is no role {part.shown!r}",
            suggestion(part.text, known, "declare it under roles: in estate.yaml"),
        )


def check_attribute(part: Part, name: str, *, wildcard: bool) -> bool:
    """Report an `entity.attribute` that no contract has. Returns whether it exists."""
    entity, dot, attribute = name.partition(".")
    known = contracts()
    if entity not in known:
        part.report(f"there is no entity {entity!r}", suggestion(entity, known, "write entity.attribute"))
        return False
    if wildcard and attribute == "*":
        return True
    columns = [c.name for c in known[entity].columns]
    if not dot or attribute not in columns:
        message = f"{entity} has no attribute {attribute!r}" if dot else f"{name!r} is not entity.attribute"
        meant = nearest(attribute, columns)
        fix = f"did you mean {entity}.{meant}?" if meant else f"write {entity}. and one of: {', '.join(columns)}"
        part.report(message, fix)
        return False
    return True


def _unique(parts: Part, what: str) -> None:
    first: dict[str, int | None] = {}
    for part in parts.items():
        name = part["id"].text
        if name is not None and name in first:
            part["id"].report(f"the {what} {name!r} is declared twice, first in line {first[name]}", "keep one of them")
        elif name is not None:
            first[name] = part.document.line(part["id"].location)


def _plants(parts: Part, source: EstateSource) -> None:
    known = source.plant_ids
    seen: set[str] = set()
    for part in parts.items():
        if part.text is None:
            continue
        if known is not None and part.text not in known:
            part.report(
                f"there is no plant {part.shown!r}",
                suggestion(part.text, known, "declare it under plants: in estate.yaml"),
            )
        elif part.text in seen:
            part.report(f"the plant {part.shown!r} stands twice", "keep one of them")
        seen.add(part.text)


def _tolerance(name: str, part: Part) -> None:
    if not check_attribute(part, name, wildcard=False):
        return
    entity, _, attribute = name.partition(".")
    column = contracts()[entity].column(attribute)
    if column.sql_type in ("VARCHAR", "BOOLEAN"):
        part.report(f"{name} is no quantity ({column.sql_type}); a tolerance has no meaning for it", "remove it")


def _finding_owner(name: str, owner: Part, source: EstateSource) -> None:
    domain, dot, _ = name.partition(".")
    if dot and domain not in DOMAINS:
        owner.report(f"findings have no domain {domain!r}", suggestion(domain, DOMAINS))
    check_role(owner, source)


def _exception_rule(rule: Part, source: EstateSource) -> None:
    finding = rule["finding"]
    domain, dot, _ = (finding.text or "").partition(".")
    if dot and domain not in DOMAINS:
        finding.report(f"findings have no domain {domain!r}", suggestion(domain, DOMAINS))
    _plants(rule["plants"], source)
    check_role(rule["owner"], source)
    check_role(rule["escalate_to"], source)


def _system(root: Part, system: str, source: EstateSource) -> None:
    _plants(root["plants"], source)
    check_role(root["owner"], source)
    check_schedule(root["schedule"])
    if root.document.is_readable and not root["timezone"].exists and not root["timezone"].is_reported:
        root["system"].report(
            f"the system {system} has no time zone, so its local times can't be read",
            "add timezone: with an IANA zone such as Europe/Berlin, or UTC",
        )
    kind = root["kind"].text
    if system in KINDS and kind in KINDS and kind != system:
        root["system"].report(
            f"the system is called {system!r} but is a {kind}: ownership rules could mean either",
            "rename the system, for example " + f"{kind}_{system}",
        )


def _ownership(rules: Part, source: EstateSource) -> None:
    first: dict[tuple[str, str, str], int | None] = {}
    for rule in rules.items():
        attribute = rule["attribute"]
        if attribute.text is None:
            continue
        if "." in attribute.text:
            check_attribute(attribute, attribute.text, wildcard=True)
        _owners(rule["owners"], source)
        _plants(rule["plants"], source)
        _item_types(rule["item_types"])
        check_role(rule["steward"], source)
        line = rule.document.line(attribute.location)
        for plant in _texts(rule["plants"]) or ["*"]:
            for item_type in _texts(rule["item_types"]) or ["*"]:
                scope = (attribute.text, plant, item_type)
                if scope in first and first[scope] != line:
                    where = "".join(f" for {s}" for s in scope[1:] if s != "*")
                    attribute.report(
                        f"{attribute.shown} has two rules{where}, the first in line {first[scope]}", "keep one of them"
                    )
                first.setdefault(scope, line)


def _owners(owners: Part, source: EstateSource) -> None:
    kinds = source.system_kinds
    resolved = False
    unknown = False
    for owner in owners.items():
        if owner.text is None:
            unknown = True
        elif owner.text in kinds or owner.text in kinds.values():
            resolved = True
        elif owner.text not in KINDS:
            unknown = True
            owner.report(
                f"{owner.shown!r} is neither a system of this estate nor a kind of system",
                suggestion(owner.text, [*kinds, *KINDS]),
            )
    if not resolved and not unknown and owners.exists and None not in kinds.values():
        owners.report("no system of this estate is meant by these owners", f"name one of: {', '.join(kinds)}")


def _item_types(parts: Part) -> None:
    item = contracts().get("item")
    known = next((c.enumeration for c in item.columns if c.name == "item_type"), ()) if item else ()
    for part in parts.items():
        if known and part.text is not None and part.text not in known:
            part.report(f"there is no item type {part.shown!r}", suggestion(part.text, known))


def _texts(parts: Part) -> list[str]:
    return [p.value for p in parts.items() if isinstance(p.value, str)]


def _known_codes(file: CodeFile, source: EstateSource) -> CodeFile:
    """The file with a problem for each code that the map named like it may not translate to."""
    known: dict[str, tuple[Iterable[str] | None, str, str]] = {
        "units": (units(), "is no unit of UNECE Recommendation 20", "use a code such as EA or KGM"),
        "plants": (source.plant_ids, "is no plant of this estate", "declare it under plants: in estate.yaml"),
        "currencies": (CURRENCIES, "is no currency of ISO 4217", "use a code such as EUR"),
    }
    codes, message, fix = known.get(file.name, (None, "", ""))
    if codes is None:
        return file
    choices = set(codes)
    found = [
        Problem(f"{row.code!r} {message}", file.path, row.line, fix) for row in file.rows if row.code not in choices
    ]
    return replace(file, problems=(*file.problems, *found))
