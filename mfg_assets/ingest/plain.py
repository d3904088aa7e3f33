"""Bytes as delivered → a plain file that DuckDB reads, with the hash of what was delivered.

Belongs here: hashing, decompression with limits, encodings, line ends. Doesn't belong here: rows and columns.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mfg_assets.errors import Problem, SourceError
from mfg_assets.estate.models import Format

_CHUNK = 1 << 20
# A real extract compresses ten- to fortyfold; beyond this it is a bomb or not an extract.
_MAX_RATIO = 250
_MAX_BYTES = 64 << 30
_SMALL = 64 << 20
_TEXT_FORMATS = ("csv", "fixed_width", "jsonl")


@dataclass(frozen=True)
class Plain:
    """A file ready to read: `path` may be a copy. `unterminated_quote` is set when quotes don't pair up."""

    source: Path
    path: Path
    sha256: str
    size: int
    unterminated_quote: bool
    ends_with_newline: bool


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def prepare(source: Path, form: Format, workdir: Path, ordinal: int) -> Plain:
    """Hash a file and, where DuckDB can't read it as it is, write a plain UTF-8 copy into the work folder.

    Raises:
        SourceError: it can't be decompressed or decoded, or unpacks to far more than a real extract would.
    """
    kind = form.format or "csv"
    is_text = kind in _TEXT_FORMATS
    encoding = codecs.lookup(form.encoding or "utf-8").name
    compression = _compression(source, form)
    sha, quotes, carriage, newlines, last = _scan(source, (form.quote or '"').encode()[:1], is_text)
    copy = compression != "none" or (is_text and (encoding not in ("utf-8", "ascii") or (carriage and not newlines)))
    path = source
    if copy:
        path = workdir / f"{ordinal}.{kind}"
        _write_plain(source, path, compression, encoding if is_text else None)
        if is_text:
            _, quotes, _, _, last = _scan(path, (form.quote or '"').encode()[:1], True)
    odd = (
        is_text and kind == "csv" and form.quote != "" and form.escape in (None, form.quote or '"') and quotes % 2 == 1
    )
    return Plain(source, path, sha, source.stat().st_size, odd, last in (b"\n", b"\r", b""))


def _compression(source: Path, form: Format) -> str:
    if form.compression not in (None, "auto"):
        return form.compression or "none"
    return {".gz": "gzip", ".zip": "zip"}.get(source.suffix.lower(), "none")


def _scan(path: Path, quote: bytes, count: bool) -> tuple[str, int, int, int, bytes]:
    """Hash, and for text the number of quotes, CRs and LFs, in one read."""
    sha, quotes, carriage, newlines, last = hashlib.sha256(), 0, 0, 0, b""
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            sha.update(chunk)
            if count:
                quotes += chunk.count(quote) if quote else 0
                carriage += chunk.count(b"\r")
                newlines += chunk.count(b"\n")
            last = chunk[-1:]
    return sha.hexdigest(), quotes, carriage, newlines, last


def _write_plain(source: Path, target: Path, compression: str, encoding: str | None) -> None:
    written, limit = 0, min(_MAX_BYTES, max(_SMALL, source.stat().st_size * _MAX_RATIO))
    try:
        with _opened(source, compression) as handle, target.open("wb") as out:
            decoder = codecs.getincrementaldecoder(encoding)() if encoding else None
            pending_cr = False
            while True:
                chunk = handle.read(_CHUNK)
                written += len(chunk)
                if written > limit:
                    raise SourceError(
                        Problem(
                            f"unpacks to more than {limit >> 20} MiB from {source.stat().st_size >> 10} KiB: "
                            "this looks like a decompression bomb",
                            source,
                            fix="ask the sender for a plain file, or split it",
                        )
                    )
                if decoder is None:
                    out.write(chunk)
                else:
                    text = decoder.decode(chunk, final=not chunk)
                    text = ("\r" if pending_cr else "") + text
                    pending_cr = bool(chunk) and text.endswith("\r")
                    text = text[:-1] if pending_cr else text
                    out.write(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").encode())
                if not chunk:
                    return
    except UnicodeDecodeError as error:
        raise SourceError(
            Problem(
                f"is not {encoding}: {error.reason} at byte {error.start} of a block", source, fix="correct encoding"
            )
        ) from error
    except (OSError, EOFError, zipfile.BadZipFile, RuntimeError) as error:
        raise SourceError(Problem(f"can't be unpacked: {error}", source, fix="ask for the file again")) from error


@contextmanager
def _opened(source: Path, compression: str) -> Iterator[IO[bytes]]:
    if compression == "gzip":
        with gzip.open(source, "rb") as handle:
            yield handle  # type: ignore[misc]
    elif compression == "zip":
        with zipfile.ZipFile(source) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            if len(members) != 1:
                raise SourceError(Problem(f"holds {len(members)} files; one is expected", source))
            with archive.open(members[0]) as handle:
                yield handle
    else:
        with source.open("rb") as handle:
            yield handle
