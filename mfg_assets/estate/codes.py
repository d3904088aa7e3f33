"""Code maps: `codes/<name>.csv` with the columns system, native, code.

Belongs here: reading them, and what is wrong with a row by itself.
Doesn't belong here: whether the codes exist (`references`) or how landing applies them (ingest).
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from mfg_assets.errors import Problem
from mfg_assets.estate.models import CodeMap

HEADER = ("system", "native", "code")
ANY_SYSTEM = "*"


@dataclass(frozen=True)
class CodeRow:
    """One translation, with the line it stands in."""

    line: int
    system: str
    native: str
    code: str


@dataclass(frozen=True)
class CodeFile:
    """One code map as read: its sound rows, and what is wrong with the others.

    `is_whole` is False where reading had to stop: then a row that isn't here may well be in the file.
    """

    path: Path
    rows: tuple[CodeRow, ...]
    problems: tuple[Problem, ...]
    is_whole: bool = True

    @property
    def name(self) -> str:
        """The name by which a mapping asks for it."""
        return self.path.stem

    def serves(self, system: str) -> bool:
        """Whether any row counts for the system, as far as can be known."""
        return not self.is_whole or any(row.system in (system, ANY_SYSTEM) for row in self.rows)

    def code_map(self) -> CodeMap:
        """The map as the rest of the platform sees it."""
        return CodeMap(name=self.name, rows=tuple((r.system, r.native, r.code) for r in self.rows))


def read_code_file(path: Path, systems: Collection[str]) -> CodeFile:
    """Read one code map. `systems` are the ids that rows may name; nothing is raised, problems are in the result."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return _stopped(path, Problem("the file is not UTF-8", path, line, "save it in UTF-8"))
    except OSError as error:
        return _stopped(path, Problem(f"the file can't be read: {error.strerror}", path))
    problems: list[Problem] = []
    rows: list[CodeRow] = []
    first: dict[tuple[str, str], int] = {}
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    is_whole = True
    try:
        header = tuple(cell.strip() for cell in next(reader, []))
        if header != HEADER:
            shown, expected = ",".join(header), ",".join(HEADER)
            return _stopped(path, Problem(f"the header is {shown!r}", path, 1, f"begin with the line {expected}"))
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            row, problem = _row(reader.line_num, cells, systems)
            if row is not None and (row.system, row.native) in first:
                at = first[row.system, row.native]
                row, problem = None, (f"{row.native!r} of {row.system} is already in line {at}", "keep one of them")
            if problem is not None:
                problems.append(Problem(problem[0], path, reader.line_num, problem[1]))
            if row is not None:
                first[row.system, row.native] = row.line
                rows.append(row)
    except csv.Error as error:
        problems.append(Problem(f"not valid CSV: {error}", path, reader.line_num, "close the quote"))
        is_whole = False
    return CodeFile(path, tuple(rows), tuple(problems), is_whole)


def _stopped(path: Path, problem: Problem) -> CodeFile:
    return CodeFile(path, (), (problem,), is_whole=False)


def _row(line: int, cells: list[str], systems: Collection[str]) -> tuple[CodeRow | None, tuple[str, str | None] | None]:
    if len(cells) != len(HEADER):
        return None, (
            f"{len(cells)} fields instead of 3",
            'write system,native,code, and "…" around a value that holds a comma',
        )
    system, native, code = (cell.strip() for cell in cells)
    if not native or not code:
        empty = "native" if not native else "code"
        return None, (f"{empty} is empty", "fill it in, or remove the line; an empty native value is null anyway")
    if system != ANY_SYSTEM and system not in systems:
        from mfg_assets.estate.validate import suggestion

        fix = suggestion(system, systems, f"one of {', '.join(sorted(systems))}, or {ANY_SYSTEM} for all")
        return None, (f"there is no system {system!r}", fix)
    return CodeRow(line, system, native, code), None
