"""What a contract demands of a record, rule by rule, with the reason a record is refused for breaking it.

Belongs here: the rules of one entity and the words for them. Doesn't belong here: applying them to files (ingest) or to
landed rows (dbt, through `derive`).
"""

from __future__ import annotations

from dataclasses import dataclass

from mfg_assets.contracts.model import CODE_TYPES, Column, Contract
from mfg_assets.warehouse.sql import identifier, literal

# Reason codes of dead letters, with what they mean to the person who has to mend the record.
REASONS: dict[str, str] = {
    "missing_required": "A value that every record needs is missing.",
    "not_castable": "The text is not a value of the column's type, or has more digits than it can hold.",
    "not_a_number": "NaN or infinity stands where a number is expected.",
    "out_of_range": "The number lies outside what the column allows.",
    "too_long": "The text is longer than the column allows.",
    "pattern_mismatch": "The text doesn't have the form that the column asks for.",
    "not_in_enumeration": "The word is none of those that the column knows.",
    "unknown_unit": "The estate's units code map has no entry for this unit.",
    "unknown_plant": "The estate has no such plant.",
    "unknown_currency": "The code is no currency of ISO 4217.",
    "unknown_code": "The code map named by the mapping has no entry for this code.",
    "naive_timestamp": "A local time came from a system that declares no time zone.",
    "nonexistent_local_time": "The local time was skipped when clocks went forward.",
    "ambiguous_local_time": "The local time happened twice when clocks went back.",
    "duplicate_key": "Another record of the same delivery has the same key and other content; the first was kept.",
    "conflicting_event": "Another record of the same delivery has the same event id and other content.",
    "malformed_row": "The record can't be taken apart: wrong number of fields, open quote, or a cell too large.",
}
_NUMBERS = ("DECIMAL", "INTEGER", "BIGINT")


@dataclass(frozen=True)
class Rule:
    """One demand of a contract.

    `reason` is one of REASONS; `column` is None where the whole record is meant. `expected` finishes the sentence
    "expected …". `violation` is an SQL condition over landed columns that is true when the rule is broken, or None
    where only landing can see it (a text that doesn't cast is no longer there after the cast).
    """

    reason: str
    column: str | None
    expected: str
    violation: str | None = None


def rules(contract: Contract) -> tuple[Rule, ...]:
    """All rules of a contract: those of its columns in order, then those of the whole record."""
    of_columns = [rule for column in contract.columns for rule in column_rules(column)]
    key = ", ".join(contract.key)
    if contract.kind == "event":
        whole = Rule("conflicting_event", None, f"one content per {key}")
    else:
        whole = Rule("duplicate_key", None, f"one record per {key}")
    return (*of_columns, whole, Rule("malformed_row", None, "as many fields as the header names"))


def column_rules(column: Column) -> list[Rule]:
    """The rules of one column."""
    name = identifier(column.name)
    found: list[Rule] = []

    def add(reason: str, expected: str, violation: str | None = None) -> None:
        found.append(Rule(reason, column.name, expected, violation))

    if column.required:
        add("missing_required", "a value", f"{name} is null")
    if column.sql_type != "VARCHAR":
        add("not_castable", f"a value of type {column.sql_type}")
    if column.sql_type.startswith(_NUMBERS):
        add("not_a_number", "a finite number")
    if column.sql_type == "TIMESTAMPTZ":
        add("naive_timestamp", "an offset, or a system that declares its time zone")
        add("nonexistent_local_time", "a local time that exists")
        add("ambiguous_local_time", "a local time that happened once")
    limits = [
        (column.minimum, ">=", "<"),
        (column.exclusive_minimum, ">", "<="),
        (column.maximum, "<=", ">"),
    ]
    stated = [(value, holds, breaks) for value, holds, breaks in limits if value is not None]
    if stated:
        add(
            "out_of_range",
            "a number " + " and ".join(f"{holds} {value}" for value, holds, _ in stated),
            " or ".join(f"{name} {breaks} {value}" for value, _, breaks in stated),
        )
    if column.max_length is not None:
        add("too_long", f"at most {column.max_length} characters", f"length({name}) > {column.max_length}")
    if column.pattern is not None:
        violation = f"not regexp_matches({name}, {literal(column.pattern)})"
        add("pattern_mismatch", f"a text of the form {column.pattern}", violation)
    if column.enumeration:
        words = ", ".join(literal(word) for word in column.enumeration)
        add("not_in_enumeration", "one of " + ", ".join(column.enumeration), f"{name} not in ({words})")
    if column.code_type is not None:
        expected = {
            "unit": "a unit that codes/units.csv knows",
            "plant": "a plant of estate.yaml",
            "currency": "a currency of ISO 4217",
        }[column.code_type]
        add(CODE_TYPES[column.code_type], expected)
    return found
