"""SQL that casts a mapped value to its contract column, and says why it can't.

Belongs here: one column at a time, as SQL text. Doesn't belong here: batches, files, the order of steps (`judge`).

Names of a column `x` on its way: `m:x` as mapped, `n:x` after its code map, `o:x` whether its text has an offset,
`p:x` the time in it as parsed, `l:x` the local time, `c:x` as cast. Each step is a projection of its own, because
DuckDB would compute an expression again wherever a CASE repeats it.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from mfg_assets.contracts import CODE_TYPES, Column
from mfg_assets.contracts.rules import column_rules
from mfg_assets.estate.systems import DaylightSaving
from mfg_assets.ingest.connectors.table import Padding
from mfg_assets.ingest.expressions import SHIFT_MACRO
from mfg_assets.ingest.formats import Layout
from mfg_assets.ingest.zones import ZoneSql, zone_sql
from mfg_assets.warehouse.sql import identifier, literal

_NOT_NUMBERS = r"^\s*[+-]?(nan|inf|infinity)\s*$"
_WHOLE = r"^\s*[+-]?[0-9]+([.]0*)?\s*$"
# A clock time followed by Z or an offset; a bare date also ends in -dd, so the clock time is required.
_OFFSET = r"[0-9]:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?\s*([zZ]|[+-][0-9]{2}(:?[0-9]{2})?)\s*$"
_INTEGERS = frozenset(
    {
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "INTEGER_LITERAL"),
        *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
    }
)
_FLOATS = frozenset({"DOUBLE", "FLOAT"})
# Years below are slips of two digits or more; nothing was manufactured then.
_EARLIEST = "timestamp '1000-01-01'"
# Beyond the end of four-digit years, which an inclusive end may be moved over.
_LATEST = "timestamp '10001-01-01'"
# An end in the last year that four digits can write means that no end is known (rule 1).
_OPEN_END = "9999-01-01"


@dataclass(frozen=True)
class Reading:
    """How a system writes its values."""

    layout: Layout
    zone: str | None
    daylight: DaylightSaving


@dataclass(frozen=True)
class Check:
    """One reason for refusing a record: `broken` is SQL that is true or false, never null."""

    column: str | None
    reason: str
    broken: str
    expected: str


@dataclass(frozen=True)
class Cast:
    """One column's way from mapped to landed.

    `steps` are (name, SQL) of what has to be computed before, one projection each. `value` gives `c:x`, `landed` what
    is written: an end that only stands for "no end" is none (rule 1). `zone` reads local times, where there are any.
    """

    column: Column
    value: str
    landed: str
    checks: tuple[Check, ...]
    steps: tuple[tuple[str, str], ...] = ()
    zone: ZoneSql | None = None


def mapped(name: str) -> str:
    """The mapped value."""
    return identifier(f"m:{name}")


def native(name: str) -> str:
    """The value after its code map."""
    return identifier(f"n:{name}")


def zoned(name: str) -> str:
    """Whether the text of a time has an offset."""
    return identifier(f"o:{name}")


def parsed(name: str) -> str:
    """The time in a text without offset."""
    return identifier(f"p:{name}")


def local(name: str) -> str:
    """The local time."""
    return identifier(f"l:{name}")


def value(name: str) -> str:
    """The cast value."""
    return identifier(f"c:{name}")


def create_macros(connection: duckdb.DuckDBPyConnection, reading: Reading) -> None:
    """Functions that expressions may use without knowing how the system writes times."""
    time = _sensible(f"({_parsed_time('cast(x as varchar)', reading.layout)})")
    zoned = f"cast({_offset_time('cast(x as varchar)')} + i as varchar)"
    connection.execute(
        f"create or replace temp macro {SHIFT_MACRO}(x, i) as case when x is null then null "
        f"when regexp_matches(cast(x as varchar), {literal(_OFFSET)}) then coalesce({zoned}, cast(x as varchar)) "
        f"else coalesce(cast({time} + i as varchar), cast(x as varchar)) end"
    )


def cast_of(
    column: Column, native_type: str, reading: Reading, reason: str | None = None, padding: Padding = "any"
) -> Cast:
    """How one column is cast and judged.

    Args:
        column: the contract's column.
        native_type: DuckDB's type of the value after its code map.
        reading: how the system writes values.
        reason: of a value that no code map knows, where the column has one.
        padding: blanks that may stand around a text.
    """
    n, c = native(column.name), value(column.name)
    kind = column.sql_type.partition("(")[0]
    steps: list[tuple[str, str]] = []
    zone, extra = None, []
    if kind == "VARCHAR":
        sql = _text(n, native_type, padding)
    elif kind == "BOOLEAN":
        sql = f"try_cast({n if native_type == 'BOOLEAN' else _as_text(n, native_type)} as boolean)"
    elif kind in ("INTEGER", "BIGINT"):
        sql = _integer(n, native_type, column.sql_type, reading.layout)
    elif kind == "DECIMAL":
        sql = _decimal(n, native_type, column.sql_type, reading.layout)
    elif kind == "DATE":
        steps, sql = _date(column.name, native_type, reading)
    else:
        steps, sql, zone, extra = _instant(column, native_type, reading)
    m = mapped(column.name)
    given = f"coalesce(trim(cast({m} as varchar)) <> '', false)"
    checks = list(extra)
    if reason is not None:
        unknown = f"case when {n} is null then {given} else false end"
        checks.append(Check(column.name, reason, unknown, _expected(column, reason)))
    if kind != "VARCHAR":
        if kind in ("DECIMAL", "INTEGER", "BIGINT"):
            nan = f"case when {c} is null then {_is_nan(n, native_type)} else false end"
            extra = [Check(column.name, "not_a_number", nan, "a finite number")]
            checks += extra
        # Reasons of their own come first: a skipped hour or NaN is not merely something that can't be cast.
        known = " or ".join(check.broken for check in extra) or "false"
        failed = f"case when {c} is null then {n} is not null and {given} and not ({known}) else false end"
        checks.append(Check(column.name, "not_castable", failed, _type_words(column, reading)))
    landed = c
    if column.name == "effective_to":
        open_end = f"date '{_OPEN_END}'" if kind == "DATE" else f"make_timestamptz(epoch_us(timestamp '{_OPEN_END}'))"
        landed = f"case when {c} < {open_end} then {c} end"
    return Cast(column, sql, landed, (*checks, *_rules(column, c, given)), tuple(steps), zone)


def _rules(column: Column, c: str, given: str) -> list[Check]:
    """What the contract demands of the cast value."""
    found = []
    for rule in column_rules(column):
        if rule.violation is None:
            continue
        broken = rule.violation.replace(identifier(column.name), c)
        if rule.reason == "missing_required":
            # A value that is there but can't be cast has its own reason.
            broken = f"case when {c} is null then not {given} else false end"
        elif rule.reason == "not_in_enumeration":
            # As a list, because IN becomes a join.
            broken = f"not list_contains([{', '.join(literal(word) for word in column.enumeration)}], {c})"
        elif rule.reason == "too_long":
            # Counting bytes costs nothing; characters are counted only where there may be too many.
            broken = f"case when strlen({c}) > {column.max_length} then {broken} else false end"
        found.append(Check(column.name, rule.reason, f"coalesce({broken}, false)", rule.expected))
    return found


def _as_text(n: str, native_type: str) -> str:
    if native_type in _FLOATS:
        # Whole numbers that passed through a float column are 4711, not 4711.0.
        whole = f"{n} = trunc({n}) and abs({n}) < 1e15"
        return f"case when {whole} then cast(cast({n} as bigint) as varchar) else cast({n} as varchar) end"
    return n if native_type == "VARCHAR" else f"cast({n} as varchar)"


def _text(n: str, native_type: str, padding: Padding) -> str:
    if native_type != "VARCHAR":
        return _as_text(n, native_type)
    # Blanks around a text are padding, as of CHAR columns: with them a key wouldn't equal itself.
    trimmed = f"nullif(trim({n}), '')"
    if padding == "none":
        return n
    # Where only ASCII occurs, the first and the last character tell, which is cheaper than making each text anew.
    return (
        trimmed if padding == "any" else f"case when ascii({n}) <= 32 or suffix({n}, ' ') then {trimmed} else {n} end"
    )


def _number_text(n: str, layout: Layout) -> str:
    """The text as DuckDB reads numbers, null where it isn't a number as the system declares them."""
    text = n
    if layout.thousands:
        mark, point = _escaped(layout.thousands), _escaped(layout.decimal)
        grouped = literal(rf"^\s*[+-]?[0-9]{{1,3}}({mark}[0-9]{{3}})*({point}[0-9]*)?\s*-?\s*$")
        removed = f"replace({n}, {literal(layout.thousands)}, '')"
        text = (
            f"case when not contains({n}, {literal(layout.thousands)}) then {n} "
            f"when regexp_matches({n}, {grouped}) then {removed} end"
        )
    if layout.decimal == ",":
        text = f"case when contains({text}, '.') then null else replace({text}, ',', '.') end"
    if layout.trailing_minus:
        cut = f"rtrim({text})"
        text = f"case when suffix({cut}, '-') then '-' || ltrim(left({cut}, length({cut}) - 1)) else {text} end"
    return text


