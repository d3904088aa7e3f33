"""A source file as something SQL can read.

Belongs here: the shape that every reader gives. Doesn't belong here: readers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mfg_assets.warehouse.sql import identifier

Padding = Literal["none", "ascii", "any"]
# 1-based ordinal of the record within its file.
ROW = "__row"


@dataclass(frozen=True)
class Table:
    """One file, or one member of an archive.

    `columns` are names with DuckDB types, as expressions see them. `sql` selects them and `__row`. `malformed` selects
    `__row`, `record` and `why` of records that can't be taken apart. `expected_rows` is what the number of records has
    to be for the quick reading to be right; `careful` gives the slow reading that copes with everything. `unnumbered`
    selects the columns in the file's order with a null `__row`, where that is quicker than numbering.
    `ambiguous` are names that the header gives to several columns. `is_sparse` is set for formats whose records leave
    out what they have no value for, so that a column may be missing from all of them. `standard` matches names that the
    format itself defines: such a column was never renamed, a file without it only has no value there. `padding` says
    whether blanks may stand around a value: none at all, only such as ASCII has, or any.
    """

    name: str
    path: Path
    columns: dict[str, str]
    sql: str
    is_text: bool = True
    malformed: str | None = None
    expected_rows: int | None = None
    footer_rows: int | None = None
    trailer: str | None = None
    careful: Callable[[], Table] | None = None
    unnumbered: str | None = None
    ambiguous: frozenset[str] = frozenset()
    is_sparse: bool = False
    standard: re.Pattern[str] | None = None
    padding: Padding = "any"
    warnings: tuple[str, ...] = field(default=())


def first_line(error: Exception) -> str:
    """What a person needs of DuckDB's message."""
    return re.sub(r"^[A-Z][A-Za-z ]* Error: ", "", str(error).splitlines()[0])[:400]


def unique_names(header: Iterable[str]) -> tuple[list[str], frozenset[str]]:
    """Usable column names for a header, and those that several of its columns share (whatever their case)."""
    names: list[str] = []
    taken: set[str] = set()
    doubled: set[str] = set()
    for number, cell in enumerate(header, start=1):
        wanted = cell.strip().replace("\x00", "") or f"column_{number}"
        name, copy = wanted, 1
        while name.lower() in taken:
            copy += 1
            name = f"{wanted}_{copy}"
            doubled.add(wanted.lower())
        taken.add(name.lower())
        names.append(name)
    return names, frozenset(doubled)


def column_list(columns: Iterable[str]) -> str:
    """The columns as a select list."""
    return ", ".join(identifier(c) for c in columns)
