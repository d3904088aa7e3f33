"""Health of the platform's own state: the estate, what has landed, what is published.

Belongs here: looking, without changing anything. Doesn't belong here: what surrounds it (`health_machine`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from mfg_assets.cli.health import Finding
from mfg_assets.errors import MfgError
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier, path_literal

if TYPE_CHECKING:
    from mfg_assets.estate.models import Estate
    from mfg_assets.ingest import BatchManifest
    from mfg_assets.settings import Settings

# Enough to see what is going on; the rest is counted.
_MOST_NAMED = 5


def estate(settings: Settings) -> Iterator[Finding]:
    """Whether the estate loads and its source folders are there."""
    from mfg_assets.estate.loader import load_estate
    from mfg_assets.ingest.sources import connector_folder

    if settings.estate is None:
        fix = "set MFG_ESTATE or pass --estate; `mfg check` and `mfg run` need one"
        yield Finding("estate", "estate", "note", "none is chosen", fix)
        return
    try:
        loaded = load_estate(settings.estate_path)
    except MfgError as error:
        first, *others = (str(problem) for problem in error.problems)
        detail = first + (f" and {len(others)} more" if others else "")
        yield Finding("estate", str(settings.estate), "wrong", detail, "`mfg check` shows all there is")
        return
    extracts = sum(len(s.extracts) for s in loaded.systems.values())
    detail = f"{loaded.file.name}: {len(loaded.plant_ids)} plants, {len(loaded.systems)} systems, {extracts} extracts"
    yield Finding("estate", str(settings.estate), "ok", detail)
    for name, system in loaded.systems.items():
        folder = connector_folder(loaded, system)
        if folder is None:
            yield _database(loaded, name)
        elif folder.is_dir():
            yield Finding("estate", name, "ok", f"reads {folder}")
        else:
            fix = f"mount or create it, or correct connector.path in systems/{name}.yaml"
            yield Finding("estate", name, "wrong", f"the folder {folder} does not exist", fix)


def _database(estate: Estate, name: str) -> Finding:
    """Whether a system's database can be reached."""
    from mfg_assets.ingest.connectors.database import open_database

    try:
        with open_database(estate, estate.systems[name]) as session:
            return Finding("estate", name, "ok", f"reads {session.place}")
    except MfgError as error:
        (problem, *_) = error.problems
        return Finding("estate", name, "wrong", problem.message, problem.fix or "correct connector.url")


def landing(settings: Settings) -> Iterator[Finding]:
    """Whether every batch is whole: its manifest, its rows, its dead letters, and that the counts agree."""
    from mfg_assets.ingest import read_manifests

    folders = [folder for folder in settings.landing_dir.glob("*/*/*") if folder.is_dir()]
    problems = [
        f"{folder} has no manifest"
        for folder in folders
        if not folder.name.startswith(".") and not (folder / "manifest.json").is_file()
    ]
    manifests: list[BatchManifest] = []
    try:
        manifests = read_manifests(settings.landing_dir)
    except (MfgError, OSError, ValueError, TypeError, KeyError) as error:
        problems.append(f"a manifest is damaged: {error}")
    if not folders:
        yield Finding("landing", "batches", "ok", "nothing has landed yet")
        return
    with connect(settings) as connection:
        for manifest in manifests:
            problems += _batch_problems(connection, settings, manifest)
    if problems:
        fix = "restore these folders from a backup, or delete them and run again: files still delivered land anew"
        yield Finding("landing", "batches", "wrong", _some(problems), fix)
    else:
        landed, rejected = sum(m.rows_landed for m in manifests), sum(m.rows_rejected for m in manifests)
        detail = f"{len(manifests)} batches whole, {landed:,} rows landed, {rejected:,} rejected"
        yield Finding("landing", "batches", "ok", detail)
    leftovers = sum(f.name.startswith(".tmp-") for f in folders)
    if leftovers:
        detail = f"{leftovers} unfinished batches of runs that were ended"
        yield Finding("landing", "leftovers", "note", detail, "nothing to do: the next run removes them")


