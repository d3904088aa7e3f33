"""Publication: versioned, gated releases of the reconciled state as files that readers can trust.

Belongs here: which tables are published, writing a version aside, swapping it in, its history and retention.
Doesn't belong here: deciding whether the gate is open (checks, in `quality` and dbt), other targets, Dagster.
"""

from mfg_assets.publish.difference import RowDifference, TableDifference, differences, row_differences
from mfg_assets.publish.model import (
    Publication,
    PublicationResult,
    PublicationStatus,
    PublishedTable,
    Refusal,
    TableChange,
)
from mfg_assets.publish.rollback import find_version, rollback
from mfg_assets.publish.snapshot import publish
from mfg_assets.publish.status import current_version_dir, record_refusal, status
from mfg_assets.publish.tables import published_tables

__all__ = [
    "Publication",
    "PublicationResult",
    "PublicationStatus",
    "PublishedTable",
    "Refusal",
    "RowDifference",
    "TableChange",
    "TableDifference",
    "current_version_dir",
    "differences",
    "find_version",
    "publish",
    "published_tables",
    "record_refusal",
    "rollback",
    "row_differences",
    "status",
]
