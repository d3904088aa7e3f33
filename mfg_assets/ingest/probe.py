"""Looking at sources without landing them: real headers, whether expressions compile, what is pending.

Belongs here: what `mfg check` and the sensors ask. Doesn't belong here: landing.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from mfg_assets.errors import SourceError
from mfg_assets.estate.models import Estate
from mfg_assets.ingest import cast
from mfg_assets.ingest.connectors import Table
from mfg_assets.ingest.database import is_database, pending_facts, sample
from mfg_assets.ingest.identity import FileHashes, batch_files, identify
from mfg_assets.ingest.landing import batch_folder
from mfg_assets.ingest.manifest import read_extract_manifests
from mfg_assets.ingest.mapping import Compiled, ExtractMapping, mapping_of, with_absent
from mfg_assets.ingest.reading import create_relations, open_tables
from mfg_assets.ingest.sources import find_deliveries, relative_name, source_folder
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect


def source_columns(estate: Estate, system_id: str, extract_name: str, settings: Settings) -> dict[str, list[str]]:
    """Real column names by alias: `src` for the extract's own newest file, each join's alias for the joined one.

    Raises:
        SourceError: the folder or a file is missing, or a header can't be read.
    """
    with _opened(estate, system_id, extract_name, settings) as (_, _, tables):
        return {alias: list(group[0].columns) for alias, group in tables.items()}


def compile_errors(estate: Estate, system_id: str, extract_name: str, settings: Settings) -> list[tuple[str, str]]:
    """Expressions that don't compile against the newest file's header: where (`columns.quantity`, `where`, …) and why.

    Raises:
        SourceError: as `source_columns`.
    """
    with _opened(estate, system_id, extract_name, settings) as (connection, mapping, tables):
        cast.create_macros(connection, mapping.reading)
        # Where nothing was delivered, nothing can be said about names.
        tables = with_absent(mapping, tables, is_check=True)
        return Compiled(connection, mapping, create_relations(connection, tables)).errors


@contextmanager
def _opened(
    estate: Estate, system_id: str, extract_name: str, settings: Settings
) -> Iterator[tuple[duckdb.DuckDBPyConnection, ExtractMapping, dict[str, list[Table]]]]:
    mapping = mapping_of(estate, system_id, extract_name)
    workdir = settings.home_path / "tmp" / f"landing-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    workdir.mkdir(parents=True)
    try:
        if is_database(mapping):
            folder, newest = workdir, sample(mapping, workdir)
        else:
            folder = source_folder(estate, mapping.system)
            newest = find_deliveries(estate, system_id, extract_name)[-1]
            joins = {alias: paths[-1:] for alias, paths in newest.joins.items()}
            newest = replace(newest, data=newest.data[-1:], joins=joins)
        with connect(settings, allowed_directories=(folder, workdir), trust_statistics=False) as connection:
            yield connection, mapping, open_tables(connection, mapping, newest, folder, workdir)
    finally:
        shutil.rmtree(workdir, ignore_errors=True)


def pending_files(estate: Estate, system_id: str, settings: Settings) -> dict[str, list[tuple[str, int, int]]]:
    """Files that no batch holds yet, by extract: name, size, modification time in nanoseconds.

    Only names and file system facts are looked at, so that sensors may ask often. An extract whose mapping, joined or
    control files changed since it landed has its files pending again. Of a database the name says which table, and
    changes with what is in it.
    """
    result = {}
    for extract_name in estate.systems[system_id].extracts:
        try:
            pending = _pending(estate, system_id, extract_name, settings)
        except SourceError:
            # Nothing is there, or it can't be told apart: landing says so, a sensor only waits.
            continue
        if pending:
            result[extract_name] = sorted(pending)
    return result


def _pending(estate: Estate, system_id: str, extract_name: str, settings: Settings) -> set[tuple[str, int, int]]:
    mapping = mapping_of(estate, system_id, extract_name)
    if is_database(mapping):
        return set(pending_facts(mapping, batch_folder(settings, mapping)))
    folder = source_folder(estate, mapping.system)
    found = find_deliveries(estate, system_id, extract_name)
    place = batch_folder(settings, mapping)
    hashes, history = FileHashes(place), read_extract_manifests(place)
    pending: set[tuple[str, int, int]] = set()
    for delivery in found:
        known = {path: digest for path in delivery.files if (digest := hashes.known(path)) is not None}
        if len(known) == len(delivery.files):
            files = batch_files(delivery, folder, known)
            own = (system_id, extract_name)
            if not identify(own, mapping.extract.delivery, mapping.hash, files, delivery.extracted_at, history).is_new:
                continue
        pending |= {_fact(path, folder) for path in delivery.files}
    return pending


def _fact(path: Path, folder: Path) -> tuple[str, int, int]:
    state = path.stat()
    return relative_name(path, folder), state.st_size, state.st_mtime_ns
