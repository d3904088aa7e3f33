"""Records made from a contract: one that keeps every rule, and for each rule one that breaks only that.

Belongs here: building values. Doesn't belong here: expectations (the tests have them).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from mfg_assets.contracts import Column, Contract
from mfg_assets.contracts.rules import Rule, rules

# Europe/Berlin: clocks went forward over the first and back over the second.
GAP = "2026-03-29 02:30:00"
FOLD = "2026-10-25 02:30:00"
_GOOD = {
    "VARCHAR": "A1",
    "BOOLEAN": "true",
    "INTEGER": "1",
    "BIGINT": "1",
    "DECIMAL(18,6)": "1",
    "DECIMAL(18,9)": "1",
    "DECIMAL(9,6)": "0.5",
    "DATE": "2026-01-15",
    "TIMESTAMPTZ": "2026-01-15 12:00:00",
}
_OTHER = {
    "VARCHAR": "B2",
    "BOOLEAN": "false",
    "INTEGER": "2",
    "DECIMAL(18,6)": "2",
    "DECIMAL(18,9)": "2",
    "TIMESTAMPTZ": "2026-02-15 12:00:00",
}
_CODES = {"unit": "EA", "plant": "P100", "currency": "EUR"}
_PATTERNS = {"^[0-9]{9}$": "123456789", "^[A-Z]{2}$": "DE", "^[0-9a-f]{64}$": "0" * 64}


@dataclass(frozen=True)
class Broken:
    """A record, as text by column, that breaks one rule."""

    rule: Rule
    values: dict[str, str | None]


def good_value(column: Column) -> str:
    """A text that the column takes."""
    if column.code_type is not None:
        return _CODES[column.code_type]
    if column.enumeration:
        return column.enumeration[0]
    if column.pattern is not None:
        return _PATTERNS[column.pattern]
    return _GOOD[column.sql_type]


def good_record(contract: Contract, number: int = 0) -> dict[str, str | None]:
    """A record that keeps every rule; other numbers give other keys."""
    record: dict[str, str | None] = {c.name: good_value(c) for c in contract.columns}
    if number:
        free = next(c for c in contract.columns if c.name in contract.key and c.max_length and not c.enumeration)
        record[free.name] = f"A{number + 1}"
    return record


def broken_records(contract: Contract) -> Iterator[Broken]:
    """For each rule about a column, records of their own keys that break it alone."""
    number = 0
    for rule in rules(contract):
        if rule.column is not None:
            column = contract.column(rule.column)
            for text in _bad_values(column, rule.reason):
                number += 1
                yield Broken(rule, good_record(contract, number) | {rule.column: text})


def other_content(contract: Contract, record: dict[str, str | None]) -> dict[str, str | None]:
    """The same key with another value in some other column."""
    free = (c for c in contract.columns if not (c.enumeration or c.code_type or c.pattern))
    column = next(c for c in free if c.name not in contract.key)
    return record | {column.name: _OTHER[column.sql_type]}


def _bad_values(column: Column, reason: str) -> list[str | None]:
    step = Decimal("0.001") if column.sql_type.startswith("DECIMAL") else Decimal(1)
    below = [] if column.minimum is None else [column.minimum - step]
    at_least = [] if column.exclusive_minimum is None else [column.exclusive_minimum]
    above = [] if column.maximum is None else [column.maximum + step]
    bad: dict[str, list[str | None]] = {
        "missing_required": [None],
        "not_castable": ["certainly", "1" * 40] if column.sql_type.startswith("DECIMAL") else ["certainly"],
        "not_a_number": ["NaN", "Infinity"],
        "out_of_range": [str(value) for value in (*below, *at_least, *above)],
        "too_long": ["A" * ((column.max_length or 0) + 1)],
        "pattern_mismatch": ["?" * (column.max_length or 3)],
        "not_in_enumeration": ["no_such_word"],
        "unknown_unit": ["smidgen"],
        "unknown_plant": ["P999"],
        "unknown_currency": ["ZZZ"],
        "nonexistent_local_time": [GAP],
        "ambiguous_local_time": [FOLD],
        "naive_timestamp": [],  # needs a system without a zone; tested on its own
    }
    return bad[reason]
