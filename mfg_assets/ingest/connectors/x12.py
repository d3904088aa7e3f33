"""EDI X12: segments of interchanges, and whether their envelopes agree with what is in them.

Belongs here: delimiters, the envelopes ISA/GS/ST, control numbers and counts.
Doesn't belong here: which segments make a record (`x12_loops`).

Each interchange says in its ISA segment what separates its elements and ends its segments (ASC X12.5 and X12.6).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TextIO

from mfg_assets.errors import Problem, SourceError
from mfg_assets.ingest.formats import MAX_RECORD_BYTES

_CHUNK = 1 << 16
_ISA_ELEMENTS = 16
# ISA has 106 characters; blanks may be lost on the way, but nothing makes it much longer.
_ISA_CHARACTERS = 300
# Between interchanges: line ends, the byte-order mark, and what old systems end files with.
_BLANK = " \t\r\n\x00\x1a\ufeff"
_SHOWN = 60
# Since this version ISA11 holds the separator of repetitions, before it held a letter.
_REPETITION_SINCE = "00402"


@dataclass(frozen=True)
class Segment:
    """One segment. `number` counts from 1 in the file; `elements[0]` is its first element, blanks around it removed."""

    number: int
    id: str
    elements: list[str]

    def element(self, position: int) -> str:
        """An element by its number in the standard, from 1; the empty text where it isn't there."""
        return self.elements[position - 1] if position <= len(self.elements) else ""


@dataclass
class Envelope:
    """What surrounds a segment: the segments that opened the interchange, the group and the transaction set."""

    isa: Segment
    component: str
    gs: Segment | None = None
    st: Segment | None = None
    groups: int = 0
    sets: int = 0
    segments: int = 0
    group_numbers: set[str] = field(default_factory=set)
    set_numbers: set[str] = field(default_factory=set)


def read_segments(path: Path, encoding: str) -> Iterator[tuple[Envelope, Segment]]:
    """The segments of all transaction sets, from ST to SE; each envelope is checked when it closes.

    Raises:
        SourceError: no X12, cut off, or an envelope that doesn't agree with its content.
    """
    checker = _Checker(path)
    try:
        with path.open(encoding=encoding, newline="") as stream:
            for segment, component in _Splitter(path, stream).segments():
                inside = checker.take(segment, component)
                if inside is not None:
                    yield inside, segment
    except UnicodeDecodeError as error:
        fix = "declare encoding:, such as latin-1 or cp1252"
        raise SourceError(Problem(f"it is not {encoding}: {error.reason}", path, fix=fix)) from error
    checker.end()


class _Splitter:
    def __init__(self, path: Path, stream: TextIO) -> None:
        self.path, self.stream, self.buffer, self.number = path, stream, "", 0

    def _more(self) -> bool:
        chunk = self.stream.read(_CHUNK)
        self.buffer += chunk
        return bool(chunk)

    def segments(self) -> Iterator[tuple[Segment, str]]:
        while True:
            self.buffer = self.buffer.lstrip(_BLANK)
            if not self.buffer:
                if not self._more():
                    return
                continue
            separator, component, terminator = self._delimiters()
            ended = False
            while not ended:
                *whole, rest = self.buffer.split(terminator)
                for index, text in enumerate(whole):
                    segment = self._segment(text, separator)
                    if segment is None:
                        continue
                    yield segment, component
                    if segment.id == "IEA":
                        rest, ended = terminator.join([*whole[index + 1 :], rest]), True
                        break
                self.buffer = rest
                if len(rest) > MAX_RECORD_BYTES:
                    self._fail(f"segment {self.number + 1:,} has more than {MAX_RECORD_BYTES:,} characters")
                if not ended and not self._more():
                    if rest.strip(_BLANK):
                        self._fail(f"segment {self.number + 1:,} ({rest.strip()[:_SHOWN]}) has no end: it was cut off")
                    return

    def _delimiters(self) -> tuple[str, str, str]:
        while len(self.buffer) < _ISA_CHARACTERS and self._more():
            pass
        if not self.buffer.startswith("ISA") or len(self.buffer) < 4:
            shown = self.buffer.split("\n", 1)[0][:_SHOWN]
            self._fail(f"{shown!r} stands where an interchange begins with ISA")
        separator = self.buffer[3]
        parts = self.buffer[:_ISA_CHARACTERS].split(separator, _ISA_ELEMENTS)
        last = parts[-1] if len(parts) == _ISA_ELEMENTS + 1 else ""
        component, terminator = last[:1], last[1:2]
        marks = (separator, component, terminator)
        if len(set(marks)) < len(marks) or any(not mark or mark.isalnum() or mark == " " for mark in marks):
            self._fail(f"the delimiters can't be told, ISA is damaged: {self.buffer[:_SHOWN]!r}")
        return marks

    def _segment(self, text: str, separator: str) -> Segment | None:
        name, *elements = text.strip("\r\n").split(separator)
        if not elements and not name.strip(_BLANK):
            return None
        self.number += 1
        return Segment(self.number, name.strip(), [element.strip() for element in elements])

    def _fail(self, message: str) -> NoReturn:
        raise SourceError(Problem(message, self.path, fix="ask for the file again, or correct format:"))


