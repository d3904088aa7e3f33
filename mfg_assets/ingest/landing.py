"""Bytes in, a committed batch out.

Belongs here: the steps of landing one extract, and the commit. Doesn't belong here: reading and judging (`reading`),
what makes a delivery new (`identity`).

A batch is a folder that is written aside and renamed: the rename is the commit. Whatever a killed landing leaves behind
has no name that anybody reads, and is removed by the next one.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mfg_assets.errors import Problem, SourceError
from mfg_assets.estate.models import Estate
from mfg_assets.ingest.database import extractions, is_database
from mfg_assets.ingest.heard import hear
from mfg_assets.ingest.identity import FileHashes, FileState, Identity, batch_files, identify
from mfg_assets.ingest.judge import Stamp
from mfg_assets.ingest.manifest import (
    ASIDE_PREFIX,
    ROWS_FILE,
    BatchManifest,
    read_extract_manifests,
    write_manifest,
)
from mfg_assets.ingest.mapping import ExtractMapping, mapping_of
from mfg_assets.ingest.reading import OwnFaultError, Read, read_delivery
from mfg_assets.ingest.sources import Delivery, find_deliveries, source_folder
from mfg_assets.settings import Settings

_WORK_PREFIX = "landing-"
_REASONS_SHOWN = 3


@dataclass(frozen=True)
class LandingResult:
    """What one call landed. `batches` are new, landed or refused."""

    system: str
    extract: str
    entity: str
    batches: tuple[BatchManifest, ...]
    already_landed: int
    files_seen: int


def land_extract(
    estate: Estate,
    system_id: str,
    extract_name: str,
    settings: Settings,
    *,
    run_id: str | None = None,
    now: datetime | None = None,
) -> LandingResult:
    """Land every delivery of an extract that has not landed yet, oldest first.

    Args:
        estate: the validated estate.
        system_id: the system.
        extract_name: its extract.
        settings: home, limits.
        run_id: the run on whose behalf it lands.
        now: the time of landing; the clock's when None.

    Raises:
        SourceError: the folder is missing, no file matches, or a file can't be read or changes meanwhile. Deliveries
            before it have landed; nothing is put on record about it.
    """
    mapping = mapping_of(estate, system_id, extract_name)
    place = batch_folder(settings, mapping)
    _clean(settings, place)
    if is_database(mapping):
        # A database is read as it is at the estate's present, which of an archived one lies in the past.
        return _land_database(mapping, place, settings, run_id, now or datetime.now(UTC), now or estate.now())
    folder = source_folder(estate, mapping.system)
    hashes = FileHashes(place)
    found = find_deliveries(estate, system_id, extract_name)
    landed: list[BatchManifest] = []
    manifest: BatchManifest | None = None
    try:
        for delivery in found:
            manifest = _land(mapping, delivery, folder, place, hashes, settings, run_id, now or datetime.now(UTC))
            if manifest is not None:
                landed.append(manifest)
    finally:
        hashes.save()
    if found and manifest is None:
        known, _ = identify_delivery(mapping, found[-1], folder, place, hashes)
        _hear(place, known.batch_id, found[-1].extracted_at, now or datetime.now(UTC))
    files = {path for delivery in found for path in delivery.data}
    return LandingResult(
        system_id, extract_name, mapping.contract.entity, tuple(landed), len(found) - len(landed), len(files)
    )


def _land_database(
    mapping: ExtractMapping, place: Path, settings: Settings, run_id: str | None, now: datetime, extracted_at: datetime
) -> LandingResult:
    landed: list[BatchManifest] = []
    known = 0
    with _work_folder(settings) as outer:
        for found in extractions(mapping, place, outer, settings, extracted_at):
            if found is None:
                known += 1
                continue
            with _work_folder(settings) as workdir:
                read, problem = _read(
                    mapping, found.delivery, found.identity, found.digests, found.folder, workdir, settings, now
                )
                if problem is not None:
                    # People know the table, not the file that it was copied into.
                    problem = problem.replace(f"{found.folder}{os.sep}", "")
                if read is not None and found.said is not None:
                    read = replace(read, said=found.said)
                manifest = _manifest(mapping, found.identity, read, problem, run_id, now)
                landed.append(_commit(replace(manifest, source=found.source), read, place, settings, workdir))
    if known and not landed and mapping.extract.cursor is None:
        # By a cursor only new rows are read: where none come, the newest batch says since when.
        _hear(place, None, extracted_at, now)
    return LandingResult(
        system=mapping.system.system,
        extract=mapping.name,
        entity=mapping.contract.entity,
        batches=tuple(landed),
        already_landed=known,
        files_seen=known + len(landed),
    )


def _hear(place: Path, batch_id: str | None, extracted_at: datetime, now: datetime) -> None:
    """Note a delivery that brought what a batch (None: the newest) has, unless that was refused."""
    history = read_extract_manifests(place)
    said = history[-1:] if batch_id is None else [m for m in history if m.batch_id == batch_id]
    if any(m.state == "landed" for m in said):
        hear(place, extracted_at, now, max(m.extracted_at for m in history if m.state == "landed"))


def batch_folder(settings: Settings, mapping: ExtractMapping) -> Path:
    """Where an extract's batches are."""
    return settings.landing_dir / mapping.contract.entity / f"{mapping.system.system}.{mapping.name}"


