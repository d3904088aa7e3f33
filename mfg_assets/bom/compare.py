"""Two structures of an item held against each other, line by line and attribute by attribute.

Belongs here: which lines were added, removed and changed, down all levels; what a tolerance lets pass.
Doesn't belong here: reading (`read`), pairing (`pairs`), layout (cli), the comparison of all bills (dbt's
`bom_comparison`, whose rules these are).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from mfg_assets.bom.designators import designator_set
from mfg_assets.bom.model import Edge, Structure, Total
from mfg_assets.bom.pairs import Pair, pair_lines
from mfg_assets.bom.walk import MOST_STEPS
from mfg_assets.errors import Problem, UsageError

Status = Literal["added", "removed", "changed", "position_only", "same"]


@dataclass(frozen=True)
class Rules:
    """What the estate declares about comparing.

    Attributes:
        tolerances: attribute of bom_line → absolute and relative difference that counts as none (rule 38).
        identity: system → what identifies a line there (rule 7).
        delivered: system → attributes of bom_line that it delivers; one that isn't here delivers all. What a system
            doesn't deliver it says nothing about, so nothing differs.
    """

    tolerances: Mapping[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    identity: Mapping[str, str] = field(default_factory=dict)
    delivered: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """An attribute (as the contract of bom_line calls it) and its two values."""

    attribute: str
    a: object
    b: object


@dataclass(frozen=True)
class Row:
    """A line of either structure, or of both, in the order to print it.

    Attributes:
        depth: levels below the compared item.
        path: items from the compared one to the line's parent.
        a: the line on the first side, None where only the second has it.
        b: the line on the second side, None where only the first has it.
        status: added (only the second has it), removed, changed, position_only (nothing but its number), same.
        changes: what differs; empty unless changed or position_only.
        is_repeated: the component's own bill is compared at an earlier line, and not once more.
    """

    depth: int
    path: tuple[str, ...]
    a: Edge | None
    b: Edge | None
    status: Status
    changes: tuple[Change, ...] = ()
    is_repeated: bool = False

    @property
    def line(self) -> Edge:
        """The second side's line, or else the first's."""
        line = self.b or self.a
        if line is None:
            raise ValueError("a row has a line")
        return line


@dataclass(frozen=True)
class Comparison:
    """Two structures side by side."""

    rows: tuple[Row, ...]

    def counts(self) -> dict[Status, int]:
        """How many lines of each kind there are, each bill counted once."""
        counted = Counter(row.status for row in self.rows)
        order: tuple[Status, ...] = ("added", "removed", "changed", "position_only", "same")
        return {status: counted[status] for status in order}

    def relevant(self) -> Iterator[Row]:
        """What differs, and the lines on the way to it."""
        kept: list[Row] = []
        needed = 0
        for row in reversed(self.rows):
            if row.status != "same" or row.depth < needed:
                kept.append(row)
                needed = row.depth
        return reversed(kept)


def compare(
    a: Structure, b: Structure, items: tuple[str, str], rules: Rules, *, max_level: int | None = None
) -> Comparison:
    """Hold two structures against each other.

    Args:
        a: the first.
        b: the second.
        items: the compared item on either side; usually the same one.
        rules: tolerances and identities.
        max_level: nothing below this level.

    Raises:
        UsageError: there is more than anybody reads.
    """
    walk = _Walk(_by_parent(a.edges), _by_parent(b.edges), rules, max_level)
    walk.bills(items, 1, (items[0],))
    return Comparison(tuple(walk.rows))


@dataclass(frozen=True)
class Need:
    """What one piece takes of an item on either side, and whether that is the same.

    `is_complete` is False where a cycle or an unknown quantity lies on a way to it, so that nobody can say.
    """

    item: str
    unit: str | None
    a: Decimal | None
    b: Decimal | None
    is_equal: bool
    is_complete: bool


def net_requirement(a: Sequence[Total], b: Sequence[Total], rules: Rules) -> list[Need]:
    """The bottom of both structures side by side (rule 17): what isn't made of anything else, summed over all ways."""
    left, right = ({(t.item, t.kind): t for t in side if t.is_end} for side in (a, b))
    needs = []
    for key in sorted({*left, *right}):
        one, other = left.get(key), right.get(key)
        is_equal = (
            one is not None
            and other is not None
            and one.unit == other.unit
            and _near(one.quantity, other.quantity, "quantity", rules)
        )
        unit = (other or one).unit if other or one else None  # pyright: ignore[reportOptionalMemberAccess]
        is_complete = all(total.is_complete for total in (one, other) if total)
        needs.append(Need(key[0], unit, one and one.quantity, other and other.quantity, is_equal, is_complete))
    return needs


class _Walk:
    """The state of one comparison: what is collected, and which bills are done."""

    def __init__(self, a: dict[str, list[Edge]], b: dict[str, list[Edge]], rules: Rules, max_level: int | None) -> None:
        self.sides = (a, b)
        self.rules = rules
        self.max_level = max_level
        self.rows: list[Row] = []
        self.done: set[str] = set()

    def bills(self, parents: tuple[str, str], depth: int, path: tuple[str, ...]) -> None:
        """Compare the bills of one item, or of two, and what is below the lines that both have."""
        lines = [side.get(parent, []) for side, parent in zip(self.sides, parents, strict=True)]
        pairs = pair_lines(*lines, identity=self._identity(lines))
        ranks = _ranks(pairs)
        for a, b in pairs:
            changes = tuple(_changes(a, b, ranks, self.rules)) if a and b else ()
            component = a.component if a and b and a.component == b.component else None
            # A cycle ends here too: what is on the way has been done.
            goes_on = component is not None and any(component in side for side in self.sides)
            is_repeated = goes_on and (component in self.done or component in path)
            self.rows.append(Row(depth, path, a, b, _status(a, b, changes), changes, is_repeated))
            if len(self.rows) > MOST_STEPS:
                fix = "use --max-level, or compare an item further down"
                raise UsageError(Problem(f"the comparison has more than {MOST_STEPS:,} lines", fix=fix))
            if component is not None and goes_on and not is_repeated and depth != self.max_level:
                self.done.add(component)
                self.bills((component, component), depth + 1, (*path, component))

    def _identity(self, lines: Sequence[Sequence[Edge]]) -> str:
        declared = {self.rules.identity.get(edge.source_system, "component") for side in lines for edge in side}
        return declared.pop() if len(declared) == 1 else "component"


