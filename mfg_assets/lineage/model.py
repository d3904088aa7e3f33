"""Shapes of a traced value.

Belongs here: plain data. Doesn't belong here: finding it (`trace`, `origin`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """One relation on the way back.

    Attributes:
        relation: `schema.table` in the warehouse.
        columns: columns of it that the value comes from; empty where only its rows matter (a count, a condition).
        rows: matching rows, cut to the columns that identify them and those that the value comes from; none where
            nothing narrows them down.
        matching: how many rows match in all.
    """

    relation: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    matching: int


@dataclass(frozen=True)
class Origin:
    """A landed row, and the record that it was read from.

    Attributes:
        entity: contract under which it landed.
        column: contract column that the value came through; None where the row as a whole counts.
        value: its landed value.
        source_row: 1-based place of the record in its file.
        mapping: the expression of the system's file that made the value.
        native: the record as delivered; None where the file is no longer there, or for a database.
        is_from_database: the system is read by query; what it held then, it may not hold now.
        rule: the ownership rule that ranks the system for this attribute, None where no rule applies.
    """

    entity: str
    column: str | None
    value: Any
    source_system: str
    extract_name: str
    batch_id: str
    source_file: str
    source_row: int
    correlation_id: str
    mapping: str | None = None
    native: dict[str, Any] | None = None
    is_from_database: bool = False
    rule: str | None = None


@dataclass(frozen=True)
class Trace:
    """A value of a published table, the way that it took, and where it began.

    `made_by` says what a value is that no system delivered: the estate, the platform's own records, a constant.
    """

    table: str
    key: dict[str, Any]
    column: str
    value: Any
    steps: tuple[Step, ...]
    origins: tuple[Origin, ...]
    made_by: str | None = None
    chosen_system: str | None = None

    @property
    def is_carried(self) -> bool:
        """Whether a landed record holds this very value; else it was computed from what the records hold."""
        return any(origin.column is not None and origin.value == self.value for origin in self.origins)