def _integer(n: str, native_type: str, sql_type: str, layout: Layout) -> str:
    if native_type in _INTEGERS:
        return f"try_cast({n} as {sql_type})"
    if native_type in _FLOATS or native_type.startswith("DECIMAL"):
        return f"case when {n} = trunc({n}) then try_cast({n} as {sql_type}) end"
    text = f"({_number_text(n, layout)})" if native_type == "VARCHAR" else f"cast({n} as varchar)"
    return f"case when regexp_matches({text}, {literal(_WHOLE)}) then try_cast({text} as {sql_type}) end"


def _decimal(n: str, native_type: str, sql_type: str, layout: Layout) -> str:
    scale = int(sql_type.rstrip(")").rpartition(",")[2])
    if native_type in _FLOATS or native_type in _INTEGERS:
        return f"try_cast({n} as {sql_type})"
    if native_type.startswith("DECIMAL"):
        return f"case when try_cast({n} as {sql_type}) = {n} then try_cast({n} as {sql_type}) end"
    text = f"({_number_text(n, layout)})" if native_type == "VARCHAR" else f"cast({n} as varchar)"
    # More decimals than the column has would be rounded away (rule 34), and DuckDB reads 1_000 as a number. A text of
    # 15 digits and more is the print of a binary float, which has no decimals of its own.
    lossy = literal(rf"[.][0-9]{{{scale}}}[0-9]*[1-9]")
    return (
        f"case when contains({text}, '_') then null when strlen({text}) between {scale + 2} and 15 "
        f"and regexp_matches({text}, {lossy}) then null else try_cast({text} as {sql_type}) end"
    )


