"""What makes a batch the same batch: the bytes, and the mapping that reads them.

Belongs here: hashes, and whether a delivery is new. Doesn't belong here: reading records.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mfg_assets.errors import Problem, TransientSourceError
from mfg_assets.ingest.manifest import BatchFile, BatchManifest, FileRole, current_batches, superseded_ids
from mfg_assets.ingest.sources import Delivery, relative_name

HASHES_FILE = "hashes.json"


@dataclass(frozen=True)
class FileState:
    """What the file system says about a file; any write changes it, reading doesn't."""

    size: int
    modified_ns: int
    changed_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileState:
        """The state now. Raises SourceError when the file can't be looked at."""
        try:
            found = path.stat()
        except OSError as error:
            raise TransientSourceError(Problem(f"can't be read: {error.strerror}", path)) from error
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


class FileHashes:
    """SHA-256 of source files, kept beside an extract's batches, so that a file is read again only when it changed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / HASHES_FILE
        self._known = self._read()
        self._seen: dict[str, list[Any]] = {}

    def known(self, path: Path) -> str | None:
        """The hash of a file that hasn't changed since it was read."""
        entry = self._known.get(str(path))
        state = FileState.of(path)
        return entry[-1] if entry and entry[:-1] == _listed(state) else None

    def of(self, path: Path) -> str:
        """The hash of a file, read if need be. Raises SourceError when it can't be read, or changes meanwhile."""
        found = self.known(path)
        if found is None:
            before = FileState.of(path)
            try:
                with path.open("rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise TransientSourceError(Problem(f"can't be read: {error.strerror}", path)) from error
            if FileState.of(path) != before:
                changed = Problem("the file changed while it was read", path, fix="it lands once it is whole")
                raise TransientSourceError(changed)
            self._known[str(path)] = [*_listed(before), found]
        self._seen[str(path)] = self._known[str(path)]
        return found

    def save(self) -> None:
        """Keep what was seen in this pass; files that are gone are forgotten."""
        if self._seen and self._seen != self._read():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            aside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            aside.write_text(json.dumps(self._seen), encoding="utf-8")
            aside.replace(self._path)

    def _read(self) -> dict[str, list[Any]]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def _listed(state: FileState) -> list[int]:
    return [state.size, state.modified_ns, state.changed_ns, state.inode]


@dataclass(frozen=True)
class Identity:
    """What a delivery is: its files with their hashes, and whether there is anything new about it.

    `is_new` is False for a redelivery (rule 32). `supersedes` names the batch of the same bytes under another mapping
    or with other joined or control files.
    """

    batch_id: str
    content_hash: str
    data_hash: str
    occurrence: int
    supersedes: str | None
    extracted_at: datetime
    files: tuple[BatchFile, ...]
    is_new: bool


def batch_files(delivery: Delivery, folder: Path, hashes: Mapping[Path, str]) -> tuple[BatchFile, ...]:
    """The files of a delivery for its manifest, each in its role."""
    joined = tuple(path for paths in delivery.joins.values() for path in paths)
    groups: list[tuple[FileRole, tuple[Path, ...]]] = [
        ("data", delivery.data),
        ("join", joined),
        ("control", tuple(delivery.controls.values())),
    ]
    result = []
    placed: dict[tuple[Path, FileRole], None] = {(path, role): None for role, paths in groups for path in paths}
    for path, role in placed:
        state = FileState.of(path)
        result.append(BatchFile(relative_name(path, folder), state.size, hashes[path], state.modified_ns, role))
    return tuple(result)


def identify(
    own: tuple[str, str],
    delivery_kind: str,
    mapping_hash: str,
    files: tuple[BatchFile, ...],
    extracted_at: datetime,
    history: Iterable[BatchManifest],
) -> Identity:
    """Tell a delivery from those that landed before.

    Args:
        own: system and extract.
        delivery_kind: `snapshot`, `delta` or `events`.
        mapping_hash: fingerprint of all that decides how bytes become rows.
        files: what was delivered.
        extracted_at: when.
        history: all batches of the extract.
    """
    content, data = _hash(files), _hash(f for f in files if f.role == "data")
    history = list(history)
    superseded = superseded_ids(history)
    live = [m for m in history if m.batch_id not in superseded]
    same = [m for m in history if m.content_hash == content and m.mapping_hash == mapping_hash]
    occurrence, is_new, replaced = 0, True, None
    if same:
        newest = max(same, key=lambda m: (m.extracted_at, m.occurrence))
        is_new = delivery_kind == "snapshot" and _returns(data, extracted_at, newest, live)
        occurrence = max(m.occurrence for m in same) + is_new
        replaced = next((m.batch_id for m in live if is_new and _is_reading(m, data, mapping_hash, extracted_at)), None)
    else:
        older = [m for m in live if m.data_hash == data]
        if older:
            # The same delivery read anew keeps its place in time, even if its file was touched since.
            before = [m for m in older if m.extracted_at <= extracted_at] or older
            newest = max(before, key=lambda m: (m.extracted_at, m.occurrence))
            if not (delivery_kind == "snapshot" and _returns(data, extracted_at, newest, live)):
                replaced, extracted_at = newest.batch_id, newest.extracted_at
                occurrence = newest.occurrence
    identity = "|".join((*own, content, mapping_hash, str(occurrence)))
    return Identity(
        batch_id=hashlib.sha256(identity.encode()).hexdigest()[:20],
        content_hash=content,
        data_hash=data,
        occurrence=occurrence,
        supersedes=replaced,
        extracted_at=extracted_at,
        files=files,
        is_new=is_new,
    )


def _is_reading(manifest: BatchManifest, data: str, mapping_hash: str, extracted_at: datetime) -> bool:
    """Whether a batch is this very delivery under another mapping."""
    same_delivery = manifest.data_hash == data and manifest.extracted_at == extracted_at
    return same_delivery and manifest.mapping_hash != mapping_hash


def _returns(data: str, extracted_at: datetime, newest: BatchManifest, live: list[BatchManifest]) -> bool:
    """Whether a snapshot that came before comes again after a different one: it says what holds now (A, B, A)."""
    between = (b.manifest for b in current_batches(live))
    return any(m.data_hash != data and newest.extracted_at < m.extracted_at < extracted_at for m in between)


def _hash(files: Iterable[BatchFile]) -> str:
    """One file's own hash; for several a hash over theirs, in the order of roles and names, names left out."""
    ordered = sorted(files, key=lambda f: (f.role, f.name))
    if len(ordered) == 1:
        return ordered[0].sha256
    return hashlib.sha256("".join(f"{f.role}:{f.sha256}\n" for f in ordered).encode()).hexdigest()
