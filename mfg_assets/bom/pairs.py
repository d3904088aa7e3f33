"""Which line of one bill is which line of another (rule 7).

Belongs here: pairing the lines of one assembly. Doesn't belong here: judging pairs (`compare`).

As in dbt's `bom_comparison`, lines of one component are paired by what is most alike, and never by position alone,
because positions get renumbered. Beyond that, where both sides identify a line by position or by reference designators,
what is left at the same place is a line whose component was replaced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

from mfg_assets.bom.designators import designator_set
from mfg_assets.bom.model import Edge

Key = Callable[[Edge], Hashable]
Pair = tuple[Edge | None, Edge | None]

_LIKENESS: tuple[Key, ...] = (
    lambda e: designator_set(e.reference_designators) or None,
    lambda e: (e.position, e.operation_sequence, e.quantity_per),
    lambda e: (e.operation_sequence, e.quantity_per),
    lambda e: (e.quantity_per,),
    lambda e: (e.operation_sequence,),
    lambda e: (),
)
_PLACE: dict[str, Key] = {
    "position": lambda e: e.position,
    "reference_designator": lambda e: designator_set(e.reference_designators) or None,
}


def pair_lines(a: Sequence[Edge], b: Sequence[Edge], *, identity: str) -> list[Pair]:
    """Every line of both, paired where it is the same line; in the order of `a`, then what only `b` has.

    Args:
        a: lines of an assembly on one side, in their order.
        b: those of the same assembly on the other.
        identity: what both sides identify a line by; `component` where they differ.
    """
    partner: dict[int, int] = {}
    keys: list[Key] = [lambda e, like=like: _within(e, like(e)) for like in _LIKENESS]
    if identity in _PLACE:
        place = _PLACE[identity]
        keys.append(lambda e: None if place(e) is None else (e.kind, place(e)))
    for key in keys:
        _match(a, b, key, partner)
    taken = set(partner.values())
    pairs: list[Pair] = [(line, b[partner[n]] if n in partner else None) for n, line in enumerate(a)]
    return pairs + [(None, line) for n, line in enumerate(b) if n not in taken]


def _within(edge: Edge, likeness: Hashable) -> Hashable:
    return None if likeness is None else (edge.component, edge.kind, likeness)


def _match(a: Sequence[Edge], b: Sequence[Edge], key: Key, partner: dict[int, int]) -> None:
    """Pair what has the same key and no partner yet, in order; what has no key stays free."""
    taken = set(partner.values())
    free: dict[Hashable, list[int]] = defaultdict(list)
    for n, line in enumerate(b):
        if n not in taken and (value := key(line)) is not None:
            free[value].append(n)
    for n, line in enumerate(a):
        if n not in partner and (value := key(line)) is not None and free[value]:
            partner[n] = free[value].pop(0)
