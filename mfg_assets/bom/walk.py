"""Walking a structure down (explosion) and up (where-used), indented and summed, however it is tangled.

Belongs here: the walks, their guards. Doesn't belong here: which lines hold (`read`).

A quantity on the way is a pair: what scales with the order, and what is fixed per order (rule 9). Both are exact
fractions until the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from mfg_assets.bom import cycles
from mfg_assets.bom.model import Edge, Kind, Step, Structure, Total, rounded
from mfg_assets.errors import Problem, UsageError

# An indented list has a line per path, of which a tangled structure has more than anybody reads.
MOST_STEPS = 100_000


@dataclass(frozen=True)
class _Amount:
    """How much of an item a way needs: `scaling` per piece ordered, `fixed` per order, by `paths` ways."""

    scaling: Fraction
    fixed: Fraction
    paths: int
    is_complete: bool

    def __add__(self, other: _Amount) -> _Amount:
        return _Amount(
            self.scaling + other.scaling,
            self.fixed + other.fixed,
            self.paths + other.paths,
            self.is_complete and other.is_complete,
        )

    def down(self, edge: Edge) -> _Amount:
        """The component's amount, when this is the parent's."""
        quantity = edge.required
        if quantity is None:
            return _Amount(Fraction(0), Fraction(0), self.paths, is_complete=False)
        if edge.is_fixed:
            # Each way to the parent is an order of its own, and each order needs the fixed quantity once.
            return _Amount(Fraction(0), quantity * self.paths, self.paths, self.is_complete)
        return _Amount(self.scaling * quantity, self.fixed * quantity, self.paths, self.is_complete)

    def total(self, order: Fraction) -> Fraction:
        return self.scaling * order + self.fixed


@dataclass(frozen=True)
class _Effect:
    """What the asked item gets from amounts of an item above it; the reverse reading of `_Amount.down`.

    With the amount (s, f, p) above, the asked item's is (scale × s, carry × f + add × p, paths × p).
    """

    scale: Fraction
    carry: Fraction
    add: Fraction
    paths: int
    is_complete: bool

    def __add__(self, other: _Effect) -> _Effect:
        return _Effect(
            self.scale + other.scale,
            self.carry + other.carry,
            self.add + other.add,
            self.paths + other.paths,
            self.is_complete and other.is_complete,
        )

    def up(self, edge: Edge) -> _Effect:
        """The parent's effect, when this is the component's."""
        if not edge.is_chosen:
            # Nothing is ordered this way, so what is fixed per order isn't needed either.
            return _Effect(Fraction(0), Fraction(0), Fraction(0), self.paths, self.is_complete)
        quantity = edge.required
        if quantity is None:
            return _Effect(Fraction(0), Fraction(0), self.add, self.paths, is_complete=False)
        if edge.is_fixed:
            return _Effect(Fraction(0), Fraction(0), self.carry * quantity + self.add, self.paths, self.is_complete)
        return _Effect(self.scale * quantity, self.carry * quantity, self.add, self.paths, self.is_complete)

    def total(self, order: Fraction) -> Fraction:
        return self.scale * order + self.add


@dataclass(frozen=True)
class Walk:
    """One item's structure, downwards or upwards, ready to be listed.

    Attributes:
        structure: lines as `read_structure` gives them.
        item: where the walk starts.
        is_down: explosion, else where-used.
        order: how many pieces of the item are ordered; matters where quantities are fixed per order.
        max_level: nothing beyond this level is listed or counted.
        cycles: closed paths, first item repeated at the end; the step that closes each is shown and not followed.
    """

    structure: Structure
    item: str
    is_down: bool
    order: Fraction
    max_level: int | None
    cycles: tuple[tuple[str, ...], ...]
    _edges: dict[str, list[Edge]]
    _closing: frozenset[tuple[str, str]]
    _cyclic: frozenset[str]

    def steps(self) -> Iterator[Step]:
        """The indented list: every way to every item, a bill's lines in their own order.

        Raises:
            UsageError: after MOST_STEPS lines.
        """
        start = self._start()
        stack = [(0, 0, self.item, start, iter(self._edges.get(self.item, ())))]
        # Whether the item at each depth was reached as a phantom.
        phantoms = [False]
        count = 0
        while stack:
            depth, level, _, amount, edges = stack[-1]
            edge = next(edges, None)
            if edge is None:
                stack.pop()
                phantoms.pop()
                continue
            if not self._is_listed(edge, depth):
                continue
            deeper = self._level(level, edge, depth, phantoms[-1])
            if self.max_level is not None and deeper > self.max_level:
                continue
            count += 1
            if count > MOST_STEPS:
                raise UsageError(
                    Problem(
                        f"{self.item} has more than {MOST_STEPS:,} lines when indented",
                        fix="use --summarised, or --max-level to see its upper levels",
                    )
                )
            item, reached = self._next(edge), self._move(amount, edge)
            yield self._step(depth + 1, deeper, edge, reached)
            if self._is_followed(edge):
                stack.append((depth + 1, deeper, item, reached, iter(self._edges.get(item, ()))))
                phantoms.append(edge.is_phantom)

    def totals(self) -> list[Total]:
        """Everything summed over all ways, by item; phantoms pass through and are left out of an explosion (rule 11).

        A phantom without a bill has nothing to stand in its place: it is kept, and then nothing is complete.

        Level by level, with all ways to the same item in one amount: the work grows with the lines, not with the ways.
        """
        frontier = {(self.item, False, 0): self._start()}
        unit = self.unit
        found: dict[tuple[str, Kind], dict[int, _Amount | _Effect]] = defaultdict(dict)
        units: dict[str, str] = {}
        is_whole = True
        depth = 0
        while frontier:
            following: dict[tuple[str, bool, int], _Amount | _Effect] = {}
            for (item, is_phantom, level), amount in frontier.items():
                for edge in self._edges.get(item, ()):
                    if not self._is_listed(edge, depth) or (self.is_down and not edge.is_chosen):
                        continue
                    deeper = self._level(level, edge, depth, is_phantom)
                    if self._closes(edge) or (self.max_level is not None and deeper > self.max_level):
                        continue
                    reached = self._move(amount, edge)
                    name = self._next(edge)
                    passes = self._passes_through(edge)
                    if edge.is_phantom and edge.kind == "component" and not passes:
                        is_whole = is_whole and not self.is_down
                    if not passes:
                        sums = found[name, edge.kind if self.is_down else "component"]
                        sums[deeper] = _add(sums.get(deeper), reached)
                        if self.is_down and edge.unit is not None:
                            units[name] = min(units.get(name, edge.unit), edge.unit)
                    if self._is_followed(edge):
                        key = (name, self.is_down and edge.is_phantom, deeper)
                        following[key] = _add(following.get(key), reached)
            frontier = following
            depth += 1
        totals = [
            self._total(name, kind, sums, units.get(name) if self.is_down else unit)
            for (name, kind), sums in found.items()
        ]
        return totals if is_whole else [replace(total, is_complete=False) for total in totals]

    def unknown(self) -> list[Edge]:
        """Lines whose unit can't be converted, so that what lies beyond them is incomplete (rule 19)."""
        return [e for edges in self._edges.values() for e in edges if e.is_chosen and e.required is None]

    @property
    def unit(self) -> str | None:
        """The asked item's base unit, as the lines that use it have it; None downwards, where no line does."""
        return min(
            (e.unit for e in self._edges.get(self.item, ()) if e.component == self.item and e.unit), default=None
        )

    def _start(self) -> _Amount | _Effect:
        if self.is_down:
            return _Amount(Fraction(1), Fraction(0), 1, is_complete=self.item not in self._cyclic)
        return _Effect(Fraction(1), Fraction(1), Fraction(0), 1, is_complete=self.item not in self._cyclic)

    def _next(self, edge: Edge) -> str:
        return edge.component if self.is_down else edge.parent

    def _is_listed(self, edge: Edge, depth: int) -> bool:
        # That an item comes out of an order says something about that item, not about what is above it.
        return self.is_down or edge.kind == "component" or depth == 0

    def _is_followed(self, edge: Edge) -> bool:
        if self._closes(edge):
            return False
        return not self.is_down or (edge.kind == "component" and edge.is_chosen)

    def _passes_through(self, edge: Edge) -> bool:
        """Whether a phantom's components stand in its place; one without a bill has none."""
        return (
            self.is_down
            and edge.is_phantom
            and edge.kind == "component"
            and any(below.is_chosen for below in self._edges.get(edge.component, ()))
        )

    def _closes(self, edge: Edge) -> bool:
        return (edge.parent, edge.component) in self._closing

    def _level(self, level: int, edge: Edge, depth: int, is_phantom: bool) -> int:
        passes = is_phantom if self.is_down else edge.is_phantom and depth > 0
        return level if passes else level + 1

    def _move(self, amount: _Amount | _Effect, edge: Edge) -> _Amount | _Effect:
        moved = amount.down(edge) if isinstance(amount, _Amount) else amount.up(edge)
        return replace(moved, is_complete=False) if self._next(edge) in self._cyclic else moved

    def _step(self, depth: int, level: int, edge: Edge, reached: _Amount | _Effect) -> Step:
        notes = []
        if edge.is_phantom:
            notes.append("phantom")
        if not edge.is_chosen:
            notes.append("alternate")
        if edge.kind != "component":
            notes.append(edge.kind.replace("_", "-"))
        if edge.is_fixed:
            notes.append("fixed quantity")
        if edge.required is None:
            notes.append("quantity unknown")
        if self._closes(edge):
            notes.append("cycle")
        counts = edge.is_chosen and edge.required is not None and not self._closes(edge)
        quantity = rounded(reached.total(self.order)) if counts else None
        return Step(depth, level, self._next(edge), edge, quantity, ", ".join(notes))

    def _total(self, name: str, kind: Kind, sums: dict[int, _Amount | _Effect], unit: str | None) -> Total:
        amounts = list(sums.values())
        quantity = rounded(sum((a.total(self.order) for a in amounts), Fraction(0)))
        return Total(
            item=name,
            kind=kind,
            quantity=quantity if quantity is not None else Decimal(0),
            unit=unit,
            level_min=min(sums),
            level_max=max(sums),
            paths=sum(a.paths for a in amounts),
            is_end=name not in self._edges,
            is_complete=all(a.is_complete for a in amounts),
        )


