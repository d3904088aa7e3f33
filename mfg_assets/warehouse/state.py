"""Whether the published state still answers for what has landed, so that nothing is built twice.

Belongs here: the fingerprint of everything a build depends on, and the note kept after a whole, published build.
Doesn't belong here: building.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from mfg_assets import contracts as contracts_package
from mfg_assets.estate.models import Estate
from mfg_assets.ingest import current_batches, read_manifests
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect

_SUFFIXES = {".sql", ".yml", ".yaml", ".csv", ".py"}
_GENERATED = {"target", "logs", "dbt_packages"}


@dataclass(frozen=True)
class Built:
    """The last whole build that was published.

    Its results hold for every as-of in `[as_of, valid_until)`: no effectivity starts or ends between them.
    `valid_until` is None when nothing will change by time alone.
    """

    fingerprint: str
    definition: str
    run_id: str
    as_of: datetime
    valid_until: datetime | None


def fingerprint(settings: Settings, estate: Estate) -> str:
    """SHA-256 over all that a build reads: batches, and what `definition` covers."""
    digest = hashlib.sha256(definition(settings, estate).encode())
    manifests = read_manifests(settings.landing_dir)
    for m in manifests:
        digest.update(f"{m.batch_id}|{m.state}\n".encode())
    for b in current_batches(manifests):
        digest.update(f"{b.manifest.batch_id}|{b.batch_sequence}|{b.is_in_force}\n".encode())
    return digest.hexdigest()


def definition(settings: Settings, estate: Estate) -> str:
    """SHA-256 over what somebody wrote: estate, contracts, models, expectations."""
    digest = hashlib.sha256(estate.model_dump_json(exclude={"path"}).encode())
    contracts_dir = Path(contracts_package.__file__).parent
    for folder in (settings.dbt_project_dir, settings.expectations_dir, contracts_dir):
        for path in source_files(folder):
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def source_files(folder: Path) -> list[Path]:
    """Files under a folder that somebody wrote, sorted; what tools generate is left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in _SUFFIXES
        and not _GENERATED.intersection(path.relative_to(folder).parts)
        and "__pycache__" not in path.parts
    )


def is_up_to_date(settings: Settings, estate: Estate, as_of: datetime) -> bool:
    """Whether a build now would give exactly what is published."""
    built = read(settings)
    if built is None or not settings.warehouse_path.is_file() or not (settings.published_dir / "current").exists():
        return False
    in_time = built.as_of <= as_of and (built.valid_until is None or as_of < built.valid_until)
    return in_time and built.fingerprint == fingerprint(settings, estate)


def write(settings: Settings, estate: Estate, run_id: str) -> Built:
    """Keep the note of a whole, published build. Called after publication only."""
    with connect(settings, settings.warehouse_path, read_only=True) as connection:
        row = connection.execute(
            "select r.as_of, b.valid_until from platform.run as r cross join reconciliation.as_of_boundary as b"
        ).fetchone()
    as_of, valid_until = row if row else (datetime.min, None)
    built = Built(fingerprint(settings, estate), definition(settings, estate), run_id, as_of, valid_until)
    path = _path(settings)
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps(asdict(built), default=str))
    aside.replace(path)
    return built


def read(settings: Settings) -> Built | None:
    """The note, or None when there is none or it can't be read."""
    try:
        content = json.loads(_path(settings).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    until = content["valid_until"]
    return Built(
        content["fingerprint"],
        content.get("definition", ""),
        content["run_id"],
        datetime.fromisoformat(content["as_of"]),
        datetime.fromisoformat(until) if until else None,
    )


def forget(settings: Settings) -> None:
    """Drop the note, so that the next run builds whatever has landed."""
    _path(settings).unlink(missing_ok=True)


def _path(settings: Settings) -> Path:
    return settings.warehouse_dir / "built.json"
