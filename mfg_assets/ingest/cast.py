"""SQL that casts a mapped value to its contract column and says why it can't.

Belongs here: one column at a time, as SQL text. Doesn't belong here: batches, files.

Every expression is over two columns of the mapped relation: the raw value `r:<name>` and the cast one `v:<name>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from mfg_assets.contracts import CODE_TYPES, Column
from mfg_assets.estate.models import DaylightSaving, Format
from mfg_assets.warehouse.sql import identifier, literal

_NOT_NUMBERS = "('nan', 'inf', '+inf', '-inf', 'infinity', '+infinity', '-infinity', '-nan', '+nan')"
_WHOLE = r"^[+-]?[0-9]+(\.0*)?$"
# A clock time followed by Z or an offset; a bare date also ends in -dd, so the colon is required.
_OFFSET = r":[0-9]{2}(\.[0-9]+)?\s*([zZ]|[+-][0-9]{2}(:?[0-9]{2})?)$"
_NAIVE = "TIMESTAMP"


@dataclass(frozen=True)
class Rules:
    """What the system says about its values: number and date formats, time zone, daylight saving."""

    form: Format
    zone: str | None
    daylight: DaylightSaving


def raw(name: str) -> str:
    """The mapped value before casting."""
    return identifier(f"r:{name}")


def value(name: str) -> str:
    """The cast value."""
    return identifier(f"v:{name}")


def cast(column: Column, raw_type: str, rules: Rules) -> str:
    """The cast value, null where it can't be held (the reason is another expression)."""
    source = raw(column.name)
    text = f"trim({source}::varchar)"
    if column.sql_type == "VARCHAR":
        return f"nullif({text}, '')"
    if column.sql_type == "BOOLEAN":
        return f"try_cast({text} as boolean)"
    if column.sql_type in ("INTEGER", "BIGINT"):
        number = _number_text(text, rules.form) if raw_type == "VARCHAR" else text
        return f"case when regexp_matches({number}, {literal(_WHOLE)}) then try_cast({number} as {column.sql_type}) end"
    if column.sql_type.startswith("DECIMAL"):
        number = _number_text(text, rules.form) if raw_type == "VARCHAR" else source
        return f"try_cast({number} as {column.sql_type})"
    if column.sql_type == "DATE":
        return _date(source, text, raw_type, rules)
    return _instant(source, text, raw_type, rules)


def _number_text(text: str, form: Format) -> str:
    if form.thousands:
        text = f"replace({text}, {literal(form.thousands)}, '')"
    if form.decimal == ",":
        text = f"replace({text}, ',', '.')"
    if form.trailing_minus:
        text = f"case when {text} like '%-' then '-' || rtrim({text}, '- ') else {text} end"
    return text


def _date(source: str, text: str, raw_type: str, rules: Rules) -> str:
    if raw_type != "VARCHAR":
        return f"try_cast({source} as date)"
    formats = rules.form.date_formats
    tried = f"try_strptime({text}, [{', '.join(literal(f) for f in formats)}])::date, " if formats else ""
    return f"coalesce({tried}try_cast({text} as date))"


def _naive(source: str, text: str, raw_type: str, rules: Rules) -> str:
    if raw_type != "VARCHAR":
        return f"try_cast({source} as timestamp)"
    formats = rules.form.date_formats
    tried = f"try_strptime({text}, [{', '.join(literal(f) for f in formats)}]), " if formats else ""
    return f"coalesce({tried}try_cast({text} as timestamp))"


def _instant(source: str, text: str, raw_type: str, rules: Rules) -> str:
    """UTC instant: with an offset as it stands, else read in the system's zone (rule 5)."""
    if raw_type.startswith("TIMESTAMP WITH"):
        return f"try_cast({source} as timestamptz)"
    if rules.zone is None:
        local = "null::timestamptz"
    else:
        naive = _naive(source, text, raw_type, rules)
        local = f"timezone({literal(rules.zone)}, {naive})"
        if rules.daylight.fold != "reject" and _transition_dates(rules.zone):
            earlier, later = (
                f"least({local}, {_other(local, naive, rules.zone)})",
                f"greatest({local}, {_other(local, naive, rules.zone)})",
            )
            chosen = earlier if rules.daylight.fold == "earlier" else later
            local = f"case when {_near_transition(naive, rules.zone)} then {chosen} else {local} end"
    if raw_type != "VARCHAR":
        return local
    return f"case when regexp_matches({text}, {literal(_OFFSET)}) then try_cast({text} as timestamptz) else {local} end"


def _other(local: str, naive: str, zone: str) -> str:
    """The other instant that shows the same local time, null when there is only one."""
    tries = [
        f"case when timezone({literal(zone)}, {local} {sign} interval {minutes} minute) = {naive} "
        f"then {local} {sign} interval {minutes} minute end"
        for sign in "+-"
        for minutes in (60, 30, 120)
    ]
    return f"coalesce({', '.join(tries)})"


