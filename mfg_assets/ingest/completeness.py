"""Whether a delivery is whole (rule 31).

Belongs here: markers and what they prove. Doesn't belong here: what follows from it (`landing`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

from mfg_assets.errors import Problem, SourceError
from mfg_assets.estate.models import CompleteWhen
from mfg_assets.ingest.plain import Plain
from mfg_assets.ingest.readers import trailer_line


@dataclass(frozen=True)
class Verdict:
    """What the markers say; `evidence` is one sentence."""

    completeness: Literal["proven", "unproven", "short"]
    evidence: str


def control_file_of(data: Path, pattern: str) -> Path:
    """The companion of a data file."""
    stem = data.name.split(".", 1)[0]
    return data.with_name(pattern.replace("{stem}", stem))


def verdict(
    when: CompleteWhen | None,
    plains: list[Plain],
    rows: dict[str, int],
    footers: dict[str, int],
    totals: dict[str, Decimal],
) -> Verdict:
    """Judge a delivery.

    Args:
        when: the markers that the extract declares.
        plains: its files.
        rows: records read, by file name, malformed ones included.
        footers: rows that Parquet footers promise, by file name.
        totals: sum of `total_of`, by file name, where a control file asks for it.

    Raises:
        SourceError: a declared control file or trailer is missing or says nothing.
    """
    if when is None:
        return Verdict("unproven", "no marker of completeness is declared")
    found: list[str] = []
    for plain in plains:
        name = plain.source.name
        pairs: list[tuple[str, object, object]] = []
        if when.trailer is not None:
            line = trailer_line(plain, when.trailer.starts_with)
            if line is None:
                return Verdict("short", f"{name} has no trailer {when.trailer.starts_with!r}: it was cut off")
            pairs.append(("trailer", int(_group(when.trailer.row_count, line, plain.source)), rows[name]))
        if when.footer == "parquet":
            pairs.append(("footer", footers.get(name), rows[name]))
        if when.control_file is not None:
            pairs += _control_pairs(when, plain, rows[name], totals.get(name))
        for marker, expected, actual in pairs:
            if expected != actual:
                return Verdict("short", f"{name}: the {marker} says {expected}, the file has {actual}")
            found.append(f"{marker} {expected}")
    if when.row_count is not None:
        actual = sum(rows.values())
        if actual != when.row_count:
            return Verdict("short", f"{when.row_count} records are expected, {actual} came")
        found.append(f"row count {when.row_count}")
    return Verdict("proven", "agrees with " + ", ".join(found)) if found else Verdict("unproven", "no marker")


def _control_pairs(
    when: CompleteWhen, plain: Plain, rows: int, total: Decimal | None
) -> list[tuple[str, object, object]]:
    control = when.control_file
    if control is None:
        return []
    path = control_file_of(plain.source, control.pattern)
    if not path.is_file():
        raise SourceError(Problem(f"its control file {path.name} is not there", plain.source, fix="ask for it"))
    text = path.read_text(errors="replace")
    pairs: list[tuple[str, object, object]] = []
    if control.row_count:
        pairs.append(("control count", int(_group(control.row_count, text, path)), rows))
    if control.sha256:
        pairs.append(("control hash", _group(control.sha256, text, path).lower(), plain.sha256))
    if control.total:
        try:
            pairs.append(
                (
                    "control total",
                    Decimal(_group(control.total, text, path)).normalize(),
                    (total or Decimal(0)).normalize(),
                )
            )
        except InvalidOperation as error:
            raise SourceError(Problem("its total is no number", path)) from error
    return pairs


def _group(pattern: str, text: str, path: Path) -> str:
    found = re.search(pattern, text)
    if found is None or not found.groups():
        raise SourceError(Problem(f"nothing in it matches {pattern!r}", path, fix="correct complete_when"))
    return found[1]