class _Checker:
    """Follows envelopes opening and closing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.open: Envelope | None = None
        self.seen: set[tuple[str, str]] = set()

    def take(self, segment: Segment, component: str) -> Envelope | None:
        """The envelope of a segment that lies in a transaction set; None for those of the envelopes around."""
        now = self.open
        if now is None:
            if segment.id != "ISA":
                self._fail(segment, "stands outside of any interchange")
            key = (segment.element(6), segment.element(13))
            if key in self.seen:
                self._fail(segment, f"the interchange {key[1]} of {key[0]} stands twice in the file")
            self.seen.add(key)
            self.open = Envelope(segment, component)
            return None
        if now.st is not None:
            return self._inside(now, segment)
        if now.gs is None:
            self._in_interchange(now, segment)
            return None
        return self._in_group(now, segment)

    def _in_interchange(self, now: Envelope, segment: Segment) -> None:
        if segment.id == "GS":
            self._unique(segment, "group", segment.element(6), now.group_numbers)
            now.gs, now.sets, now.set_numbers = segment, 0, set()
            now.groups += 1
        elif segment.id == "IEA":
            self._count(segment, "IEA01", "groups", now.groups, "the interchange")
            self._number(segment, "IEA02", "ISA13", now.isa.element(13))
            self.open = None
        elif segment.id != "TA1":
            self._fail(segment, "stands where a group (GS) or the interchange's end (IEA) was expected")

    def _in_group(self, now: Envelope, segment: Segment) -> Envelope | None:
        assert now.gs is not None  # noqa: S101 - the caller looked
        if segment.id == "ST":
            self._unique(segment, "transaction set", segment.element(2), now.set_numbers)
            now.st, now.segments = segment, 1
            now.sets += 1
            return now
        if segment.id != "GE":
            self._fail(segment, "stands where a transaction set (ST) or the group's end (GE) was expected")
        self._count(segment, "GE01", "transaction sets", now.sets, f"the group {now.gs.element(6)}")
        self._number(segment, "GE02", "GS06", now.gs.element(6))
        now.gs = None
        return None

    def _inside(self, now: Envelope, segment: Segment) -> Envelope:
        assert now.st is not None  # noqa: S101 - the caller looked
        now.segments += 1
        if segment.id in ("ISA", "GS", "ST", "GE", "IEA"):
            self._fail(segment, f"stands within the transaction set {now.st.element(2)}, which has no end (SE)")
        if segment.id != "SE":
            return now
        self._count(segment, "SE01", "segments", now.segments, f"the transaction set {now.st.element(2)}")
        self._number(segment, "SE02", "ST02", now.st.element(2))
        closed = Envelope(now.isa, now.component, now.gs, now.st)
        now.st = None
        return closed

    def end(self) -> None:
        if self.open is not None:
            message = f"the file ends within the interchange {self.open.isa.element(13)}, before IEA: it was cut off"
            raise SourceError(Problem(message, self.path, fix="ask the partner to send it again"))
        if not self.seen:
            raise SourceError(Problem("the file holds no interchange", self.path, fix="ask for the file again"))

    def _count(self, segment: Segment, name: str, what: str, found: int, where: str) -> None:
        stated = segment.element(1)
        if not stated.isdigit() or int(stated) != found:
            self._fail(segment, f"{name} says {stated or 'nothing'} {what}, {where} has {found:,}")

    def _number(self, segment: Segment, name: str, opened: str, expected: str) -> None:
        stated = segment.element(2)
        if stated.lstrip("0") != expected.lstrip("0") or not stated:
            self._fail(segment, f"the control number {name} is {stated or 'missing'}, {opened} is {expected}")

    def _unique(self, segment: Segment, what: str, number: str, seen: set[str]) -> None:
        if number in seen:
            self._fail(segment, f"the {what} {number} stands twice")
        seen.add(number)

    def _fail(self, segment: Segment, message: str) -> NoReturn:
        shown = "*".join([segment.id, *segment.elements])[:_SHOWN]
        where = f"interchange {self.open.isa.element(13)}, " if self.open is not None else ""
        problem = Problem(
            f"{where}segment {segment.number:,} ({shown}): {message}",
            self.path,
            fix="ask the partner to send the interchange again",
        )
        raise SourceError(problem)