def _by_parent(edges: Sequence[Edge]) -> dict[str, list[Edge]]:
    lines: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        lines[edge.parent].append(edge)
    return dict(lines)


def _status(a: Edge | None, b: Edge | None, changes: Sequence[Change]) -> Status:
    if a is None:
        return "added"
    if b is None:
        return "removed"
    if not changes:
        return "same"
    return "position_only" if {c.attribute for c in changes} == {"position"} else "changed"


def _ranks(pairs: Sequence[Pair]) -> dict[int, int]:
    """Place of each paired alternate within its group (rule 12): 1, 2 and 10, 20 are the same order."""
    groups: dict[tuple[str, str], list[tuple[Edge, Edge]]] = defaultdict(list)
    for a, b in pairs:
        if a and b and a.alternate_group is not None and b.alternate_group is not None:
            groups[a.alternate_group, b.alternate_group].append((a, b))
    ranks: dict[int, int] = {}
    for members in groups.values():
        for side in zip(*members, strict=True):
            known = sorted({e.alternate_priority for e in side if e.alternate_priority is not None})
            ranks |= {id(e): known.index(e.alternate_priority) for e in side if e.alternate_priority is not None}
    return ranks


_PLAIN: tuple[tuple[str, Callable[[Edge], object]], ...] = (
    ("line_type", lambda e: e.kind),
    ("component_item_number", lambda e: e.component),
    ("component_revision", lambda e: e.component_revision),
    ("unit", lambda e: e.unit),
    ("is_net", lambda e: e.is_net),
    ("is_phantom", lambda e: e.is_phantom),
    ("operation_sequence", lambda e: e.operation_sequence),
    ("position", lambda e: e.position),
)
_NUMBERS: tuple[tuple[str, Callable[[Edge], Decimal | None]], ...] = (
    ("quantity", lambda e: e.quantity_per),
    ("component_scrap", lambda e: e.scrap),
    ("assembly_scrap", lambda e: e.assembly_scrap),
    ("usage_probability", lambda e: e.usage_probability),
)


def _changes(a: Edge, b: Edge, ranks: Mapping[int, int], rules: Rules) -> Iterator[Change]:
    """Attributes that differ, of those that both sides say something about."""
    is_one_system = a.source_system == b.source_system

    def compared(attribute: str) -> bool:
        return is_one_system or all(
            edge.source_system not in rules.delivered or attribute in rules.delivered[edge.source_system]
            for edge in (a, b)
        )

    def both_say(*values: object) -> bool:
        # Of another system, what isn't filled in isn't another value.
        return is_one_system or all(value is not None for value in values)

    for attribute, number in _NUMBERS:
        one, other = number(a), number(b)
        # Per order and per piece are no quantities to compare (rule 9).
        is_said = a.is_fixed == b.is_fixed if attribute == "quantity" else compared(attribute) and both_say(one, other)
        if is_said and not _near(one, other, attribute, rules):
            yield Change(attribute, one, other)
    if a.is_fixed != b.is_fixed:
        yield Change("is_fixed_quantity", a.is_fixed, b.is_fixed)
    if a.scrap and b.scrap and compared("scrap_method") and a.scrap_method != b.scrap_method:
        yield Change("scrap_method", a.scrap_method, b.scrap_method)
    for attribute, value in _PLAIN:
        one, other = value(a), value(b)
        if one != other and (attribute == "component_item_number" or (compared(attribute) and both_say(one, other))):
            yield Change(attribute, one, other)
    if compared("alternate_group") and (a.alternate_group is None) != (b.alternate_group is None):
        yield Change("alternate_group", a.alternate_group, b.alternate_group)
    if ranks.get(id(a)) != ranks.get(id(b)) and both_say(a.alternate_priority, b.alternate_priority):
        yield Change("alternate_priority", a.alternate_priority, b.alternate_priority)
    if (
        compared("reference_designators")
        and both_say(a.reference_designators, b.reference_designators)
        and designator_set(a.reference_designators) != designator_set(b.reference_designators)
    ):
        yield Change("reference_designators", a.reference_designators, b.reference_designators)
    # Each revision of a bill has its own period, which says nothing about its lines.
    if a.revision == b.revision:
        if a.effective_from != b.effective_from and both_say(a.effective_from, b.effective_from):
            yield Change("effective_from", a.effective_from, b.effective_from)
        if a.effective_to != b.effective_to:
            yield Change("effective_to", a.effective_to, b.effective_to)


def _near(a: Decimal | None, b: Decimal | None, attribute: str, rules: Rules) -> bool:
    """Whether two numbers are the same within the estate's tolerance (rule 38); what is unknown is only like itself."""
    if a is None or b is None:
        return a is b
    absolute, relative = rules.tolerances.get(attribute, (Decimal(0), Decimal(0)))
    return abs(a - b) <= max(absolute, relative * max(abs(a), abs(b)))
