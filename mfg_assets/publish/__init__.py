"""Publication: versioned, gated releases of the reconciled state as files that readers can trust.

Belongs here: which tables are published, writing a version aside, swapping it in, its history and retention.
Doesn't belong here: deciding whether the gate is open (checks, in `quality` and dbt), other targets, Dagster.
"""

from mfg_assets.publish.model import (
    Publication,
    PublicationResult,
    PublicationStatus,
    PublishedTable,
    Refusal,
    TableChange,
)
from mfg_assets.publish.snapshot import publish
from mfg_assets.publish.status import current_version_dir, record_refusal, status
from mfg_assets.publish.tables import published_tables

__all__ = [
    "Publication",
    "PublicationResult",
    "PublicationStatus",
    "PublishedTable",
    "Refusal",
    "TableChange",
    "current_version_dir",
    "publish",
    "published_tables",
    "record_refusal",
    "status",
]
