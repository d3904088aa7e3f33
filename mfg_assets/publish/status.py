"""Questions about publications: what is in force, what came before, what was refused.

Belongs here: reading the state and recording a refusal. Doesn't belong here: making a version (`snapshot`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from mfg_assets.errors import Problem, PublicationError
from mfg_assets.publish import history
from mfg_assets.publish.model import PublicationStatus, Refusal
from mfg_assets.publish.store import Store, utc_now, write_json
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect

KEEP_REFUSALS = 100


def current_version_dir(settings: Settings) -> Path:
    """The folder of the version in force, resolved once: read every table from it, not through `current`.

    Raises:
        PublicationError: nothing is published.
    """
    store = Store(settings.published_dir)
    version = store.current()
    if version is None:
        raise PublicationError(
            Problem("nothing is published", store.folder, fix="run `mfg run`; `mfg publish status` shows refusals")
        )
    return store.versions_dir / version


def status(settings: Settings) -> PublicationStatus:
    """The version in force, all versions and refusals, newest first. Empty where nothing was ever published."""
    store = Store(settings.published_dir)
    refusals = tuple(_refusals(store))
    version = store.current()
    if version is None:
        return PublicationStatus(None, (), refusals)
    with connect(settings) as connection:
        versions = tuple(history.read(connection, store, version))
    current = next((publication for publication in versions if publication.version == version), None)
    return PublicationStatus(current, versions, refusals)


def record_refusal(settings: Settings, run_id: str, reasons: Sequence[str], now: datetime | None = None) -> Refusal:
    """Record that the gate refused a publication and why; the version in force stays as it is.

    Raises:
        PublicationError: the record can't be written.
    """
    store = Store(settings.published_dir)
    refusal = Refusal(now or utc_now(), run_id, tuple(reasons), store.current())
    folder = _folder(store)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # One file each, so that a kill never leaves half a record; the time in its name orders them.
        write_json(
            folder / f"{refusal.refused_at:%Y%m%dT%H%M%S%f}.json",
            {
                "refused_at": refusal.refused_at.isoformat(),
                "run_id": run_id,
                "reasons": list(reasons),
                "version_in_force": refusal.version_in_force,
            },
        )
        for old in sorted(folder.glob("*.json"))[:-KEEP_REFUSALS]:
            old.unlink()
    except OSError as error:
        raise PublicationError(Problem(f"the refusal could not be recorded: {error}", folder)) from error
    return refusal


def _refusals(store: Store) -> list[Refusal]:
    refusals: list[Refusal] = []
    for file in sorted(_folder(store).glob("*.json"), reverse=True):
        record = json.loads(file.read_text(encoding="utf-8"))
        refusals.append(
            Refusal(
                datetime.fromisoformat(record["refused_at"]),
                record["run_id"],
                tuple(record["reasons"]),
                record["version_in_force"],
            )
        )
    return refusals


def _folder(store: Store) -> Path:
    return store.folder / "refusals"
