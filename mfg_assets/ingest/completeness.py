"""Whether a delivery is whole (rule 31).

Belongs here: markers and what they prove. Doesn't belong here: what follows from it (`landing`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

from mfg_assets.errors import Problem, SourceError
from mfg_assets.estate.systems import CompleteWhen, ControlFile

_MAX_CONTROL_BYTES = 1 << 20


@dataclass(frozen=True)
class Counted:
    """What was found in one data file. `sha256` is of the bytes as delivered, `total` the sum of `total_of`."""

    path: Path
    name: str
    rows: int
    sha256: str
    trailer: str | None
    footer_rows: int | None
    control: Path | None
    total: Decimal | None


@dataclass(frozen=True)
class Verdict:
    """What the markers say; `evidence` is one sentence."""

    completeness: Literal["proven", "unproven", "short"]
    evidence: str


def verdict(when: CompleteWhen | None, files: Sequence[Counted]) -> Verdict:
    """Judge a delivery. Every declared marker has to agree; one that has not come proves nothing.

    Raises:
        SourceError: a control file or trailer doesn't say what the extract declares.
    """
    if when is None:
        return Verdict("unproven", "no marker of completeness is declared")
    proofs: list[str] = []
    absent: list[str] = []
    for file in files:
        for marker, stated, found in _marks(when, file, absent):
            if stated != found:
                return Verdict("short", f"{file.name}: {marker} says {stated}, the file has {found}")
            proofs.append(f"{marker} of {file.name}: {stated}")
        if when.trailer is not None and file.trailer is None:
            starts = when.trailer.starts_with
            return Verdict(
                "short", f"{file.name} doesn't end in a trailer {starts!r}: it was cut off, or is not finished"
            )
    if when.row_count is not None:
        rows = sum(file.rows for file in files)
        if rows != when.row_count:
            return Verdict("short", f"{when.row_count:,} records are expected, {rows:,} came")
        proofs.append(f"row count {rows}")
    if absent:
        return Verdict("unproven", "; ".join(absent))
    if not proofs:
        return Verdict("unproven", "no marker of completeness came")
    return Verdict("proven", "; ".join(proofs[:20]))


def _marks(when: CompleteWhen, file: Counted, absent: list[str]) -> list[tuple[str, object, object]]:
    marks: list[tuple[str, object, object]] = []
    if when.trailer is not None and file.trailer is not None:
        marks.append(("the trailer", _count(when.trailer.row_count, file.trailer, file.path), file.rows))
    if when.footer == "parquet":
        if file.footer_rows is None:
            absent.append(f"{file.name} has no Parquet footer")
        else:
            marks.append(("the footer", file.footer_rows, file.rows))
    if when.control_file is not None:
        if file.control is None:
            absent.append(f"the control file of {file.name} has not come")
        else:
            marks += _control_marks(when.control_file, file, file.control)
    return marks


def _control_marks(control: ControlFile, file: Counted, path: Path) -> list[tuple[str, object, object]]:
    with path.open("rb") as stream:
        text = stream.read(_MAX_CONTROL_BYTES).decode("utf-8-sig", errors="replace")
    name = path.name
    marks: list[tuple[str, object, object]] = []
    if control.row_count is not None:
        marks.append((f"{name} (rows)", _count(control.row_count, text, path), file.rows))
    if control.sha256 is not None:
        marks.append((f"{name} (SHA-256)", _group(control.sha256, text, path).lower(), file.sha256))
    if control.total is not None:
        total = _number(_group(control.total, text, path), path)
        marks.append((f"{name} (total)", total, (file.total or Decimal(0)).normalize()))
    return marks


def _count(pattern: str, text: str, path: Path) -> int:
    found = _group(pattern, text, path)
    digits = re.sub(r"[\s.,'_]", "", found)
    if not digits.isdigit():
        raise SourceError(Problem(f"{found!r} is no row count", path, fix="correct complete_when"))
    return int(digits)


def _number(text: str, path: Path) -> Decimal:
    plain = text.strip().replace(" ", "")
    if "," in plain:
        plain = (
            plain.replace(".", "").replace(",", ".") if plain.rfind(",") > plain.rfind(".") else plain.replace(",", "")
        )
    try:
        return Decimal(plain).normalize()
    except InvalidOperation as error:
        raise SourceError(Problem(f"{text!r} is no number", path, fix="correct complete_when")) from error


def _group(pattern: str, text: str, path: Path) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None or not found.groups() or found[1] is None:
        raise SourceError(Problem(f"nothing in it matches {pattern!r}", path, fix="correct complete_when"))
    return found[1]
