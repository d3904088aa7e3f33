"""Shapes of publication: what is published, what a publication did, what its history says.

Belongs here: plain data. Doesn't belong here: reading or writing files (`store`), SQL (`fingerprint`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from mfg_assets.warehouse.sql import identifier


@dataclass(frozen=True)
class PublishedTable:
    """A relation of the warehouse that readers get.

    Attributes:
        name: the table's stable name, also its file's name.
        relation: `schema.name` in the warehouse.
        key: columns that identify a row; nulls are values of their own.
        description: one line for readers.
        columns: descriptions of columns, by name; may be incomplete.
        is_ledger: whether it changes as people act or days pass, and so says nothing about what a run built.
    """

    name: str
    relation: str
    key: tuple[str, ...]
    description: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    is_ledger: bool = False

    @property
    def sql(self) -> str:
        """The relation quoted for SQL, without its database."""
        schema, _, name = self.relation.partition(".")
        return f"{identifier(schema)}.{identifier(name)}"


@dataclass(frozen=True)
class TableChange:
    """What one publication changed in one table, in rows by key."""

    rows_added: int = 0
    rows_removed: int = 0
    rows_changed: int = 0


@dataclass(frozen=True)
class PublicationResult:
    """What `publish` did. With state `unchanged` no version was made and `version` is the one in force."""

    version: str
    content_hash: str
    state: Literal["published", "unchanged"]
    tables_changed: tuple[str, ...] = ()
    rows_added: int = 0
    rows_removed: int = 0
    rows_changed: int = 0
    changes: Mapping[str, TableChange] = field(default_factory=dict)


@dataclass(frozen=True)
class Publication:
    """One version in the history; `folder` is None once retention has removed its files.

    `rollback_of` names the version whose content a rollback put back, `published_by` and `reason` who did and why.
    """

    version: str
    published_at: datetime
    run_id: str
    as_of: datetime
    content_hash: str
    tables_changed: tuple[str, ...]
    rows_added: int
    rows_removed: int
    rows_changed: int
    folder: Path | None = None
    rollback_of: str | None = None
    published_by: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Refusal:
    """A publication that the gate refused; the version then in force stayed."""

    refused_at: datetime
    run_id: str
    reasons: tuple[str, ...]
    version_in_force: str | None


@dataclass(frozen=True)
class PublicationStatus:
    """The version in force, the history (newest first) and refusals (newest first)."""

    current: Publication | None
    versions: tuple[Publication, ...]
    refusals: tuple[Refusal, ...]

    @property
    def refused_since(self) -> Refusal | None:
        """The newest refusal after the version in force was published, else None: readers see older state."""
        if not self.refusals:
            return None
        newest = self.refusals[0]
        return newest if self.current is None or newest.refused_at > self.current.published_at else None
