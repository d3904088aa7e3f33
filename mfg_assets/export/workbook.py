"""A typed Excel workbook: numbers as numbers, instants as instants, text as text whatever it begins with.

Belongs here: cell types, header, widths. Doesn't belong here: which rows.

Text is always written as a string cell, so `=cmd()` is shown and never run, and a long item number stays as it is. A
number that Excel would round (it keeps 15 digits) is written as text. Memory doesn't grow with the rows.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from mfg_assets.errors import Problem, UsageError
from mfg_assets.safe import plain

MAX_ROWS = 1_048_575  # of a sheet, without its header
MAX_TEXT = 32_767  # characters of a cell
_DIGITS = 15
_SAMPLED = 500
_NARROW, _WIDE = 8, 60
# XML 1.0 has no way to write these, not even escaped; Excel calls such a file damaged.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NO_SHEET_NAME = re.compile(r"[\[\]:*?/\\']")
_FIRST_DAY = dt.date(1900, 3, 1)  # Excel believes in 29 February 1900


def write_workbook(
    file: Path, title: str, columns: Mapping[str, str | None], rows: Iterable[Sequence[Any]], *, about: str = ""
) -> None:
    """Write one sheet with a frozen, filterable header whose comments say what each column means.

    Instants are written in UTC, which the header says, since Excel knows no time zones.

    Raises:
        UsageError: more rows than a sheet holds.
        OSError: the file can't be written.
    """
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    names = list(columns)
    buffered: list[Sequence[Any]] = []
    source = iter(rows)
    for row in source:
        buffered.append(row)
        if len(buffered) == _SAMPLED:
            break
    instants = {i for i in range(len(names)) for row in buffered if isinstance(row[i], dt.datetime)}
    instants |= {i for i, name in enumerate(names) if name.endswith(("_at", "_until"))}
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "in_memory": False,
        "remove_timezone": True,
    }
    book = xlsxwriter.Workbook(str(file), options)
    try:
        sheet = book.add_worksheet(_NO_SHEET_NAME.sub("_", title)[:31] or "rows")
        book.set_properties({"title": title, "comments": about})
        head = book.add_format({"bold": True, "bg_color": "#E8EDF2", "bottom": 1, "valign": "top"})
        formats = {
            "instant": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
        }
        for i, width in enumerate(_widths(names, buffered)):
            sheet.set_column(i, i, width)
        sheet.freeze_panes(1, 0)
        for i, (name, meaning) in enumerate(columns.items()):
            sheet.write_string(0, i, f"{name} (UTC)" if i in instants else name, head)
            if meaning:
                sheet.write_comment(0, i, _text(meaning), {"x_scale": 2})
        number = 0
        for number, row in enumerate(_chain(buffered, source), 1):
            if number > MAX_ROWS:
                raise UsageError(
                    Problem(f"a sheet holds {MAX_ROWS:,} rows", fix="write a .csv file, or filter by --plant")
                )
            for i, value in enumerate(row):
                _write(sheet, number, i, value, formats)
        sheet.autofilter(0, 0, max(number, 1), max(len(names) - 1, 0))
    finally:
        try:
            book.close()
        except FileCreateError as error:
            raise OSError(str(error)) from error


def _write(sheet: Any, row: int, column: int, value: Any, formats: Mapping[str, Any]) -> None:
    match value:
        case None:
            return
        case bool():
            sheet.write_boolean(row, column, value)
        case int() | float() | Decimal() if _is_exact(value):
            sheet.write_number(row, column, value)
        case dt.datetime() if value.date() >= _FIRST_DAY:
            utc = value.astimezone(dt.UTC) if value.tzinfo else value
            sheet.write_datetime(row, column, utc.replace(tzinfo=None), formats["instant"])
        case dt.date() if not isinstance(value, dt.datetime) and value >= _FIRST_DAY:
            sheet.write_datetime(row, column, value, formats["date"])
        case _:
            sheet.write_string(row, column, _text(plain(value)))


def _is_exact(value: float | Decimal) -> bool:
    """Whether Excel shows the number as it is: finite, and of at most 15 digits."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < 10**_DIGITS
    return value.is_finite() and len(value.normalize().as_tuple().digits) <= _DIGITS and abs(value) < 10**_DIGITS


def _text(text: str) -> str:
    text = _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def _widths(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[float]:
    """As wide as the longest of the first rows, within reason."""
    found = []
    for i, name in enumerate(names):
        texts = [19 if isinstance(row[i], dt.datetime) else len(plain(row[i])) for row in rows]
        found.append(min(max([len(name) + 6, _NARROW, *(n + 2 for n in texts)]), _WIDE))
    return found


def _chain(first: Sequence[Sequence[Any]], rest: Iterable[Sequence[Any]]) -> Iterable[Sequence[Any]]:
    yield from first
    yield from rest
