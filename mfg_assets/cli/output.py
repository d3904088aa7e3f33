"""Rows as a table, JSON or CSV on standard output, and words for people on standard error.

Belongs here: the three formats, and what differs between a terminal and a file.
Doesn't belong here: making single values harmless (`safe`).
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from mfg_assets.safe import csv_cell, json_text, plain, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

# Wide enough that nothing is cut where no terminal sets a width.
_UNBOUNDED = 4000


class Format(StrEnum):
    """How rows are printed."""

    table = "table"
    json = "json"
    csv = "csv"


class TextFormat(StrEnum):
    """How a report is printed that isn't made of rows."""

    text = "text"
    json = "json"


FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How rows are printed.")]


def prepare_streams() -> None:
    """Let characters that the locale's encoding lacks appear as escapes instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def console(stream: TextIO | None = None) -> Console:
    """A rich console that never reads markup, emoji codes or highlights out of data."""
    from rich.console import Console

    target = stream or sys.stdout
    return Console(
        file=target,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=False,
        width=None if target.isatty() else _UNBOUNDED,
    )


def say(text: str) -> None:
    """A line on standard error; each control character but the line break is escaped."""
    sys.stderr.write("\n".join(printable(line) for line in text.split("\n")) + "\n")


def show(text: str = "") -> None:
    """A line on standard output; each control character but the line break is escaped."""
    sys.stdout.write("\n".join(printable(line) for line in text.split("\n")) + "\n")


def cell(value: object, *, style: str = "") -> Text:
    """A table cell that shows a value as it is."""
    from rich.text import Text

    return Text(printable(plain(value)), style=style)


def emit(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    output: Format,
    *,
    limit: int | None = None,
) -> None:
    """Print rows.

    Args:
        columns: their names.
        rows: read once; JSON and CSV are written as they come.
        output: the format.
        limit: print at most this many, and say on standard error when there are more.
    """
    iterator = iter(rows)
    shown: Iterator[Sequence[object]] = iterator if limit is None else islice(iterator, limit)
    match output:
        case Format.json:
            _emit_json(columns, shown)
        case Format.csv:
            _emit_csv(columns, shown)
        case Format.table:
            _emit_table(columns, shown)
    if limit is not None and next(iterator, None) is not None:
        say(f"Only the first {limit:,} rows are shown; --limit 0 shows all.")


def _emit_json(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    out = sys.stdout
    out.write("[")
    separator = "\n"
    for row in rows:
        out.write(f"{separator}{json_text(dict(zip(columns, row, strict=True)))}")
        separator = ",\n"
    out.write("\n]\n" if separator != "\n" else "]\n")


def _emit_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    # In a file the data stays what it is; on a terminal it must not drive the terminal.
    finish = printable if sys.stdout.isatty() else str
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for row in chain([columns], rows):
        writer.writerow([finish(csv_cell(value)) for value in row])


def _emit_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    kept = [list(row) for row in rows]
    numeric = [
        any(row[i] is not None for row in kept) and all(_is_number(row[i]) for row in kept if row[i] is not None)
        for i in range(len(columns))
    ]
    print_table(columns, [[cell(value) for value in row] for row in kept], numeric)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Text]], numeric: Sequence[bool]) -> None:
    """A table without frames: columns aligned, numbers to the right."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name, is_numeric in zip(columns, numeric, strict=True):
        table.add_column(cell(name), justify="right" if is_numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    out = console()
    if out.is_terminal:
        out.print(table)
        return
    with out.capture() as captured:
        out.print(table)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
