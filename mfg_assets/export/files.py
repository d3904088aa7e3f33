"""One file, whole or not at all: written aside and renamed.

Belongs here: choosing the format, the target, CSV. Doesn't belong here: workbooks (`workbook`).
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mfg_assets.errors import Problem, UsageError
from mfg_assets.export.workbook import write_workbook
from mfg_assets.safe import csv_cell

FORMATS = (".xlsx", ".csv")


def check_target(file: Path, *, overwrite: bool) -> None:
    """Refuse a file that can't be written, before anything is read.

    Raises:
        UsageError: another ending than .xlsx or .csv, no such folder, or a file that is there already.
    """
    if file.suffix.lower() not in FORMATS:
        raise UsageError(Problem(f"{file.name}: the ending says no format", fix=f"end it in {' or '.join(FORMATS)}"))
    if not file.parent.is_dir():
        raise UsageError(Problem("there is no such folder", file.parent, fix="make it, or choose another one"))
    if file.is_dir() or (file.exists() and not overwrite):
        raise UsageError(Problem("there is such a file already", file, fix="choose another name, or say --overwrite"))


def write_file(
    file: Path, title: str, columns: Mapping[str, str | None], rows: Iterable[Sequence[Any]], *, about: str = ""
) -> int:
    """Write rows as the file's ending says; returns how many.

    Args:
        file: see `check_target`.
        title: name of the sheet.
        columns: names, and what each means, for the workbook's header.
        rows: read once.
        about: what a row is, a sentence.

    Raises:
        UsageError: more rows than a sheet holds, or the file can't be written.
    """
    aside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    counted = _Counted(rows)
    try:
        if file.suffix.lower() == ".xlsx":
            write_workbook(aside, title, columns, counted, about=about)
        else:
            # The mark tells spreadsheets that the file is UTF-8; they would guess otherwise.
            with aside.open("w", newline="", encoding="utf-8-sig") as out:
                writer = csv.writer(out, lineterminator="\r\n")
                writer.writerow([csv_cell(name) for name in columns])
                writer.writerows([csv_cell(value) for value in row] for row in counted)
        aside.replace(file)
    except OSError as error:
        raise UsageError(
            Problem(f"the file could not be written: {error}", file, fix="check folder and disk")
        ) from error
    finally:
        aside.unlink(missing_ok=True)
    return counted.number


class _Counted:
    """Rows, counted as they pass."""

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        self._rows, self.number = rows, 0

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for row in self._rows:
            self.number += 1
            yield row