def identify_delivery(
    mapping: ExtractMapping, delivery: Delivery, folder: Path, place: Path, hashes: FileHashes
) -> tuple[Identity, dict[Path, str]]:
    """What a delivery is, and the hashes of its files."""
    found = {path: hashes.of(path) for path in delivery.files}
    own = (mapping.system.system, mapping.name)
    files = batch_files(delivery, folder, found)
    history = read_extract_manifests(place)
    return identify(own, mapping.extract.delivery, mapping.hash, files, delivery.extracted_at, history), found


def _land(
    mapping: ExtractMapping,
    delivery: Delivery,
    folder: Path,
    place: Path,
    hashes: FileHashes,
    settings: Settings,
    run_id: str | None,
    now: datetime,
) -> BatchManifest | None:
    """The committed manifest, or None for a redelivery (rule 32)."""
    before = {path: FileState.of(path) for path in delivery.files}
    identity, digests = identify_delivery(mapping, delivery, folder, place, hashes)
    if not identity.is_new:
        return None
    with _work_folder(settings) as workdir:
        read, problem = _read(mapping, delivery, identity, digests, folder, workdir, settings, now)
        for path, state in before.items():
            if FileState.of(path) != state:
                raise SourceError(Problem("the file changed while it was read", path, fix="it lands once it is whole"))
        manifest = _manifest(mapping, identity, read, problem, run_id, now)
        return _commit(manifest, read, place, settings, workdir)


@contextmanager
def _work_folder(settings: Settings) -> Iterator[Path]:
    folder = settings.home_path / "tmp" / f"{_WORK_PREFIX}{os.getpid()}-{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read(
    mapping: ExtractMapping,
    delivery: Delivery,
    identity: Identity,
    digests: dict[Path, str],
    folder: Path,
    workdir: Path,
    settings: Settings,
    now: datetime,
) -> tuple[Read | None, str | None]:
    """What was read, or why the delivery can't be."""
    stamp = Stamp(mapping.system.system, mapping.name, identity.batch_id, identity.extracted_at.isoformat())
    try:
        return read_delivery(mapping, delivery, stamp, digests, folder, workdir, now.isoformat(), settings), None
    except OwnFaultError:
        raise
    except SourceError as error:
        return None, str(error)


