"""Bytes of a text file → UTF-8 that DuckDB reads, with its lines counted.

Belongs here: encodings, byte-order marks, trailers, line counts. Doesn't belong here: fields (`delimited`, `fixed`).
"""

from __future__ import annotations

import codecs
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mfg_assets.errors import Problem, SourceError
from mfg_assets.ingest.formats import MAX_RECORD_BYTES, Layout

_CHUNK = 1 << 20
_TAIL = 1 << 16
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_ASCII_ONLY = bytes(range(128))


@dataclass(frozen=True)
class Text:
    """A UTF-8 text without byte-order mark; a copy where the delivered file was something else.

    `lines` counts lines, a last one without line end too. `trailer` is the last line where it was one, now cut off.
    `has_blanks` is set where blanks or control characters stand in it besides line ends; `is_ascii` where nothing
    beyond ASCII does.
    """

    path: Path
    lines: int
    line_end: bytes
    ends_in_line_end: bool
    trailer: str | None
    has_blanks: bool = True
    is_ascii: bool = False


def open_text(path: Path, layout: Layout, folder: Path) -> Text:
    """Make a text file readable.

    Raises:
        SourceError: it isn't in the declared encoding.
    """
    with path.open("rb") as file:
        start = file.read(4)
    mark = next((m for m in _MARKS if start.startswith(m)), b"")
    ready = path
    if layout.encoding in ("utf-8", "utf-8-sig", "ascii"):
        if mark and _MARKS[mark] != "utf-8":
            raise _wrong(path, layout, f"it begins with the mark of {_MARKS[mark]}", _MARKS[mark])
        if mark:
            ready = folder / "text"
            _copy_from(path, ready, len(mark))
    else:
        if mark and _MARKS[mark] != layout.encoding.removesuffix("-le").removesuffix("-be"):
            raise _wrong(path, layout, f"it begins with the mark of {_MARKS[mark]}", _MARKS[mark])
        ready = folder / "text"
        _transcode(path, ready, layout)
    trailer = None
    if layout.trailer is not None:
        found = _trailer(ready, layout.trailer)
        if found is not None:
            trailer, offset = found
            if ready == path:
                ready = folder / "text"
                shutil.copyfile(path, ready)
            os.truncate(ready, offset)
    return _counted(ready, trailer)


def physical_lines(path: Path) -> Iterator[tuple[bytes, bool]]:
    """The lines of a UTF-8 text without their ends, and whether each was cut at MAX_RECORD_BYTES.

    A file with any LF has its lines end in LF or CRLF; otherwise CR ends them.
    """
    with path.open("rb") as file:
        end = b"\n" if _has(file, b"\n") else b"\r"
        file.seek(0)
        rest, too_long = b"", False
        while chunk := file.read(_CHUNK):
            pieces = (rest + chunk).split(end)
            rest = pieces.pop()
            for number, piece in enumerate(pieces):
                yield _stripped(piece, end), too_long and number == 0
                too_long = False if number == 0 else too_long
            # What lies beyond the limit is dropped as it comes, so that a line without end needs no memory.
            if len(rest) > MAX_RECORD_BYTES:
                rest, too_long = rest[: MAX_RECORD_BYTES + 1], True
        if rest:
            yield _stripped(rest, end), too_long


def _stripped(line: bytes, end: bytes) -> bytes:
    return line[:-1] if end == b"\n" and line.endswith(b"\r") else line


def _has(file: BinaryIO, byte: bytes) -> bool:
    while chunk := file.read(_CHUNK):
        if byte in chunk:
            return True
    return False


def _counted(path: Path, trailer: str | None) -> Text:
    feeds = returns = low = 0
    is_ascii = True
    last = b""
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            block = np.frombuffer(chunk, np.uint8)
            feeds += int(np.count_nonzero(block == 10))
            returns += int(np.count_nonzero(block == 13))
            low += int(np.count_nonzero(block <= 32))
            is_ascii = is_ascii and bool(block.max() < 128)
            last = chunk[-1:]
    ends, line_end = (feeds, b"\n") if feeds else (returns, b"\r" if returns else b"\n")
    complete = last in (b"", line_end)
    return Text(path, ends + (not complete), line_end, complete, trailer, low > feeds + returns, is_ascii)


def _trailer(path: Path, starts_with: str) -> tuple[str, int] | None:
    """The last line that isn't blank and its offset, where it begins as a trailer does."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    text = tail.rstrip(b"\r\n \t\x1a")
    begin = max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
    line = text[begin:].decode("utf-8", errors="replace")
    if not line.startswith(starts_with) or not text:
        return None
    return line, size - len(tail) + begin


def _copy_from(path: Path, target: Path, offset: int) -> None:
    with path.open("rb") as source, target.open("wb") as out:
        source.seek(offset)
        shutil.copyfileobj(source, out, _CHUNK)


def _transcode(path: Path, target: Path, layout: Layout) -> None:
    decoder = codecs.getincrementaldecoder(layout.encoding)()
    # Any bytes are valid in a one-byte encoding, so a wrong declaration only shows in that they are UTF-8, too.
    as_utf8 = codecs.getincrementaldecoder("utf-8")() if not layout.encoding.startswith("utf") else None
    has_other = False
    position = 0
    with path.open("rb") as source, target.open("wb") as out:
        while True:
            chunk = source.read(_CHUNK)
            if as_utf8 is not None:
                has_other = has_other or bool(chunk.translate(None, _ASCII_ONLY))
                try:
                    as_utf8.decode(chunk, final=not chunk)
                except UnicodeDecodeError:
                    as_utf8 = None
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeError as error:
                reason = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
                raise _wrong(path, layout, f"{reason}, in the block at byte {position:,}", None) from error
            out.write(text.removeprefix("\ufeff").encode() if position == 0 else text.encode())
            position += len(chunk)
            if not chunk:
                break
    if as_utf8 is not None and has_other:
        raise _wrong(path, layout, "all its letters beyond ASCII are UTF-8", "utf-8")


def _wrong(path: Path, layout: Layout, why: str, better: str | None) -> SourceError:
    fix = f"set encoding: {better}" if better else "correct encoding:"
    return SourceError(Problem(f"is not {layout.encoding}: {why}", path, fix=fix))