def explode(structure: Structure, item: str, *, order: Fraction = Fraction(1), max_level: int | None = None) -> Walk:
    """Everything that an order for an item needs."""
    return _walk(structure, item, is_down=True, order=order, max_level=max_level)


def where_used(structure: Structure, item: str, *, max_level: int | None = None) -> Walk:
    """Everything that holds an item, with how much of it one piece holds."""
    return _walk(structure, item, is_down=False, order=Fraction(1), max_level=max_level)


def _walk(structure: Structure, item: str, *, is_down: bool, order: Fraction, max_level: int | None) -> Walk:
    edges: dict[str, list[Edge]] = defaultdict(list)
    for edge in structure.edges:
        edges[edge.parent if is_down else edge.component].append(edge)
    # An alternate that isn't taken is no demand, so it closes no circle downwards; upwards it is still a use.
    neighbours = {
        name: sorted(
            {
                e.component if is_down else e.parent
                for e in lines
                if e.kind == "component" and (e.is_chosen or not is_down)
            }
        )
        for name, lines in edges.items()
    }
    found = cycles.find(neighbours, item)
    closing = frozenset(pair if is_down else (pair[1], pair[0]) for pair in found.closing)
    paths = tuple(path if is_down else tuple(reversed(path)) for path in found.paths)
    return Walk(structure, item, is_down, order, max_level, paths, dict(edges), closing, found.members)


def _add(one: _Amount | _Effect | None, other: _Amount | _Effect) -> _Amount | _Effect:
    match one, other:
        case _Amount(), _Amount():
            return one + other
        case _Effect(), _Effect():
            return one + other
        case _:
            return other
