"""The shape of a contract, as the rest of the platform sees it.

Belongs here: plain immutable classes, read from the YAML by `registry`.
Doesn't belong here: file access, SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Domain = Literal["master", "engineering", "procurement", "production", "inventory", "integration"]
Kind = Literal["record", "event", "balance"]

# The warehouse types a contract may use. Quantities, money and factors are decimals, never floats (rule 20);
# instants are stored in UTC (rule 5).
SQL_TYPES = frozenset(
    {
        "VARCHAR",
        "BOOLEAN",
        "INTEGER",
        "BIGINT",
        "DECIMAL(18,6)",  # quantities, prices, costs
        "DECIMAL(18,9)",  # conversion factors
        "DECIMAL(9,6)",  # fractions: scrap, probability, yield
        "DATE",
        "TIMESTAMPTZ",  # instants
    }
)

# Code types that landing resolves through the estate's code maps; each has its own rejection reason.
CODE_TYPES = {"unit": "unknown_unit", "plant": "unknown_plant", "currency": "unknown_currency"}

# Columns that landing adds to every row, in this order, after the contract's own columns.
PLATFORM_COLUMNS: dict[str, tuple[str, str]] = {
    "source_system": ("VARCHAR", "System that delivered the row."),
    "extract_name": ("VARCHAR", "Extract of that system."),
    "batch_id": ("VARCHAR", "Batch that carried the row."),
    "source_file": ("VARCHAR", "Name of the file within the batch."),
    "source_row": ("BIGINT", "1-based ordinal of the record within its file, header not counted."),
    "recorded_at": ("TIMESTAMPTZ", "When the source wrote the row (UTC); the delivery's time where it doesn't say."),
    "correlation_id": ("VARCHAR", "Follows the record end to end; the source's own where it has one."),
    "is_deleted": ("BOOLEAN", "The source says that this key no longer exists."),
}


@dataclass(frozen=True)
class Reference:
    """The column points at another entity's key column."""

    entity: str
    column: str


@dataclass(frozen=True)
class Column:
    """One column of a contract.

    `sql_type` is one of SQL_TYPES. `minimum`/`maximum` are inclusive; `exclusive_minimum` is not.
    `code_type` says which code map normalises it (`unit`, `plant`, `currency`).
    `unit` is the measurement unit in words (`days`, `hours`, or the name of the column that holds the unit code).
    `is_owned` marks an attribute that needs a system of record.
    """

    name: str
    sql_type: str
    description: str
    required: bool = False
    key_position: int | None = None
    enumeration: tuple[str, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    exclusive_minimum: Decimal | None = None
    max_length: int | None = None
    pattern: str | None = None
    code_type: str | None = None
    unit: str | None = None
    references: Reference | None = None
    is_owned: bool = False


@dataclass(frozen=True)
class Contract:
    """The landing shape of one entity.

    `kind` says what a row is: `record` (a state, the newest version per key counts), `event` (happened once, identified
    by its key) or `balance` (a report that replaces, rule 22). `event_column` is the instant that orders versions.
    """

    entity: str
    domain: Domain
    description: str
    grain: str
    kind: Kind
    columns: tuple[Column, ...]
    event_column: str | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the key columns, in key order."""
        keyed = [c for c in self.columns if c.key_position is not None]
        return tuple(c.name for c in sorted(keyed, key=lambda c: c.key_position or 0))

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that every record must have a value for."""
        return tuple(c.name for c in self.columns if c.required)

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