def _manifest(
    mapping: ExtractMapping,
    identity: Identity,
    read: Read | None,
    problem: str | None,
    run_id: str | None,
    now: datetime,
) -> BatchManifest:
    refused = BatchManifest(
        batch_id=identity.batch_id,
        source_system=mapping.system.system,
        extract_name=mapping.name,
        entity=mapping.contract.entity,
        delivery=mapping.extract.delivery,
        state="refused",
        reason=problem,
        completeness="unproven",
        completeness_evidence="the delivery could not be read",
        rows_read=0,
        rows_filtered=0,
        rows_received=0,
        rows_landed=0,
        rows_rejected=0,
        reject_counts={},
        content_hash=identity.content_hash,
        data_hash=identity.data_hash,
        mapping_hash=mapping.hash,
        supersedes=identity.supersedes,
        occurrence=identity.occurrence,
        files=identity.files,
        extracted_at=identity.extracted_at,
        landed_at=now,
        run_id=run_id,
    )
    if read is None:
        return refused
    counted = replace(
        refused,
        reason=_refusal(mapping, read),
        completeness=read.said.completeness,
        completeness_evidence=read.said.evidence,
        rows_read=read.rows_read,
        rows_filtered=read.rows_read - read.rows_received,
        rows_received=read.rows_received,
        rows_rejected=read.rows_received,
        reject_counts=read.reject_counts,
        warnings=read.warnings,
    )
    if counted.reason is not None:
        return counted
    rejected = read.rows_received - read.rows_landed
    size = read.rows.stat().st_size
    return replace(counted, state="landed", rows_landed=read.rows_landed, rows_rejected=rejected, landed_bytes=size)


def _refusal(mapping: ExtractMapping, read: Read) -> str | None:
    """Why the whole batch is refused, so that yesterday's state stands (rules 31, 33)."""
    if read.said.completeness == "short":
        return f"the delivery is short: {read.said.evidence}"
    limit = mapping.estate.reject_limit(mapping.system.system, mapping.name)
    rejected = read.rows_received - read.rows_landed
    if read.rows_received and rejected / read.rows_received > limit:
        counts = Counter(read.reject_counts).most_common(_REASONS_SHOWN)
        reasons = ", ".join(f"{reason} ({count:,})" for reason, count in counts)
        return (
            f"{rejected:,} of {read.rows_received:,} records ({rejected / read.rows_received:.1%}) were rejected, "
            f"more than the limit of {limit:.1%}: {reasons}"
        )
    return None


def _commit(
    manifest: BatchManifest, read: Read | None, place: Path, settings: Settings, workdir: Path
) -> BatchManifest:
    place.mkdir(parents=True, exist_ok=True)
    if read is not None and read.letters is not None:
        folder = settings.dead_letters_dir / manifest.entity
        folder.mkdir(parents=True, exist_ok=True)
        _sync(read.letters)
        # Before the commit: dead letters without a batch are never shown, a batch without its dead letters would lie.
        read.letters.replace(folder / f"{manifest.batch_id}.parquet")
        _sync(folder)
    aside = place / f"{ASIDE_PREFIX}{os.getpid()}-{manifest.batch_id}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    if read is not None and manifest.state == "landed":
        _sync(read.rows)
        read.rows.replace(aside / ROWS_FILE)
    write_manifest(aside, manifest)
    _sync(aside)
    target = place / manifest.batch_id
    try:
        aside.rename(target)
    except OSError:
        # Another process committed the same delivery first: the same bytes under the same mapping are the same batch.
        shutil.rmtree(aside, ignore_errors=True)
        if not target.is_dir():
            raise
    _sync(place)
    return manifest


def _clean(settings: Settings, place: Path) -> None:
    """Remove what killed landings left behind; folders of living processes stay."""
    leftovers = [*place.glob(f"{ASIDE_PREFIX}*"), *(settings.home_path / "tmp").glob(f"{_WORK_PREFIX}*")]
    for folder in leftovers:
        name = folder.name.removeprefix(ASIDE_PREFIX).removeprefix(_WORK_PREFIX)
        pid = name.partition("-")[0]
        if not (pid.isdigit() and _is_alive(int(pid))):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