@lru_cache(maxsize=64)
def _transition_dates(zone: str) -> tuple[date, ...]:
    """Local dates on which clocks change, 1970 to 2100: only there a local time can be missing or double."""
    tz = ZoneInfo(zone)
    moment, found = datetime(1970, 1, 1, tzinfo=UTC), set()
    before = moment.astimezone(tz).utcoffset()
    while moment.year < 2101:
        moment += timedelta(days=1)
        after = moment.astimezone(tz).utcoffset()
        if after != before:
            for hours in range(-36, 13, 6):
                found.add((moment + timedelta(hours=hours)).astimezone(tz).date())
        before = after
    return tuple(sorted(found))


def _near_transition(naive: str, zone: str) -> str:
    dates = ", ".join(f"date '{d}'" for d in _transition_dates(zone))
    return f"({naive})::date in ({dates})" if dates else "false"


def reason(column: Column, raw_type: str, rules: Rules) -> str:
    """SQL of the reason code for one column, null where the value stands."""
    source, cast_value = raw(column.name), value(column.name)
    text = f"trim({source}::varchar)"
    given = f"({source} is not null and {text} <> '')"
    tests: list[tuple[str, str]] = []
    if column.code_type is not None:
        tests.append((f"{given} and {cast_value} is null", CODE_TYPES[column.code_type]))
    if column.sql_type.startswith(("DECIMAL", "INTEGER", "BIGINT")):
        tests.append((f"{given} and {cast_value} is null and lower({text}) in {_NOT_NUMBERS}", "not_a_number"))
    if column.sql_type == "TIMESTAMPTZ":
        tests += _time_tests(source, text, given, raw_type, rules)
    tests.append((f"{given} and {cast_value} is null", "not_castable"))
    if column.required:
        tests.append((f"{cast_value} is null", "missing_required"))
    if column.enumeration:
        words = ", ".join(literal(v) for v in column.enumeration)
        tests.append((f"{cast_value} not in ({words})", "not_in_enumeration"))
    low = f"{cast_value} < {column.minimum}" if column.minimum is not None else None
    high = f"{cast_value} > {column.maximum}" if column.maximum is not None else None
    strict = f"{cast_value} <= {column.exclusive_minimum}" if column.exclusive_minimum is not None else None
    if limits := [t for t in (low, high, strict) if t]:
        tests.append((" or ".join(limits), "out_of_range"))
    if column.max_length is not None:
        tests.append((f"length({cast_value}::varchar) > {column.max_length}", "too_long"))
    if column.pattern is not None:
        tests.append((f"not regexp_full_match({cast_value}, {literal(column.pattern)})", "pattern_mismatch"))
    return "case " + " ".join(f"when {test} then {literal(code)}" for test, code in tests) + " end"


def _time_tests(source: str, text: str, given: str, raw_type: str, rules: Rules) -> list[tuple[str, str]]:
    if raw_type.startswith("TIMESTAMP WITH"):
        return []
    naive = _naive(source, text, raw_type, rules)
    local = f"not regexp_matches({text}, {literal(_OFFSET)})" if raw_type == "VARCHAR" else "true"
    if rules.zone is None:
        return [(f"{given} and {local} and {naive} is not null", "naive_timestamp")]
    if not _transition_dates(rules.zone):
        return []
    instant = f"timezone({literal(rules.zone)}, {naive})"
    near = f"{given} and {local} and {_near_transition(naive, rules.zone)}"
    tests = []
    if rules.daylight.gap == "reject":
        tests.append((f"{near} and timezone({literal(rules.zone)}, {instant}) <> {naive}", "nonexistent_local_time"))
    if rules.daylight.fold == "reject":
        tests.append((f"{near} and {_other(instant, naive, rules.zone)} is not null", "ambiguous_local_time"))
    return tests


def expectation(column: Column, rules: Rules) -> str:
    """What a value of this column has to be, for people."""
    words = [column.sql_type.lower() if column.sql_type != "TIMESTAMPTZ" else "an instant"]
    if column.code_type:
        words = [f"a {column.code_type} in the estate's code map or list"]
    if column.enumeration:
        words = ["one of " + ", ".join(column.enumeration)]
    if column.minimum is not None:
        words.append(f"at least {column.minimum}")
    if column.exclusive_minimum is not None:
        words.append(f"above {column.exclusive_minimum}")
    if column.maximum is not None:
        words.append(f"at most {column.maximum}")
    if column.max_length is not None and not column.enumeration:
        words.append(f"at most {column.max_length} characters")
    if column.sql_type == "TIMESTAMPTZ":
        words.append(
            f"local times are read in {rules.zone}" if rules.zone else "with an offset: the system has no zone"
        )
    return ", ".join(words)
