"""Unpacking gzip and zip, within limits.

Belongs here: compressed bytes → files in the work folder. Doesn't belong here: what the files hold.
"""

from __future__ import annotations

import gzip
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

from mfg_assets.errors import Problem, SourceError

# Extracts compress ten- to fiftyfold; what unpacks to hundreds of times its size is made to fill disks.
MAX_RATIO = 200
# Up to this size the ratio doesn't matter: a short file of equal rows may compress very well.
HARMLESS_BYTES = 100 << 20
MAX_BYTES = 200 << 30
MAX_MEMBERS = 1000
_CHUNK = 1 << 20


def unpack(path: Path, compression: str, folder: Path) -> list[tuple[str, Path]]:
    """Unpack a file. Members get names of their own in the folder, so that `../` in an archive leads nowhere.

    Returns:
        (name as delivered, unpacked file) of each member that is a file, by name.

    Raises:
        SourceError: damaged, encrypted, empty, or far larger than an extract can be.
    """
    budget = _Budget(path, folder)
    try:
        if compression == "gzip":
            target = folder / "member-0"
            with gzip.open(path, "rb") as stream:
                budget.copy(stream, target)
            name = path.name
            return [(name[: -len(path.suffix)] if path.suffix.lower() in (".gz", ".gzip") else name, target)]
        return list(_members(path, folder, budget))
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
        fix = "ask for the file again; it may have been cut off on its way"
        raise SourceError(Problem(f"can't be unpacked: {error}", path, fix=fix)) from error


def _members(path: Path, folder: Path, budget: _Budget) -> Iterator[tuple[str, Path]]:
    with closing(zipfile.ZipFile(path)) as archive:
        members = sorted((m for m in archive.infolist() if not m.is_dir()), key=lambda m: m.filename)
        if not members:
            raise SourceError(Problem("the archive holds no file", path, fix="ask for the file again"))
        if len(members) > MAX_MEMBERS:
            raise SourceError(
                Problem(f"the archive holds {len(members):,} files, at most {MAX_MEMBERS:,} are read", path)
            )
        for number, member in enumerate(members):
            if member.flag_bits & 1:
                raise SourceError(Problem("the archive is encrypted", path, fix="ask for it without a password"))
            target = folder / f"member-{number}"
            with archive.open(member) as stream:
                budget.copy(stream, target)
            yield Path(member.filename.replace("\\", "/")).name or f"member-{number}", target


class _Budget:
    """How much one packed file may still become."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self.written = path, 0
        by_ratio = max(HARMLESS_BYTES, path.stat().st_size * MAX_RATIO)
        # Never fill the disk: a landing needs room for its rows as well.
        self.limit = min(by_ratio, MAX_BYTES, shutil.disk_usage(folder).free // 2)

    def copy(self, stream: IO[bytes] | gzip.GzipFile, target: Path) -> None:
        with target.open("wb") as out:
            while chunk := stream.read(_CHUNK):
                self.written += len(chunk)
                if self.written > self.limit:
                    raise SourceError(
                        Problem(
                            f"unpacks to more than {self.limit >> 20:,} MiB from {self.path.stat().st_size >> 10:,} "
                            "KiB, as archives do that are made to fill disks",
                            self.path,
                            fix="ask for the file in smaller parts, or unpacked",
                        )
                    )
                out.write(chunk)