def _some(problems: list[str]) -> str:
    more = len(problems) - _MOST_NAMED
    return "; ".join(problems[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _batch_problems(
    connection: duckdb.DuckDBPyConnection, settings: Settings, manifest: BatchManifest
) -> Iterator[str]:
    name = f"{manifest.source_system}.{manifest.extract_name} {manifest.batch_id}"
    if manifest.rows_received != manifest.rows_landed + manifest.rows_rejected:
        yield f"{name}: received {manifest.rows_received} is not landed plus rejected"
    if manifest.state == "landed":
        folder = f"{manifest.source_system}.{manifest.extract_name}"
        rows = settings.landing_dir / manifest.entity / folder / manifest.batch_id / "rows.parquet"
        yield from _count_problems(connection, rows, manifest.rows_landed, f"{name}: rows.parquet")
    # Of a batch refused whole, only the records that are at fault themselves have dead letters.
    if manifest.rows_rejected and manifest.state == "landed":
        letters = settings.dead_letters_dir / manifest.entity / f"{manifest.batch_id}.parquet"
        yield from _count_problems(connection, letters, manifest.rows_rejected, f"{name}: its dead letters")


def _count_problems(connection: duckdb.DuckDBPyConnection, path: Path, expected: int, name: str) -> Iterator[str]:
    if not path.is_file():
        yield f"{name} are missing at {path}"
        return
    try:
        row = connection.execute(f"select count(*) from read_parquet({path_literal(path)})").fetchone()
    except duckdb.Error as error:
        yield f"{name} can't be read: {str(error).splitlines()[0]}"
        return
    if row is None or row[0] != expected:
        yield f"{name} hold {row[0] if row else 0} rows, the manifest says {expected}"


def published(settings: Settings) -> Iterator[Finding]:
    """Whether the version in force is whole: every file at its size, every table in marts.duckdb with its rows."""
    import json

    from mfg_assets.publish import current_version_dir, status

    if not settings.published_dir.exists():
        yield Finding("published", "current", "ok", "nothing is published yet; `mfg run` makes the first version")
        return
    try:
        found = status(settings)
        if found.current is None:
            fix = "`mfg publish status` shows refusals; `mfg run` tries again"
            yield Finding("published", "current", "note", "nothing is published", fix)
            return
        folder = current_version_dir(settings)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (MfgError, OSError, json.JSONDecodeError) as error:
        yield Finding("published", "current", "wrong", str(error), "`mfg run --full-refresh` publishes anew")
        return
    problems = [
        f"{table}: {entry['file']} is missing or not {entry['bytes']:,} bytes long"
        for table, entry in manifest["tables"].items()
        if not (folder / entry["file"]).is_file() or (folder / entry["file"]).stat().st_size != entry["bytes"]
    ]
    problems += _database_problems(settings, folder, manifest["tables"])
    if problems:
        yield Finding("published", folder.name, "wrong", _some(problems), "`mfg run --full-refresh` publishes anew")
    else:
        detail = f"whole: {len(manifest['tables'])} tables, {len(found.versions)} versions in its history"
        yield Finding("published", folder.name, "ok", detail)
    if found.refused_since is not None:
        reasons = "; ".join(found.refused_since.reasons)
        yield Finding(
            "published", "refusal", "wrong", f"the newest build was refused: {reasons}", "mend what the checks found"
        )


def _database_problems(settings: Settings, folder: Path, tables: dict[str, dict[str, object]]) -> Iterator[str]:
    try:
        with connect(settings, folder / "marts.duckdb", read_only=True) as connection:
            for table, entry in tables.items():
                row = connection.execute(f"select count(*) from {identifier(table)}").fetchone()
                if row is None or row[0] != entry["rows"]:
                    yield f"marts.duckdb: {table} has {row[0] if row else 0} rows, the manifest says {entry['rows']}"
    except (MfgError, duckdb.Error) as error:
        yield f"marts.duckdb: {str(error).splitlines()[0]}"
