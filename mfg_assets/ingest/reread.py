"""Landed batches once more, from the files that they came from: proof that nothing has changed, and repair.

Belongs here: choosing batches, reading them aside, comparing, putting back what was lost.
Doesn't belong here: refused records (`replay`), building from what landed (`mfg run`).
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import duckdb

from mfg_assets.contracts import contract
from mfg_assets.errors import MfgError, Problem, SourceError
from mfg_assets.estate.models import Estate
from mfg_assets.ingest.landed import landed_sql, rows_path
from mfg_assets.ingest.landing import land_extract
from mfg_assets.ingest.manifest import BatchManifest, read_manifests, superseded_ids
from mfg_assets.ingest.mapping import mapping_of
from mfg_assets.ingest.replay import REPLAY_FILE
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect

Outcome = Literal["identical", "restored", "differs", "source_gone", "mapping_changed", "not_repeatable", "lost"]


@dataclass(frozen=True)
class Selection:
    """Which batches: everything named must hold. Days are those of the delivery, in UTC, both ends included."""

    systems: tuple[str, ...] = ()
    plants: tuple[str, ...] = ()
    extracts: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    first_day: date | None = None
    last_day: date | None = None

    def holds(self, estate: Estate, batch: BatchManifest) -> bool:
        """Whether a batch is meant."""
        system = estate.systems.get(batch.source_system)
        day = batch.extracted_at.date()
        return (
            (not self.systems or batch.source_system in self.systems)
            and (not self.plants or (system is not None and bool(set(self.plants) & set(system.plants))))
            and (not self.extracts or batch.extract_name in self.extracts)
            and (not self.batches or batch.batch_id in self.batches)
            and (self.first_day is None or day >= self.first_day)
            and (self.last_day is None or day <= self.last_day)
        )


@dataclass(frozen=True)
class Reread:
    """What reading a batch again came to.

    `restored`: its file was lost or damaged and is back. `differs`: the same bytes under the same mapping gave other
    rows, which is a mistake of the platform. `source_gone`: its file is no longer delivered. `mapping_changed`: the
    next run lands the same bytes anew anyway. `not_repeatable`: it came from a database, which only knows its present;
    its landed file is whole. `lost`: it came from a database and its landed file is missing or damaged.
    """

    batch_id: str
    source_system: str
    extract_name: str
    extracted_at: datetime
    rows: int
    outcome: Outcome


def reread(estate: Estate, settings: Settings, selection: Selection) -> list[Reread]:
    """Read batches again and compare; nothing is written but what was lost.

    Raises:
        MfgError: an unknown system, plant or batch.
    """
    manifests = read_manifests(settings.landing_dir)
    _check(estate, manifests, selection)
    superseded = superseded_ids(manifests)
    chosen = [
        m
        for m in manifests
        if m.state == "landed"
        and m.batch_id not in superseded
        and selection.holds(estate, m)
        and not (rows_path(settings.landing_dir, m).parent / REPLAY_FILE).is_file()
    ]
    groups: dict[tuple[str, str], list[BatchManifest]] = {}
    for m in chosen:
        groups.setdefault((m.source_system, m.extract_name), []).append(m)
    return [
        one for (system, extract), group in groups.items() for one in _reread(estate, settings, system, extract, group)
    ]


def _check(estate: Estate, manifests: Sequence[BatchManifest], selection: Selection) -> None:
    known = {m.batch_id for m in manifests}
    problems = [
        Problem(f"there is no {what} {name!r}", fix=f"one of: {', '.join(sorted(options)[:20])}")
        for what, names, options in (
            ("system", selection.systems, set(estate.systems)),
            ("plant", selection.plants, set(estate.plant_ids)),
            ("batch", selection.batches, known),
        )
        for name in names
        if name not in options
    ]
    if problems:
        raise MfgError(*problems)


def _reread(
    estate: Estate, settings: Settings, system: str, extract: str, batches: Sequence[BatchManifest]
) -> list[Reread]:
    def result(batch: BatchManifest, outcome: Outcome) -> Reread:
        return Reread(batch.batch_id, system, extract, batch.extracted_at, batch.rows_landed, outcome)

    if system not in estate.systems or extract not in estate.systems[system].extracts:
        return [result(batch, "source_gone") for batch in batches]
    if estate.systems[system].source_kind(extract) == "sql":
        # Rows that changed since then would be read as they are now, and pass for what was delivered.
        return [result(batch, "not_repeatable" if _is_whole(settings, batch) else "lost") for batch in batches]
    mapping = mapping_of(estate, system, extract)
    aside = settings.home_path / "tmp" / f"reread-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        scratch = settings.model_copy(update={"home": aside})
        try:
            land_extract(estate, system, extract, scratch)
        except SourceError:
            # What could be read before the failure has landed aside, and counts.
            aside.mkdir(parents=True, exist_ok=True)
        again = {(m.content_hash, m.mapping_hash): m for m in read_manifests(scratch.landing_dir)}
        found = []
        for batch in batches:
            if batch.mapping_hash != mapping.hash:
                found.append(result(batch, "mapping_changed"))
            elif (other := again.get((batch.content_hash, batch.mapping_hash))) is None:
                found.append(result(batch, "source_gone"))
            else:
                found.append(result(batch, _compare(settings, scratch, batch, other)))
        return found
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _compare(settings: Settings, scratch: Settings, batch: BatchManifest, again: BatchManifest) -> Outcome:
    fresh = _fingerprint(scratch, again)
    if (own := _fingerprint(settings, batch)) == fresh:
        return "identical"
    if own is not None and own[0] == batch.rows_landed:
        return "differs"
    _put_back(rows_path(scratch.landing_dir, again), rows_path(settings.landing_dir, batch))
    letters = scratch.dead_letters_dir / again.entity / f"{again.batch_id}.parquet"
    if letters.is_file() and again.batch_id == batch.batch_id:
        _put_back(letters, settings.dead_letters_dir / batch.entity / letters.name)
    return "restored" if _fingerprint(settings, batch) == fresh else "differs"


def _is_whole(settings: Settings, batch: BatchManifest) -> bool:
    found = _fingerprint(settings, batch)
    return found is not None and found[0] == batch.rows_landed


def _fingerprint(settings: Settings, batch: BatchManifest) -> tuple[int, int] | None:
    """Count and hash of a batch's rows, whatever their order; None where its file can't be read.

    What carries the batch's own id is left out: the same delivery has another one where it came twice.
    """
    if not batch.rows_landed:
        return (0, 0)
    sql = landed_sql(settings.landing_dir, contract(batch.entity), [batch])
    try:
        with connect(settings) as connection:
            row = connection.execute(
                "select count(*), coalesce(bit_xor(hash(r)), 0) from "
                f"(select * exclude (batch_id, correlation_id, recorded_at) from ({sql})) as r"
            ).fetchone()
    except duckdb.Error:
        return None
    return (int(row[0]), int(row[1])) if row else None


def _put_back(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, aside)
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    aside.replace(target)
