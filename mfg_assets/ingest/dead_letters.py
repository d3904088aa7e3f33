"""Refused records: listing and showing them.

Belongs here: reading what landing refused. Doesn't belong here: why a record is refused (`cast`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mfg_assets.errors import MfgError, Problem
from mfg_assets.ingest.manifest import read_manifests
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
    """Refused records of all batches that no later mapping superseded, newest batch first.

    Grain: one dict per record, with the columns of the dead-letter files. Empty when nothing matches.
    """
    files = _files(settings, system, entity, batch)
    if not files:
        return []
    listed = ", ".join(path_literal(f) for f in files)
    sql = f"select * from read_parquet([{listed}], union_by_name = true)"
    parameters: list[Any] = []
    if reason is not None:
        sql += " where list_contains(reasons, ?)"
        parameters.append(reason)
    sql += " order by received_at desc, source_system, entity, source_file, source_row, dead_letter_id"
    if limit is not None:
        sql += " limit ?"
        parameters.append(limit)
    with connect(settings) as connection:
        cursor = connection.execute(sql, parameters)
        names = [c[0] for c in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def get_dead_letter(settings: Settings, dead_letter_id: str) -> dict[str, Any]:
    """One refused record. Raises MfgError when there is none of that id."""
    batch = dead_letter_id.partition("-")[0]
    for letter in list_dead_letters(settings, batch=batch):
        if letter["dead_letter_id"] == dead_letter_id:
            return letter
    raise MfgError(
        Problem(f"there is no dead letter {dead_letter_id!r}", fix="`mfg dead-letters list` shows their ids")
    )


def _files(settings: Settings, system: str | None, entity: str | None, batch: str | None) -> list[Path]:
    """Files of committed batches only: one without its batch is what a killed landing left behind."""
    manifests = read_manifests(settings.landing_dir)
    superseded = {m.supersedes for m in manifests if m.supersedes}
    return [
        path
        for m in manifests
        if m.batch_id not in superseded
        and m.rows_rejected
        and system in (None, m.source_system)
        and entity in (None, m.entity)
        and batch in (None, m.batch_id)
        and (path := settings.dead_letters_dir / m.entity / f"{m.batch_id}.parquet").is_file()
    ]
