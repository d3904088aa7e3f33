"""Cycles in a structure: which step closes each, and the whole path.

Belongs here: the search. Doesn't belong here: what a walk does about them (`walk`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Cycles:
    """What the search found.

    Attributes:
        closing: steps (from, to) that lead back to where the search came from; without them there is no cycle left.
        paths: one closed path per such step, first item repeated at the end.
        members: every item that lies on some cycle.
    """

    closing: frozenset[tuple[str, str]]
    paths: tuple[tuple[str, ...], ...]
    members: frozenset[str]


def find(neighbours: Mapping[str, Iterable[str]], start: str) -> Cycles:
    """Search everything that can be reached from an item, depth first and without recursion."""
    closing: list[tuple[str, str]] = []
    paths: list[tuple[str, ...]] = []
    finished: dict[str, None] = {}
    position = {start: 0}
    path = [start]
    pending = [iter(neighbours.get(start, ()))]
    while pending:
        following = next(pending[-1], None)
        if following is None:
            pending.pop()
            done = path.pop()
            del position[done]
            finished[done] = None
        elif following in position:
            closing.append((path[-1], following))
            paths.append((*path[position[following] :], following))
        elif following not in finished:
            position[following] = len(path)
            path.append(following)
            pending.append(iter(neighbours.get(following, ())))
    members = _members(neighbours, list(finished)) if closing else frozenset[str]()
    return Cycles(frozenset(closing), tuple(paths), members)


def _members(neighbours: Mapping[str, Iterable[str]], finished: list[str]) -> frozenset[str]:
    """Items of strongly connected groups (Kosaraju): taken in reverse order of finishing, along reversed steps."""
    reached = set(finished)
    reverse: dict[str, list[str]] = {}
    members: set[str] = set()
    for item in finished:
        for following in neighbours.get(item, ()):
            if following in reached:
                reverse.setdefault(following, []).append(item)
                if following == item:
                    members.add(item)
    assigned: set[str] = set()
    for root in reversed(finished):
        group: list[str] = []
        waiting = [root] if root not in assigned else []
        assigned.update(waiting)
        while waiting:
            item = waiting.pop()
            group.append(item)
            fresh = [other for other in reverse.get(item, ()) if other not in assigned]
            assigned.update(fresh)
            waiting += fresh
        if len(group) > 1:
            members.update(group)
    return frozenset(members)
