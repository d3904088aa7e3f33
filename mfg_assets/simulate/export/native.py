"""How systems write values: SQL of texts for instants, numbers and revisions.

Belongs here: expressions over columns of `held`. Doesn't belong here: words for codes (`words`), files (`writers`).

Instants keep their fraction of a second where they have one: a dialect that cuts it off would tell another instant.
"""

from __future__ import annotations

from mfg_assets.warehouse.sql import literal

# Whole numbers of letters: A is 1, Z is 26, AA is 27.
_LETTERS = "case length({r}) when 1 then ascii({r}) - 64 else (ascii({r}) - 64) * 26 + ascii({r}[2]) - 64 end"


def number(expression: str) -> str:
    """A decimal without the zeros at its end: `12.5`, `3`."""
    return f"rtrim(rtrim(cast({expression} as varchar), '0'), '.')"


def utc(expression: str) -> str:
    """`2026-01-05T08:00:00Z`."""
    return f"replace(cast(timezone('UTC', {expression}) as varchar), ' ', 'T') || 'Z'"


def with_offset(expression: str, zone: str) -> str:
    """`2026-01-05T09:00:00+01:00`: the clock of a zone (SQL giving its name) and how far it is from UTC."""
    return f"replace(cast(timezone({zone}, {expression}) as varchar), ' ', 'T') || {offset(expression, zone)}"


def offset(expression: str, zone: str) -> str:
    """`+01:00`: how far a zone's clock is from UTC at an instant."""
    minutes = f"datediff('minute', timezone('UTC', {expression}), timezone({zone}, {expression}))"
    return (
        f"(case when {minutes} < 0 then '-' else '+' end || "
        f"format('{{:02d}}:{{:02d}}', abs({minutes}) // 60, abs({minutes}) % 60))"
    )


def clock(expression: str, zone: str, pattern: str) -> str:
    """A local time as the system's pattern says; the fraction of a second follows after a point, if there is one."""
    local = f"timezone({literal(zone)}, {expression})"
    fraction = f"case when microsecond({local}) % 1000000 = 0 then '' else '.' || strftime({local}, '%f') end"
    return f"strftime({local}, {literal(pattern)}) || {fraction}"


def revision_number(expression: str, digits: int = 1) -> str:
    """A revision's letters as a count of so many digits at least: A is 1, AA is 27; anything else stays as it is."""
    count = _LETTERS.format(r=expression)
    return (
        f"case when regexp_full_match({expression}, '[A-Z]{{1,2}}') "
        f"then format('{{:0{digits}d}}', {count}) else {expression} end"
    )
