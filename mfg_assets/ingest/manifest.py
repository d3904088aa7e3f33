"""What is known of a batch: its manifest, kept beside its rows.

Belongs here: the manifest's shape, reading and writing it, and which batches are current and in force.
Doesn't belong here: making batches (`landing`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

MANIFEST_FILE = "manifest.json"
ROWS_FILE = "rows.parquet"


@dataclass(frozen=True)
class BatchFile:
    """One file of a batch. `modified_at` is in nanoseconds since the epoch, as the file system gives it."""

    name: str
    size: int
    sha256: str
    modified_at: int


@dataclass(frozen=True)
class BatchManifest:
    """One delivery of one extract.

    rows_read = rows_filtered + rows_received, and rows_received = rows_landed + rows_rejected, always.
    `extracted_at` is when the system made the delivery, `landed_at` when the platform took it (both UTC).
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
    mapping_hash: str
    supersedes: str | None
    occurrence: int
    files: tuple[BatchFile, ...]
    extracted_at: datetime
    landed_at: datetime
    run_id: str | None
    warnings: tuple[str, ...] = field(default=())

    def to_json(self) -> str:
        """The manifest as text."""
        return json.dumps(asdict(self), default=str, indent=1, sort_keys=True)


@dataclass(frozen=True)
class CurrentBatch:
    """A landed batch that no later mapping superseded.

    `batch_sequence` orders the deliveries of one extract from 1; `is_in_force` says whether its rows still count.
    """

    manifest: BatchManifest
    batch_sequence: int
    is_in_force: bool


def from_json(text: str) -> BatchManifest:
    """The manifest that `to_json` wrote."""
    content: dict[str, Any] = json.loads(text)
    content["files"] = tuple(BatchFile(**f) for f in content["files"])
    content["warnings"] = tuple(content.get("warnings", ()))
    for name in ("extracted_at", "landed_at"):
        content[name] = datetime.fromisoformat(content[name])
    return BatchManifest(**content)


def read_manifests(landing_dir: Path) -> list[BatchManifest]:
    """All committed batches, ordered by system, extract, extraction and id."""
    found = [from_json(path.read_text()) for path in landing_dir.glob(f"*/*/*/{MANIFEST_FILE}") if _committed(path)]
    return sorted(found, key=lambda m: (m.source_system, m.extract_name, m.extracted_at, m.landed_at, m.batch_id))


def _committed(path: Path) -> bool:
    return not path.parent.name.startswith(".")


def current_batches(manifests: list[BatchManifest]) -> list[CurrentBatch]:
    """Landed batches that are not superseded, in order, with what is in force (rules 22, 31).

    Of a snapshot feed, everything from the newest proven-complete delivery onward is in force: what that one lacks is
    gone, and what later unproven ones lack is not. Deltas and events are always in force.
    """
    superseded = {m.supersedes for m in manifests if m.supersedes}
    by_extract: dict[tuple[str, str], list[BatchManifest]] = defaultdict(list)
    for manifest in manifests:
        if manifest.state == "landed" and manifest.batch_id not in superseded:
            by_extract[manifest.source_system, manifest.extract_name].append(manifest)
    result = []
    for batches in by_extract.values():
        ordered = sorted(batches, key=lambda m: (m.extracted_at, m.landed_at, m.batch_id))
        start = 0
        if ordered[-1].delivery == "snapshot":
            proven = [i for i, m in enumerate(ordered) if m.completeness == "proven"]
            start = proven[-1] if proven else 0
        result += [CurrentBatch(m, i + 1, i >= start) for i, m in enumerate(ordered)]
    return result