def _is_nan(n: str, native_type: str) -> str:
    if native_type in _FLOATS:
        return f"coalesce(isnan({n}) or isinf({n}), false)"
    if native_type != "VARCHAR":
        return "false"
    return f"coalesce(regexp_matches({n}, {literal(_NOT_NUMBERS)}, 'i'), false)"


def _parsed_time(text: str, layout: Layout) -> str:
    """A local time from text; null where it is none. Words such as `infinity` and `epoch` are none."""
    tries = []
    if layout.date_formats:
        formats = ", ".join(literal(f) for f in layout.date_formats)
        # DuckDB takes these words for the start of 1900, whatever the format.
        word = f"lower(trim({text})) in ('epoch', 'infinity', '-infinity')"
        tries.append(f"case when not {word} then cast(try_strptime(trim({text}), [{formats}]) as timestamp) end")
    # Words for times are shorter than the usual form, and begin with a letter.
    begins = f"strlen({text}) = 19 or ascii({text}) between 48 and 57 or ascii({text}) = 32"
    tries.append(f"case when {begins} then try_cast({text} as timestamp) end")
    return tries[0] if len(tries) == 1 else f"coalesce({', '.join(tries)})"


def _sensible(time: str) -> str:
    return f"case when {time} between {_EARLIEST} and {_LATEST} then {time} end"


def _is_zoned(n: str) -> str:
    # Nearly all times are 2026-01-31T12:00:00 or 2026-01-31; only others need a closer look.
    usual = f"(strlen({n}) = 19 and ascii(right({n}, 3)) = 58) or strlen({n}) = 10"
    return f"case when {usual} then false else coalesce(regexp_matches({n}, {literal(_OFFSET)}), false) end"


def _offset_time(text: str) -> str:
    """The instant of a text with an offset; ISO 8601 may leave out seconds or write a decimal comma, DuckDB may not."""
    short = literal(r"([T ][0-9]{2}:[0-9]{2})\s*([zZ+-])")
    whole = f"regexp_replace(replace({text}, ',', '.'), {short}, '\\1:00\\2')"
    return f"coalesce(try_cast({text} as timestamptz), try_cast({whole} as timestamptz))"


