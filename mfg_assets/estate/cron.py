"""Cron expressions: five fields, as the scheduler reads them.

Belongs here: saying what is wrong with one. Doesn't belong here: running anything.
"""

from __future__ import annotations

_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    ("day of week", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_NAMED = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
_DAYS_IN_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def cron_fault(expression: str) -> str | None:
    """What is wrong with a cron expression; None when it is sound."""
    text = expression.strip().lower()
    if text.startswith("@"):
        return None if text in _NAMED else f"{expression!r} is not one of {', '.join(_NAMED)}"
    parts = text.split()
    if len(parts) != len(_FIELDS):
        return f"{expression!r} has {len(parts)} fields instead of 5 (minute hour day month weekday)"
    values: list[set[int]] = []
    for part, (name, low, high, names) in zip(parts, _FIELDS, strict=True):
        found = _values(part, low, high, names)
        if isinstance(found, str):
            return f"{name} {part!r}: {found}"
        values.append(found)
    days, months = values[2], values[3]
    # The scheduler refuses a day that its months lack even where a weekday is given beside it.
    if not any(day <= _DAYS_IN_MONTH[month - 1] for day in days for month in months):
        return f"{expression!r} never comes: no such day in that month"
    return None


def _values(field: str, low: int, high: int, names: tuple[str, ...]) -> set[int] | str:
    """The numbers that a field stands for, or what is wrong with it."""
    result: set[int] = set()
    for item in field.split(","):
        span, slash, step_text = item.partition("/")
        if slash and not (step_text.isdecimal() and 0 < int(step_text) <= high):
            return f"the step {step_text!r} is not a number from 1 to {high}"
        step = int(step_text) if slash else 1
        if span == "*":
            first, last = low, high
        else:
            begin, dash, end = span.partition("-")
            numbers = [_number(text, low, names) for text in ([begin, end] if dash else [begin])]
            if any(n is None or not low <= n <= high for n in numbers):
                return f"use numbers from {low} to {high}" + (f" or {names[0]}…{names[-1]}" if names else "")
            first = numbers[0] or 0
            last = (numbers[-1] or 0) if dash else (high if slash else first)
            if first > last:
                return f"{span} runs backwards"
        result.update(range(first, last + 1, step))
    return result


def _number(text: str, low: int, names: tuple[str, ...]) -> int | None:
    if text in names:
        return names.index(text) + low
    return int(text) if text.isascii() and text.isdecimal() else None
