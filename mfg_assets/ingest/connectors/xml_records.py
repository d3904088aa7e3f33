"""XML documents, read as a stream.

Belongs here: elements at `records_path` as records, with what stands around them. Doesn't belong here: mapping.

The names of columns say where a value stands, always without namespace prefixes: `quantity` is a child of the record,
`@id` its attribute, `dates/from` and `dates/@zone` lie deeper, `text()` is its own text. `bom.number` and `bom.@id` are
those of the surrounding element `bom`, which have to come before its records.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from mfg_assets.errors import Problem, SourceError
from mfg_assets.ingest.connectors.sparse import MAX_COLUMNS, SparseRows
from mfg_assets.ingest.connectors.table import Table
from mfg_assets.ingest.formats import MAX_RECORD_BYTES, Layout

_CHUNK = 1 << 16
# Expat keeps a whole tag in memory, attributes and all.
_MAX_TAG_BYTES = 16 << 20
_MAX_DEPTH = 200
_SHOWN = 20
# Where no other encoding is declared, the document says its own; the parser knows few of several bytes.
_DEFAULT_ENCODING = "utf-8"


def open_xml(path: Path, name: str, layout: Layout, folder: Path) -> Table:
    """The records of an XML document; every column is text.

    Raises:
        SourceError: not well-formed, cut off, with a document type, or without anything at `records_path`.
    """
    wanted = [part for part in (layout.records_path or "").split("/") if part]
    if not wanted:
        raise SourceError(Problem("XML needs records_path", path, fix="add records_path:, such as structures/bom/line"))
    rows = SparseRows(path, folder, layout.null_words)
    reader = _Reader(path, wanted, rows)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.doctype
    fed = 0
    try:
        for chunk in _chunks(path, layout.encoding):
            parser.Parse(chunk, False)
            fed += len(chunk)
            if fed - max(0, parser.CurrentByteIndex) > _MAX_TAG_BYTES:
                reader.fail(f"a tag has more than {_MAX_TAG_BYTES >> 20} MiB", parser.CurrentLineNumber)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        fix = "ask for the file again; it may be cut off or damaged"
        problem = Problem(f"not well-formed XML: {expat.ErrorString(error.code)}", path, error.lineno, fix)
        raise SourceError(problem) from error
    except (UnicodeDecodeError, ValueError, LookupError) as error:
        fix = "declare encoding:, such as cp1252 or shift_jis"
        raise SourceError(Problem(f"its encoding can't be read: {error}", path, fix=fix)) from error
    reader.check_found()
    return rows.table(name, reader.ambiguous, reader.warnings(name))


def _chunks(path: Path, encoding: str) -> Iterator[bytes | str]:
    if encoding == _DEFAULT_ENCODING:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    else:
        with path.open(encoding=encoding) as text:
            while part := text.read(_CHUNK):
                yield part


@dataclass
class _Scope:
    """The record, or an element around it: values found in it so far, under names that begin with `prefix`."""

    prefix: str
    values: dict[str, list[str | None]] = field(default_factory=dict)
    has_records: bool = False
    size: int = 0


@dataclass
class _Open:
    """An element whose end has not come yet. `inner` is its place within the scope; empty for the scope's own."""

    scope: _Scope
    inner: str
    is_step: bool
    texts: list[str] = field(default_factory=list)
    size: int = 0
    has_children: bool = False


