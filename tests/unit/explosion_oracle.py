"""Product structures and their explosion in plain Python with exact fractions: what the SQL is compared with.

Belongs here: an independent calculation, written from the rules and not from the SQL. Doesn't belong here: DuckDB.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import networkx as nx

UNITS = {"EA": Fraction(1), "DZN": Fraction(12)}


@dataclass(frozen=True)
class Line:
    """One bill line. `start` and `end` are days relative to the as-of, half-open; None is open."""

    line_id: str
    parent: str
    component: str
    quantity: Decimal
    unit: str = "EA"
    is_fixed: bool = False
    scrap: Decimal | None = None
    scrap_method: str | None = None
    assembly_scrap: Decimal | None = None
    is_net: bool = False
    group: str | None = None
    priority: int | None = None
    probability: Decimal | None = None
    is_phantom: bool | None = None
    line_type: str = "component"
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class Structure:
    """All lines of one plant, the base quantity of each parent and the items that are phantoms there."""

    lines: tuple[Line, ...]
    base_quantities: dict[str, Decimal] = field(default_factory=dict)
    phantoms: frozenset[str] = frozenset()


@dataclass
class Requirement:
    """What one root needs of one component."""

    scaling: Fraction = Fraction(0)
    fixed: Fraction = Fraction(0)
    levels: set[int] = field(default_factory=set)
    paths: int = 0
    is_complete: bool = True


def lines_in_effect(structure: Structure) -> list[Line]:
    """The lines that count at day 0: in effect, not outdone by a newer version, the chosen one of their alternates."""
    held = [li for li in structure.lines if (li.start is None or li.start <= 0) and (li.end is None or li.end > 0)]
    held = [li for li in held if li.line_type != "text"]
    by_identity: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in held:
        by_identity[line.parent, line.component, line.line_type].append(line)
    newest = [
        max(v, key=lambda li: (-(10**9) if li.start is None else li.start, li.line_id)) for v in by_identity.values()
    ]
    by_group: dict[tuple[str, str], list[Line]] = defaultdict(list)
    result: list[Line] = []
    for line in newest:
        if line.group is None:
            result.append(line)
        elif line.probability is None or line.probability > 0:
            by_group[line.parent, line.group].append(line)
    for members in by_group.values():
        result.append(
            min(
                members,
                key=lambda li: (
                    10**9 if li.priority is None else li.priority,
                    -(Decimal(-1) if li.probability is None else li.probability),
                    li.component,
                    li.line_id,
                ),
            )
        )
    return result


def cyclic_items(lines: list[Line]) -> set[str]:
    """Items that contain themselves."""
    graph: nx.DiGraph = nx.DiGraph()
    graph.add_edges_from((li.parent, li.component) for li in lines if li.line_type not in ("by_product", "co_product"))
    return {
        item
        for members in nx.strongly_connected_components(graph)
        for item in members
        if len(members) > 1 or graph.has_edge(item, item)
    }


def per_parent(structure: Structure, line: Line) -> Fraction:
    """Quantity for one parent in base units with both scraps (for a fixed line: for one order of the parent)."""
    quantity = Fraction(line.quantity) * UNITS[line.unit]
    scraps = [line.scrap or Decimal(0)]
    if not line.is_fixed:
        quantity /= Fraction(structure.base_quantities.get(line.parent, Decimal(1)))
        if not line.is_net:
            scraps.append(line.assembly_scrap or Decimal(0))
    for scrap in map(Fraction, scraps):
        quantity = quantity / (1 - scrap) if line.scrap_method == "divide" else quantity * (1 + scrap)
    return -quantity if line.line_type in ("by_product", "co_product") else quantity


def explode(structure: Structure) -> dict[tuple[str, str, str], Requirement]:
    """Requirement per (root, component, kind), walking every path from every parent."""
    lines = lines_in_effect(structure)
    below: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        below[line.parent].append(line)
    cyclic = cyclic_items(lines)
    result: dict[tuple[str, str, str], Requirement] = defaultdict(Requirement)

    def walk(
        item: str, scaling: Fraction, fixed: Fraction, level: int, path: tuple[str, ...]
    ) -> Iterator[tuple[Line, Fraction, Fraction, int, tuple[str, ...]]]:
        for line in below[item]:
            each = per_parent(structure, line)
            made = (Fraction(0), each) if line.is_fixed else (scaling * each, fixed * each)
            if line.line_type in ("by_product", "co_product"):
                yield line, *made, level, path
            elif line.component not in path:
                yield line, *made, level, (*path, line.component)
                under = level if _is_phantom(structure, line) else level + 1
                yield from walk(line.component, *made, under, (*path, line.component))

    hollow: set[str] = set()
    for root in list(below):
        for line, scaling, fixed, level, path in walk(root, Fraction(1), Fraction(0), 1, (root,)):
            if _is_phantom(structure, line) and line.line_type not in ("by_product", "co_product"):
                if below[line.component]:
                    continue
                hollow.add(root)
            kind = line.line_type if line.line_type in ("by_product", "co_product") else "component"
            need = result[root, line.component, kind]
            need.scaling += scaling
            need.fixed += fixed
            need.levels.add(level)
            need.paths += 1
            need.is_complete = need.is_complete and not cyclic.intersection(path)
    # nobody knows what a phantom without a bill holds, so nothing of its root is the whole truth
    for (root, _, _), need in result.items():
        need.is_complete = need.is_complete and root not in hollow
    return dict(result)


def _is_phantom(structure: Structure, line: Line) -> bool:
    return line.component in structure.phantoms if line.is_phantom is None else line.is_phantom
