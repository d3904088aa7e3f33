"""The slow reading of a delimited text, for files that the quick one can't take apart.

Belongs here: walking over records line by line, so that a damaged one costs itself only (rule 33).
Doesn't belong here: the quick reading (`delimited`).

A quote that is never closed would swallow all that follows. Here a record may span lines only where that makes it whole
and none of the lines it would swallow is a whole record by itself; otherwise its first line alone is refused.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mfg_assets.ingest.connectors.text import physical_lines
from mfg_assets.ingest.formats import MAX_RECORD_BYTES

# A text of more lines is no text of a record.
_MAX_LINES = 500
_SHOWN = 10_000


@dataclass(frozen=True)
class Dialect:
    """How fields are told apart. Without `quote` a delimiter always separates; without `delimiter` a line is one."""

    delimiter: str | None
    quote: str
    escape: str
    width: int


@dataclass(frozen=True)
class Scanned:
    """Where the sound and the malformed records were written, and how many there are."""

    rows_path: Path
    malformed_path: Path
    rows: int
    malformed: int


def split_record(text: str, dialect: Dialect) -> list[str] | None:
    """The fields of one record, or None where a quote is not closed or stands where none can."""
    if dialect.delimiter is None:
        return [text]
    if not dialect.quote or dialect.quote not in text:
        return text.split(dialect.delimiter)
    fields: list[str] = []
    position, delimiter, quote = 0, dialect.delimiter, dialect.quote
    while True:
        if text.startswith(quote, position):
            field, position = _quoted(text, position + 1, dialect)
            if field is None or (position < len(text) and not text.startswith(delimiter, position)):
                return None
            fields.append(field)
            if position >= len(text):
                return fields
            position += len(delimiter)
        else:
            end = text.find(delimiter, position)
            fields.append(text[position:] if end < 0 else text[position:end])
            if end < 0:
                return fields
            position = end + len(delimiter)


def _quoted(text: str, position: int, dialect: Dialect) -> tuple[str | None, int]:
    """The rest of a quoted field and where it ends, after its closing quote."""
    parts: list[str] = []
    quote, escape = dialect.quote, dialect.escape
    while True:
        end = text.find(quote, position)
        before = text.find(escape, position) if escape != quote else -1
        if 0 <= before < end:
            parts.append(text[position:before] + text[before + 1 : before + 2])
            position = before + 2
        elif end < 0:
            return None, len(text)
        elif escape == quote and text.startswith(quote, end + 1):
            parts.append(text[position : end + 1])
            position = end + 2
        else:
            parts.append(text[position:end])
            return "".join(parts), end + 1


def scan(path: Path, dialect: Dialect, skip_lines: int, folder: Path) -> Scanned:
    """Write each record with its ordinal: sound ones as plain CSV, malformed ones with the reason.

    Args:
        path: UTF-8 text.
        dialect: how fields are told apart.
        skip_lines: lines before the first record.
        folder: where to write.
    """
    rows_path, malformed_path = folder / "scanned.csv", folder / "malformed.csv"
    ordinal = rows = malformed = 0
    with (
        rows_path.open("w", encoding="utf-8", newline="") as good,
        malformed_path.open("w", encoding="utf-8", newline="") as bad,
    ):
        good_writer = csv.writer(good, lineterminator="\n")
        bad_writer = csv.writer(bad, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for fields, text, why in _records(islice(physical_lines(path), skip_lines, None), dialect):
            ordinal += 1
            if why is None:
                rows += 1
                good_writer.writerow([ordinal, *fields])
            else:
                malformed += 1
                shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]} … ({len(text):,} characters)"
                bad_writer.writerow([ordinal, shown.replace("\x00", "\ufffd"), why])
    return Scanned(rows_path, malformed_path, rows, malformed)


def _records(lines: Iterator[tuple[bytes, bool]], dialect: Dialect) -> Iterator[tuple[list[str], str, str | None]]:
    waiting: list[tuple[bytes, bool]] = []
    while True:
        if waiting:
            line, too_long = waiting.pop(0)
        else:
            following = next(lines, None)
            if following is None:
                return
            line, too_long = following
        if not line.strip():
            continue
        fields, text, why = _one(line, too_long, dialect)
        if why is None or "quote" not in why:
            yield fields, text, why
            continue
        joined, used = _over_lines(text, waiting, lines, dialect)
        if joined is None:
            yield [], text, why
        else:
            del waiting[:used]
            yield joined, text, None


def _over_lines(
    first: str, waiting: list[tuple[bytes, bool]], lines: Iterator[tuple[bytes, bool]], dialect: Dialect
) -> tuple[list[str] | None, int]:
    """The fields of a record that goes on over lines, and how many; None where it is no such record."""
    text, used = first, 0
    while used < _MAX_LINES and len(text) <= MAX_RECORD_BYTES:
        if used == len(waiting):
            following = next(lines, None)
            if following is None:
                return None, 0
            waiting.append(following)
        line, too_long = waiting[used]
        used += 1
        alone, shown, why = _one(line, too_long, dialect)
        # A line that is a whole record was swallowed by a quote that nobody closed.
        if too_long or (why is None and dialect.width > 1 and len(alone) == dialect.width):
            return None, 0
        text += "\n" + shown
        if dialect.quote in shown:
            fields = split_record(text, dialect)
            if fields is not None:
                return (fields, used) if len(fields) == dialect.width else (None, 0)
    return None, 0


def _one(line: bytes, too_long: bool, dialect: Dialect) -> tuple[list[str], str, str | None]:
    if too_long or len(line) > MAX_RECORD_BYTES:
        return [], line[:_SHOWN].decode("utf-8", errors="replace"), f"it is longer than {MAX_RECORD_BYTES:,} bytes"
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        text = line.decode("utf-8", errors="replace")
        return [], text, f"byte {error.start + 1} of it is not UTF-8; is another encoding: to be declared?"
    fields = split_record(text, dialect)
    if fields is None:
        return [], text, "a quote in it is not closed, or text follows a closed one"
    if len(fields) != dialect.width:
        return [], text, f"it has {len(fields)} fields, {dialect.width} are expected"
    return fields, text, None
