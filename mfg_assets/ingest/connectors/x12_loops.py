"""EDI X12: loops of a transaction set as records, with the values of all that stands around them.

Belongs here: which segments make a record, and how columns are called. Doesn't belong here: envelopes (`x12`).

A column is a segment and the number of an element: `BAK03`, `PO101`. Where the first element says what a segment is
about (`DTM*068*…`, `REF*CO*…`, `N1*ST*…`), it is part of the name: `DTM_068` is the second element, `N1_ST04` another.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from mfg_assets.errors import Problem, SourceError
from mfg_assets.ingest.connectors.sparse import SparseRows
from mfg_assets.ingest.connectors.table import Table
from mfg_assets.ingest.connectors.x12 import Envelope, Segment, read_segments
from mfg_assets.ingest.formats import Layout

# Segments that mean something else with each qualifier in their first element.
_QUALIFIED = frozenset({"AMT", "DTM", "DTP", "MAN", "N1", "PER", "QTY", "REF"})
# They go on with the party that the N1 before them names.
_OF_PARTY = frozenset({"N2", "N3", "N4"})
# The summary of a transaction set: no line goes on after these.
_SUMMARY = frozenset({"CTT", "AK9", "SE"})
# What CTT01 counts: lines of orders, acknowledgements, changes and invoices; all levels of a hierarchy.
_LINES = frozenset({"PO1", "POC", "IT1"})
_ITEM_LEVEL = "I"

# Segment, then qualifier and element or element alone; component; which of several.
_NAME = re.compile(r"[A-Z][A-Z0-9]{1,2}(_[A-Z0-9]{1,3}([0-9]{2})?|[0-9]{2})([.][0-9]+)?(_[0-9]+)?")

# Segments of one place by the part of the name that they share; several in their order.
_Scope = dict[str, list[list[tuple[str, str]]]]


def open_x12(path: Path, name: str, layout: Layout, folder: Path) -> Table:
    """The loops of one kind of transaction set; every column is text.

    Raises:
        SourceError: no X12, cut off, or an envelope that doesn't agree with its content: the file is refused whole.
    """
    if layout.transaction is None:
        raise SourceError(Problem("X12 needs the transaction set to read", path, fix='add transaction:, such as "855"'))
    rows = SparseRows(path, folder, layout.null_words)
    taker = _Taker(path, layout, rows)
    for envelope, segment in read_segments(path, layout.encoding):
        taker.take(envelope, segment)
    table = rows.table(name, warnings=tuple(f"{name}: {text}" for text in taker.warnings()))
    return replace(table, standard=_NAME)


class _Taker:
    def __init__(self, path: Path, layout: Layout, rows: SparseRows) -> None:
        self.path, self.wanted, self.rows = path, layout.transaction, rows
        loop = layout.loop or ""
        self.is_hierarchy = loop == "HL" or loop.startswith("HL_")
        self.level = loop[3:] or _ITEM_LEVEL
        self.loops = [] if self.is_hierarchy else [part for part in loop.split("/") if part]
        self.name = loop
        self.others: Counter[str] = Counter()
        self.empty = self.miscounted = 0

    def warnings(self) -> list[str]:
        found = [f"transaction sets {code} left out: {count:,}" for code, count in sorted(self.others.items())]
        if self.empty:
            found.append(f"transaction sets {self.wanted} without {self.name}: {self.empty:,}")
        if self.miscounted:
            found.append(f"transaction sets whose CTT01 is not the number of their lines: {self.miscounted:,}")
        return found

    def take(self, envelope: Envelope, segment: Segment) -> None:
        assert envelope.st is not None  # noqa: S101 - only segments of transaction sets come here
        if envelope.st.element(1) != self.wanted:
            if segment.id == "ST":
                self.others[segment.element(1)] += 1
            return
        if segment.id == "ST":
            self._begin(envelope)
        elif segment.id in _SUMMARY and (self.loops or self.is_hierarchy):
            self._check_count(segment)
            self._close(0)
            self.is_over = True
        elif self.is_hierarchy and segment.id == "HL" and not self.is_over:
            self._hierarchy(segment)
        elif segment.id in self.loops and self.loops.index(segment.id) < len(self.scopes) and not self.is_over:
            self._loop(segment)
        elif not self.is_over and segment.id != "SE":
            self._put(self.scopes[-1], segment)
        if segment.id == "SE":
            self._finish()

    def _begin(self, envelope: Envelope) -> None:
        """The header: one scope, in which the segments of the envelope stand as well."""
        self.component = envelope.component
        self.scopes: list[_Scope] = [{}]
        self.has_rows: list[bool] = [False]
        self.party = ""
        self.parents: dict[str, tuple[_Scope, str]] = {}
        self.current: tuple[_Scope, str, str] | None = None
        self.lines = 0
        self.is_over = False
        for segment in (envelope.isa, envelope.gs, envelope.st):
            if segment is not None:
                self._put(self.scopes[0], segment)

    def _loop(self, segment: Segment) -> None:
        depth = self.loops.index(segment.id)
        self.lines += depth == 0
        self._close(depth)
        self.scopes.append({})
        self.has_rows.append(False)
        self._put(self.scopes[-1], segment)

    def _close(self, depth: int) -> None:
        """End all loops from that depth on. One without a loop of its own inside is a record all the same."""
        if self.is_hierarchy:
            self._emit_level()
            del self.scopes[1:]
        while len(self.scopes) > depth + 1:
            if not self.has_rows[-1]:
                self._emit(self.scopes)
            self.scopes.pop()
            self.has_rows.pop()
            self.has_rows[-1] = True
        self.party = ""

    def _hierarchy(self, segment: Segment) -> None:
        self._close(0)
        own, parent = segment.element(1), segment.element(2)
        where = f"segment {segment.number:,} (HL*{'*'.join(segment.elements)}): "
        fix = "ask the partner to send the interchange again"
        if own in self.parents:
            raise SourceError(Problem(f"{where}the level {own!r} stands twice", self.path, fix=fix))
        if parent and parent not in self.parents:
            raise SourceError(Problem(f"{where}there is no level {parent!r} before it", self.path, fix=fix))
        self.lines += 1
        scope: _Scope = {}
        self.parents[own] = (scope, parent)
        self.current = (scope, parent, segment.element(3))
        self.scopes.append(scope)
        self._put(scope, segment)

    def _emit_level(self) -> None:
        if self.current is None:
            return
        scope, parent, level = self.current
        self.current = None
        if level != self.level:
            return
        chain = [scope]
        while parent:
            above, parent = self.parents[parent]
            chain.append(above)
        self._emit([self.scopes[0], *reversed(chain)])
        self.has_rows[0] = True

    def _emit(self, scopes: list[_Scope]) -> None:
        """A record: segments of the nearest place count, whole; so a line's own dates stand for those of the header."""
        nearest: _Scope = {}
        for scope in scopes:
            nearest |= scope
        values: dict[str, str | None] = {}
        for occurrences in nearest.values():
            for number, cells in enumerate(occurrences, start=1):
                suffix = f"_{number}" if number > 1 else ""
                for name, value in cells:
                    values[name + suffix] = value or None
        self.rows.add(values)

    def _put(self, scope: _Scope, segment: Segment) -> None:
        if segment.id == "N1":
            self.party = segment.element(1)
        qualifier = segment.element(1) if segment.id in _QUALIFIED else ""
        if segment.id in _OF_PARTY:
            qualifier, skipped = self.party, 0
        else:
            skipped = 1 if qualifier else 0
        base = f"{segment.id}_{qualifier}" if qualifier else segment.id
        cells: list[tuple[str, str]] = []
        for position, value in enumerate(segment.elements[skipped:], start=skipped + 1):
            name = base if skipped and position == 2 else f"{base}{position:02}"
            cells.append((name, value))
            # In ISA16 the separator is the value.
            if self.component in value and segment.id != "ISA":
                cells += [(f"{name}.{k}", part) for k, part in enumerate(value.split(self.component), start=1)]
        scope.setdefault(base, []).append(cells)

    def _check_count(self, segment: Segment) -> None:
        stated = segment.element(1)
        counts_lines = self.is_hierarchy or self.loops[0] in _LINES
        if counts_lines and segment.id == "CTT" and stated.isdigit() and int(stated) != self.lines:
            self.miscounted += 1

    def _finish(self) -> None:
        if not self.loops and not self.is_hierarchy:
            self._emit(self.scopes)
        elif not self.has_rows[0]:
            self.empty += 1