def _local_steps(name: str, native_type: str, layout: Layout) -> list[tuple[str, str]]:
    """How a value of any type becomes a local time, and whether it has an offset instead."""
    n = native(name)
    if native_type == "DATE" or native_type.startswith("TIMESTAMP"):
        return [(zoned(name), "false"), (parsed(name), f"try_cast({n} as timestamp)"), (local(name), parsed(name))]
    text = _as_text(n, native_type)
    return [
        (zoned(name), _is_zoned(text)),
        (parsed(name), f"case when {zoned(name)} then null else {_parsed_time(text, layout)} end"),
        (local(name), _sensible(parsed(name))),
    ]


def _date(name: str, native_type: str, reading: Reading) -> tuple[list[tuple[str, str]], str]:
    n = native(name)
    if native_type == "DATE":
        return [], n
    zone = literal(reading.zone or "UTC")
    if native_type == "TIMESTAMP WITH TIME ZONE":
        return [], f"cast(timezone({zone}, {n}) as date)"
    if native_type.startswith("TIMESTAMP"):
        return [], f"try_cast({n} as date)"
    instant = f"timezone({zone}, {_offset_time(_as_text(n, native_type))})"
    sql = f"case when {zoned(name)} then cast({instant} as date) else cast({local(name)} as date) end"
    return _local_steps(name, native_type, reading.layout), sql


def _instant(
    column: Column, native_type: str, reading: Reading
) -> tuple[list[tuple[str, str]], str, ZoneSql | None, list[Check]]:
    """Steps, the instant, how the zone is read, and the checks of times that aren't one instant (rule 5)."""
    name, n, at = column.name, native(column.name), local(column.name)
    if native_type == "TIMESTAMP WITH TIME ZONE":
        return [], n, None, []
    steps = _local_steps(name, native_type, reading.layout)
    offset = f"case when {zoned(name)} then {_offset_time(_as_text(n, native_type))} "
    if native_type == "DATE" or native_type.startswith("TIMESTAMP"):
        offset = "case "
    if reading.zone is None:
        expected = "an offset such as +01:00, because the system declares no time zone"
        naive = Check(name, "naive_timestamp", f"{at} is not null", expected)
        sql = "null::timestamptz" if offset == "case " else f"{offset}end"
        return steps, sql, ZoneSql("", "null::timestamptz", "false", "false"), [naive]
    daylight = reading.daylight
    zone = zone_sql(at, f"z:{name}", reading.zone, daylight.gap, daylight.fold)
    sql = zone.instant if offset == "case " else f"{offset}else {zone.instant} end"
    checks = []
    if zone.is_gap != "false":
        expected = f"a time that exists in {reading.zone}; clocks went forward over this one"
        checks.append(Check(name, "nonexistent_local_time", zone.is_gap, expected))
    if zone.is_fold != "false":
        expected = f"a time that happened once in {reading.zone}; clocks went back over this one"
        checks.append(Check(name, "ambiguous_local_time", zone.is_fold, expected))
    return steps, sql, zone, checks


def _type_words(column: Column, reading: Reading) -> str:
    kind = column.sql_type.partition("(")[0]
    if kind == "DECIMAL":
        digits, _, decimals = column.sql_type[8:-1].partition(",")
        whole = int(digits) - int(decimals)
        mark = f" with {reading.layout.decimal!r} as decimal mark" if reading.layout.decimal != "." else ""
        return f"a number{mark} of at most {whole} digits before and {decimals} after the decimal mark"
    if kind in ("DATE", "TIMESTAMPTZ"):
        formats = ", ".join((*reading.layout.date_formats, "ISO 8601"))
        return f"a {'date' if kind == 'DATE' else 'time'} written as {formats}"
    return {"BOOLEAN": "true or false", "INTEGER": "a whole number", "BIGINT": "a whole number"}[kind]


def _expected(column: Column, reason: str) -> str:
    for rule in column_rules(column):
        if rule.reason == reason == CODE_TYPES.get(column.code_type or ""):
            return rule.expected
    return "a code that its code map knows"


def _escaped(mark: str) -> str:
    return "[" + mark.replace("\\", "\\\\").replace("]", "\\]").replace("^", "\\^") + "]"


def number(sql: str, sql_type: str, layout: Layout) -> str:
    """An expression as something that can be cast to a decimal."""
    return f"({_number_text(sql, layout)})" if sql_type == "VARCHAR" else sql
