"""The folder of versions: what makes a version complete, what makes it current, and what goes when.

Belongs here: the lock, the two commits of a publication (rename, swap), recovery, retention, reading manifests.
Doesn't belong here: the content of a version (`snapshot`), questions people ask (`status`).

    published/versions/000007-1a2b3c4d/   complete, because it was renamed into place after everything was on disk
    published/current -> versions/000007-1a2b3c4d   what readers resolve, swapped by one rename
    published/versions/.tmp-…             being written or being removed; never looked at

The complete version with the highest number is the one in force. A publisher that dies between rename and swap
leaves `current` one behind, and the next publication moves it first. Putting an old version back therefore makes a
new version with the old content; it never moves `current` backwards.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from mfg_assets.errors import Problem, PublicationError

VERSION = re.compile(r"(\d{6,})-[0-9a-f]{8}")
MANIFEST = "manifest.json"
DATABASE = "marts.duckdb"
HISTORY = "publication"
FORMAT = 1
# A reader that resolved `current` just before a swap may still be opening that version's files.
READERS_NEED = timedelta(hours=1)


class Store:
    """The versions under one `published/` folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.versions_dir = folder / "versions"
        self.link = folder / "current"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only publisher. The lock ends with the process, however that ends.

        Raises:
            PublicationError: another process is publishing.
        """
        self.versions_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise PublicationError(
                    Problem("another publication is under way", self.folder, fix="wait until it ends")
                ) from None
            yield
        finally:
            os.close(descriptor)

    def versions(self) -> list[str]:
        """Complete versions on disk, oldest first."""
        if not self.versions_dir.is_dir():
            return []
        names = [entry.name for entry in self.versions_dir.iterdir() if VERSION.fullmatch(entry.name)]
        return sorted(names, key=number)

    def current(self) -> str | None:
        """The version that readers see, or None."""
        try:
            name = self.link.readlink().name
        except OSError:
            return None
        return name if (self.versions_dir / name / MANIFEST).is_file() else None

    def manifest(self, version: str) -> dict[str, Any]:
        """The manifest of a version. Raises PublicationError when it can't be read."""
        path = self.versions_dir / version / MANIFEST
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise PublicationError(
                Problem(
                    f"the manifest of version {version} can't be read: {error}",
                    path,
                    fix=f"remove the damaged folder {path.parent} and publish again",
                )
            ) from error

    def recover(self) -> str | None:
        """Clear what a killed publisher left, finish its swap, and return the version in force. Needs the lock."""
        for leftover in (*self.versions_dir.glob(".tmp-*"), *self.folder.glob(".current-*")):
            _remove(leftover)
        versions = self.versions()
        if not versions:
            return None
        if self.current() != versions[-1]:
            self.swap(versions[-1])
        return versions[-1]

    def aside(self, version: str) -> Path:
        """A new empty folder for a version that is being written."""
        folder = self.versions_dir / f".tmp-{version}"
        folder.mkdir()
        return folder

    def commit(self, aside: Path, version: str) -> None:
        """Make a version complete, then current. Everything in it is on disk before either."""
        for file in aside.iterdir():
            # Versions share files by hard links: writing into one would change the others.
            file.chmod(0o444)
            _sync(file)
        _sync(aside)
        aside.rename(self.versions_dir / version)
        _sync(self.versions_dir)
        self.swap(version)

    def swap(self, version: str) -> None:
        """Point `current` at a complete version, in one step for readers."""
        link = self.folder / f".current-{os.getpid()}"
        link.symlink_to(Path("versions") / version)
        link.replace(self.link)
        _sync(self.folder)

    def retain(self, keep: int, now: datetime) -> list[str]:
        """Remove all but the newest `keep` versions, never one that was current less than an hour ago."""
        versions = self.versions()
        removed: list[str] = []
        for version, successor in pairwise(versions[: 1 - keep]):
            # The successor's folder was last written when it took over.
            replaced_at = datetime.fromtimestamp((self.versions_dir / successor).stat().st_mtime, UTC)
            if now - replaced_at < READERS_NEED:
                break
            # Renamed first: a half-removed folder must not look like a complete version.
            going = self.versions_dir / f".tmp-{version}"
            (self.versions_dir / version).rename(going)
            _remove(going)
            removed.append(version)
        return removed


def number(version: str) -> int:
    """The counter in a version's name."""
    return int(version.partition("-")[0])


def version_name(counter: int, content_hash: str) -> str:
    """`000007-1a2b3c4d`: sorts by age, tells contents apart."""
    return f"{counter:06d}-{content_hash[:8]}"


def link_or_copy(source: Path, target: Path) -> None:
    """The same file under another name; a copy on file systems without hard links."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def write_json(path: Path, content: Any) -> None:
    """Write a small file in one step: aside, synced, renamed."""
    aside = path.with_name(f".tmp-{path.name}")
    aside.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    _sync(aside)
    aside.replace(path)


def utc_now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
