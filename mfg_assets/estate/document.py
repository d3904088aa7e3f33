"""A YAML file as plain data that remembers the line of everything in it.

Belongs here: parsing, duplicate keys, interpolation, looking up lines.
Doesn't belong here: what keys mean (`models`) and whether they agree with each other (`references`, `mappings`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mfg_assets.errors import Problem
from mfg_assets.estate.interpolate import interpolate

Location = tuple[str | int, ...]

# Aliases may repeat a part many times over; an estate is far below this, a malicious file soon above it.
_MOST_NODES = 200_000
_TAG = "tag:yaml.org,2002:"

_SYNTAX_FIXES = {
    "found character '\\t' that cannot start any token": "indent with spaces, never with tabs",
    "mapping values are not allowed here": "put a text that holds ': ' in quotes, and check the indentation",
    "could not find expected ':'": "write key: value, with a space after the colon",
    "expected <block end>": "align this line with its siblings above",
    "expected ',' or": "close the bracket, and put a text that holds brackets or commas in quotes",
    "found undefined alias": "define the anchor (&name) above its first use (*name)",
    "while scanning a quoted scalar": "close the quote",
    "expected a single document": "keep one document in a file: remove the line ---",
}


@dataclass
class Document:
    """One parsed YAML file.

    `lines` gives the 1-based line of each location (a tuple of keys and list positions). `variables` holds the text as
    written of values that name environment variables: those are shown in messages instead of their values, which may
    be secret. `tainted` holds the locations that have a problem which makes them unusable.
    """

    path: Path
    data: Any = None
    lines: dict[Location, int] = field(default_factory=dict)
    variables: dict[Location, str] = field(default_factory=dict)
    tainted: set[Location] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    is_readable: bool = True

    def line(self, location: Location) -> int | None:
        """The line of a location or, where the file has no such part, of the nearest part around it."""
        for length in range(len(location), -1, -1):
            found = self.lines.get(location[:length])
            if found is not None:
                return found
        return None

    def report(self, location: Location, message: str, fix: str | None = None) -> None:
        """Add a problem at a location that no later check may rely on."""
        self.tainted.add(location)
        self.problems.append(Problem(message, self.path, self.line(location), fix))

    def is_tainted(self, location: Location) -> bool:
        """Whether a problem was reported at this location or around it (not inside it)."""
        return any(location[:length] in self.tainted for length in range(len(location) + 1))

    @property
    def root(self) -> Part:
        """The whole document."""
        return Part(self, (), self.data)


@dataclass(frozen=True)
class Part:
    """A place in a document, for walking it whatever its shape: what is missing or of another type is just empty."""

    document: Document
    location: Location
    value: Any

    def __getitem__(self, key: str) -> Part:
        inner = self.value.get(key) if isinstance(self.value, dict) else None
        return Part(self.document, (*self.location, key), inner)

    @property
    def exists(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    @property
    def is_reported(self) -> bool:
        """Whether a problem already makes this part unusable."""
        return self.document.is_tainted(self.location)

    @property
    def text(self) -> str | None:
        """The value where it is a usable text: not empty, and no problem reported about it."""
        if isinstance(self.value, str) and self.value and not self.document.is_tainted(self.location):
            return self.value
        return None

    @property
    def shown(self) -> str:
        """The text as it may stand in a message."""
        return self.document.variables.get(self.location, str(self.value))

    def members(self) -> Iterator[tuple[str, Part]]:
        """Keys and values of a mapping, in the order of the file."""
        if isinstance(self.value, dict):
            for key, inner in self.value.items():
                yield key, Part(self.document, (*self.location, key), inner)

    def items(self) -> Iterator[Part]:
        """Items of a list, in the order of the file."""
        if isinstance(self.value, list):
            for position, inner in enumerate(self.value):
                yield Part(self.document, (*self.location, position), inner)

    def report(self, message: str, fix: str | None = None, *, unusable: bool = False) -> None:
        """Add a problem here. `unusable`: no later check may rely on this part."""
        document = self.document
        document.problems.append(Problem(message, document.path, document.line(self.location), fix))
        if unusable:
            document.tainted.add(self.location)


def read_document(path: Path, environ: Mapping[str, str]) -> Document:
    """Parse one YAML file. What is wrong with it stands in the document's `problems`; this raises nothing."""
    document = Document(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return _unreadable(document, Problem("the file is missing", path))
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        return _unreadable(document, Problem("the file is not UTF-8", path, line, "save it in UTF-8"))
    except OSError as error:
        return _unreadable(document, Problem(f"the file can't be read: {error.strerror}", path))
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except YAMLError as error:
        return _unreadable(document, _syntax_problem(path, text, error))
    if node is not None:
        document.data = _Builder(document, environ).build(node, ())
    document.lines.setdefault((), 1)
    return document


def _unreadable(document: Document, problem: Problem) -> Document:
    document.problems.append(problem)
    document.is_readable = False
    document.tainted.add(())
    return document


def _syntax_problem(path: Path, text: str, error: YAMLError) -> Problem:
    line, what = None, str(error).splitlines()[0]
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        what = ", ".join(part for part in (error.context, error.problem) if part) or what
    elif (position := getattr(error, "position", None)) is not None:
        line, what = text[:position].count("\n") + 1, "a control character that YAML doesn't allow"
    fix = next((fix for sign, fix in _SYNTAX_FIXES.items() if sign in what), "correct the YAML here or just above")
    return Problem(f"not valid YAML: {what}", path, line, fix)


class _Builder:
    """Turns composed nodes into dicts, lists and scalars, and notes lines on the way."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self.document = document
        self.environ = environ
        self.count = 0
        self.open: list[Node] = []

    def build(self, node: Node, location: Location, line: int | None = None) -> Any:
        """The value of a node. `line` is that of its key, where it has one."""
        self.document.lines[location] = node.start_mark.line + 1 if line is None else line
        self.count += 1
        if self.count > _MOST_NODES or any(node is outer for outer in self.open):
            if () not in self.document.tainted:
                self.document.report((), "aliases (*name) repeat a part without end", "write the repeated part out")
            return None
        self.open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, location)
            if isinstance(node, SequenceNode):
                return [self.build(item, (*location, i)) for i, item in enumerate(node.value)]
            return self._scalar(node, location)
        finally:
            self.open.pop()

    def _mapping(self, node: MappingNode, location: Location) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == f"{_TAG}merge":
                self._merge(value_node, location, result)
        own: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == f"{_TAG}merge":
                continue
            if not isinstance(key_node, ScalarNode):
                self._problem(line, "a key must be a plain text", "write key: value")
                continue
            key = str(key_node.value)
            if key in own:
                self._problem(line, f"the key {key!r} stands twice, first in line {own[key]}", "keep one of them")
                continue
            own[key] = line
            result[key] = self.build(value_node, (*location, key), line)
        return result

    def _merge(self, node: Node, location: Location, result: dict[str, Any]) -> None:
        for source in node.value if isinstance(node, SequenceNode) else [node]:
            if not isinstance(source, MappingNode):
                self._problem(source.start_mark.line + 1, "<< merges a mapping, here it isn't one", "write <<: *anchor")
                continue
            for key, value in self._mapping(source, location).items():
                result.setdefault(key, value)

    def _problem(self, line: int, message: str, fix: str) -> None:
        self.document.problems.append(Problem(message, self.document.path, line, fix))

    def _scalar(self, node: Node, location: Location) -> Any:
        kind, text = node.tag.removeprefix(_TAG), str(node.value)
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in ("true", "yes", "on")
        if kind in ("int", "float"):
            return _number(text)
        if kind not in ("str", "timestamp", "value"):
            self.document.report(location, f"the YAML tag {node.tag!r} is not used in an estate", "remove the tag")
            return None
        done = interpolate(text, self.environ)
        if done.variables:
            self.document.variables[location] = text
        for name in done.missing:
            self.document.report(
                location,
                f"the environment variable {name} is not set",
                f"set {name}, or give a default: ${{{name}:-default}}",
            )
        for reference in done.broken:
            self.document.report(
                location, f"{reference!r} is no variable", "write ${NAME} or ${NAME:-default}; $$ stands for one $"
            )
        return done.text


def _number(text: str) -> int | float | str:
    """A YAML 1.2 number; what Python can't read as one stays text."""
    for kind in (lambda t: int(t, 0), int, float):
        try:
            return kind(text.replace("_", ""))
        except ValueError:
            continue
    return text
