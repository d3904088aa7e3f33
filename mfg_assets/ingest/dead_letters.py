"""Refused records: listing and showing them.

Belongs here: reading what landing refused. Doesn't belong here: why a record is refused (`cast`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mfg_assets.errors import Problem, UsageError
from mfg_assets.ingest.manifest import BatchManifest, read_manifests, superseded_ids
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import path_literal


def list_dead_letters(
    settings: Settings,
    *,
    system: str | None = None,
    entity: str | None = None,
    reason: str | None = None,
    batch: str | None = None,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Refused records of all batches that nothing supersedes, newest batch first.

    Grain: one dict per record, with the columns of the dead-letter files. Empty when nothing matches.
    """
    wanted = [
        m
        for m in _current(settings)
        if system in (None, m.source_system) and entity in (None, m.entity) and batch in (None, m.batch_id)
    ]
    conditions, parameters = [], []
    if reason is not None:
        conditions.append("list_contains(reasons, ?)")
        parameters.append(reason)
    return _query(settings, wanted, conditions, parameters, limit)


def get_dead_letter(settings: Settings, dead_letter_id: str) -> dict[str, Any]:
    """One refused record, of a superseded batch too. Raises UsageError when there is none of that id."""
    batch = dead_letter_id.partition("-")[0]
    wanted = [m for m in read_manifests(settings.landing_dir) if m.batch_id == batch]
    found = _query(settings, wanted, ["dead_letter_id = ?"], [dead_letter_id], 1)
    if not found:
        fix = "`mfg dead-letters list` shows their ids"
        raise UsageError(Problem(f"there is no dead letter {dead_letter_id!r}", fix=fix))
    return found[0]


def _current(settings: Settings) -> list[BatchManifest]:
    manifests = read_manifests(settings.landing_dir)
    # A reading that was refused replaces no rows, but it is the newest word on these bytes' faults.
    superseded = superseded_ids(manifests) | {m.supersedes for m in manifests if m.supersedes}
    return [m for m in manifests if m.batch_id not in superseded]


def _query(
    settings: Settings,
    manifests: list[BatchManifest],
    conditions: list[str],
    parameters: list[Any],
    limit: int | None,
) -> list[dict[str, Any]]:
    """Files of committed batches only: one without its batch is what a killed landing left behind."""
    files = [path for m in manifests if m.reject_counts and (path := _path(settings, m)).is_file()]
    if not files:
        return []
    listed = ", ".join(path_literal(f) for f in files)
    where = f" where {' and '.join(conditions)}" if conditions else ""
    sql = (
        "select dead_letter_id, source_system, extract_name, entity, batch_id, source_file, source_row, reasons, "
        f"details, payload, received_at, correlation_id, state from read_parquet([{listed}]){where} "
        "order by received_at desc, source_system, entity, source_file, source_row, dead_letter_id"
    )
    if limit is not None:
        sql += " limit ?"
        parameters = [*parameters, limit]
    with connect(settings) as connection:
        cursor = connection.execute(sql, parameters)
        names = [c[0] for c in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _path(settings: Settings, manifest: BatchManifest) -> Path:
    return settings.dead_letters_dir / manifest.entity / f"{manifest.batch_id}.parquet"
