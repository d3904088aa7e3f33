"""What is known about each batch, and which batches count.

Belongs here: the manifest's shape, reading and writing it, the order and force of batches.
Doesn't belong here: deciding what lands (`landing`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from mfg_assets.errors import MfgError, Problem

MANIFEST_FILE = "manifest.json"
ROWS_FILE = "rows.parquet"
# Folders that are being written begin with this; their rename to the batch's id is the commit.
ASIDE_PREFIX = ".tmp-"

FileRole = Literal["data", "join", "control"]


@dataclass(frozen=True)
class BatchFile:
    """One file that a batch was made from. `modified_at` is in nanoseconds, as the file system gives it."""

    name: str
    size: int
    sha256: str
    modified_at: int
    role: FileRole = "data"


@dataclass(frozen=True)
class BatchManifest:
    """One delivery of one extract.

    rows_read = records in the data files; rows_filtered = those that the mapping's `where`, `distinct` and inner joins
    leave out; rows_received = rows_read − rows_filtered = rows_landed + rows_rejected, always. In a refused batch
    nothing lands, so all received rows count as rejected; its dead letters and `reject_counts` are those that are at
    fault themselves, and `reason` says why the others were refused with them.

    `content_hash` covers all files, joined and control files too; `data_hash` only those that the rows came from.
    `extracted_at` is when the system made the delivery, `landed_at` when the platform took it (both UTC).

    `source` is set for batches from a database: the cursor's column, the window that was read (`low`, and `mark`, the
    high-water mark from which the next read goes on), its rows, and those within the overlap before the mark.
    """

    batch_id: str
    source_system: str
    extract_name: str
    entity: str
    delivery: Literal["snapshot", "delta", "events"]
    state: Literal["landed", "refused"]
    reason: str | None
    completeness: Literal["proven", "unproven", "short"]
    completeness_evidence: str
    rows_read: int
    rows_filtered: int
    rows_received: int
    rows_landed: int
    rows_rejected: int
    reject_counts: dict[str, int]
    content_hash: str
    data_hash: str
    mapping_hash: str
    supersedes: str | None
    occurrence: int
    files: tuple[BatchFile, ...]
    extracted_at: datetime
    landed_at: datetime
    run_id: str | None
    landed_bytes: int = 0
    warnings: tuple[str, ...] = field(default=())
    source: dict[str, Any] | None = None


@dataclass(frozen=True)
class CurrentBatch:
    """A landed batch that nothing supersedes.

    `batch_sequence` orders the deliveries of one extract from 1; `is_in_force` says whether its rows still count.
    """

    manifest: BatchManifest
    batch_sequence: int
    is_in_force: bool


def write_manifest(folder: Path, manifest: BatchManifest) -> None:
    """Write the manifest into a folder that is not committed yet, down to the disk."""
    with (folder / MANIFEST_FILE).open("w", encoding="utf-8") as file:
        json.dump(asdict(manifest), file, indent=1, default=datetime.isoformat, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())


def read_manifests(landing_dir: Path) -> list[BatchManifest]:
    """All committed batches, ordered by system, extract, delivery time and batch id.

    Raises:
        MfgError: a manifest was changed by hand and can't be read.
    """
    return _read_all(landing_dir.glob(f"*/*/*/{MANIFEST_FILE}"))


def read_extract_manifests(folder: Path) -> list[BatchManifest]:
    """The committed batches in one extract's folder, in the same order."""
    return _read_all(folder.glob(f"*/{MANIFEST_FILE}"))


def superseded_ids(manifests: Iterable[BatchManifest]) -> set[str]:
    """Batches that a newer reading of the same bytes replaces. A refused reading replaces nothing."""
    return {m.supersedes for m in manifests if m.supersedes and m.state == "landed"}


def current_batches(manifests: Iterable[BatchManifest]) -> list[CurrentBatch]:
    """Landed batches that are not superseded, in order, with what is in force (rules 22, 31).

    Of a snapshot feed, everything from the newest proven-complete delivery onward is in force: what that one lacks is
    gone, and what later unproven ones lack is not. Deltas and events are always in force.
    """
    landed = sorted((m for m in manifests if m.state == "landed"), key=_order)
    superseded = superseded_ids(landed)
    by_extract: dict[tuple[str, str], list[BatchManifest]] = {}
    for manifest in landed:
        if manifest.batch_id not in superseded:
            by_extract.setdefault((manifest.source_system, manifest.extract_name), []).append(manifest)
    result = []
    for batches in by_extract.values():
        start = 0
        if batches[-1].delivery == "snapshot":
            proven = [number for number, m in enumerate(batches) if m.completeness == "proven"]
            start = proven[-1] if proven else 0
        result += [CurrentBatch(m, number + 1, number >= start) for number, m in enumerate(batches)]
    return result


def _order(manifest: BatchManifest) -> tuple[Any, ...]:
    own = (manifest.source_system, manifest.extract_name)
    return (*own, manifest.extracted_at, manifest.occurrence, manifest.landed_at, manifest.batch_id)


def _read_all(paths: Iterable[Path]) -> list[BatchManifest]:
    return sorted((_read(path) for path in paths if not path.parent.name.startswith(".")), key=_order)


def _read(path: Path) -> BatchManifest:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        content["files"] = tuple(BatchFile(**f) for f in content["files"])
        content["warnings"] = tuple(content["warnings"])
        for name in ("extracted_at", "landed_at"):
            content[name] = datetime.fromisoformat(content[name])
        return BatchManifest(**content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        fix = "restore it, or remove the batch's folder to land it anew"
        raise MfgError(Problem(f"the manifest can't be read ({error})", path, fix=fix)) from error
