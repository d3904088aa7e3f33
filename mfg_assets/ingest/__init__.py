"""Ingest: from files as systems deliver them to batches that have landed.

Belongs here: connectors, mapping, casting, landing, dead letters. Doesn't belong here: dbt, Dagster.
"""

from mfg_assets.ingest.dead_letters import get_dead_letter, list_dead_letters
from mfg_assets.ingest.landing import LandingResult, land_extract
from mfg_assets.ingest.manifest import BatchFile, BatchManifest, CurrentBatch, current_batches, read_manifests
from mfg_assets.ingest.probe import compile_errors, pending_files, source_columns
from mfg_assets.ingest.sources import list_source_files

__all__ = [
    "BatchFile",
    "BatchManifest",
    "CurrentBatch",
    "LandingResult",
    "compile_errors",
    "current_batches",
    "get_dead_letter",
    "land_extract",
    "list_dead_letters",
    "list_source_files",
    "pending_files",
    "read_manifests",
    "source_columns",
]