class _Reader:
    def __init__(self, path: Path, wanted: list[str], rows: SparseRows) -> None:
        self.path, self.wanted, self.rows = path, wanted, rows
        self.open: list[_Open] = []
        self.scopes: list[_Scope] = []
        self.record: _Scope | None = None
        self.reached = 0
        self.seen: dict[str, None] = {}
        self.early: set[str] = set()
        self.late: set[str] = set()
        self.repeated: set[str] = set()

    @property
    def ambiguous(self) -> frozenset[str]:
        """Names of values around records that are not one value: a mapping must not use them."""
        return frozenset(name.lower() for name in self.repeated | (self.early & self.late))

    def warnings(self, name: str) -> tuple[str, ...]:
        only_late = sorted(self.late - self.early)
        if not only_late:
            return ()
        return (f"{name}: not read, because it comes after the records it stands around: {', '.join(only_late[:5])}",)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = _local(tag)
        if len(self.open) >= _MAX_DEPTH:
            self.fail(f"elements lie more than {_MAX_DEPTH} deep in each other")
        parent = self.open[-1] if self.open else None
        if parent is not None:
            parent.has_children = True
        depth = len(self.scopes)
        if self.record is None and (parent is None or parent.is_step):
            if name == self.wanted[depth]:
                element = self._step(name)
            elif parent is None:
                self.fail(f"the document is a <{name}>, records_path begins with {self.wanted[0]!r}")
            else:
                if depth == self.reached and len(self.seen) < _SHOWN:
                    self.seen[name] = None
                element = _Open(parent.scope, name, False)
        else:
            assert parent is not None  # noqa: S101 - the root is a step or was refused
            element = _Open(parent.scope, f"{parent.inner}/{name}" if parent.inner else name, False)
        self.open.append(element)
        for key, value in attributes.items():
            if key != "xmlns" and not key.startswith("xmlns:"):
                inner = f"{element.inner}/@{_local(key)}" if element.inner else f"@{_local(key)}"
                self._put(element.scope, inner, value.strip() or None)

    def _step(self, name: str) -> _Open:
        depth = len(self.scopes)
        if depth + 1 > self.reached:
            # What stands at the deepest step is remembered for the message that the next one is missing.
            self.reached, self.seen = depth + 1, {}
        if depth + 1 < len(self.wanted):
            self.scopes.append(_Scope(f"{name}."))
            return _Open(self.scopes[-1], "", True)
        for scope in self.scopes:
            scope.has_records = True
        self.record = _Scope("")
        return _Open(self.record, "", False)

    def text(self, data: str) -> None:
        if self.open:
            element = self.open[-1]
            element.size += len(data)
            if element.size <= MAX_RECORD_BYTES:
                element.texts.append(data)

    def end(self, _tag: str) -> None:
        element = self.open.pop()
        text = "".join(element.texts).strip() or None
        if element.inner:
            if text is not None or not element.has_children:
                self._put(element.scope, element.inner, text, element.size)
        elif text is not None:
            self._put(element.scope, "text()", text, element.size)
        if element.is_step:
            self.scopes.pop()
        elif element.scope is self.record and not element.inner:
            self._finish(element.scope)
            self.record = None

    def _put(self, scope: _Scope, inner: str, value: str | None, size: int | None = None) -> None:
        name = scope.prefix + inner
        if scope is self.record:
            # An empty element costs memory as well.
            scope.size += len(name) + (len(value or "") if size is None else size)
            if scope.size <= MAX_RECORD_BYTES:
                scope.values.setdefault(name, []).append(value)
        elif scope.has_records:
            if len(self.late) < MAX_COLUMNS:
                self.late.add(name)
        elif name in scope.values:
            if scope.values[name] != [value]:
                self.repeated.add(name)
        else:
            self.early.add(name)
            # A value of this size is a document within the document, and would stand beside each record.
            is_value = (len(value or "") if size is None else size) <= MAX_RECORD_BYTES // 10
            if not is_value:
                self.repeated.add(name)
            scope.values[name] = [value if is_value else None]
            if len(scope.values) > MAX_COLUMNS:
                self.fail(f"<{scope.prefix[:-1]}> holds more than {MAX_COLUMNS:,} different elements")

    def _finish(self, record: _Scope) -> None:
        if record.size > MAX_RECORD_BYTES:
            shown = json.dumps({name: values[0] for name, values in record.values.items()}, ensure_ascii=False)
            self.rows.refuse(shown, f"it has more than {MAX_RECORD_BYTES:,} characters")
            return
        values = {name: found[0] for scope in self.scopes for name, found in scope.values.items()}
        values |= {name: _one(found) for name, found in record.values.items()}
        self.rows.add(values)

    def doctype(self, *_: object) -> NoReturn:
        message = "it declares a document type (DOCTYPE), whose entities may expand without end or fetch other files"
        raise SourceError(Problem(message, self.path, fix="ask for XML without DOCTYPE"))

    def check_found(self) -> None:
        """Refuse a document in which nothing stands at the path; one whose innermost step is empty has no records."""
        if self.rows.count or not self.seen:
            return
        path, missing = "/".join(self.wanted), self.wanted[self.reached]
        found = ", ".join(self.seen)
        fix = "correct records_path:, or ask whether the element was renamed"
        message = f"there is nothing under {path!r}: {missing!r} is missing (there: {found})"
        raise SourceError(Problem(message, self.path, fix=fix))

    def fail(self, message: str, line: int | None = None) -> NoReturn:
        raise SourceError(Problem(message, self.path, line, fix="correct records_path:, or ask for the file again"))


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def _one(values: list[str | None]) -> str | None:
    """The value; what stands several times is a JSON array, as in a JSON document."""
    return values[0] if len(values) == 1 else json.dumps(values, ensure_ascii=False)
