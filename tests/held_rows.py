"""Rows of every entity as systems of the simulated manufacturer might hold them, made from the contracts alone.

Belongs here: tables of `held` full of values that are easy to get wrong on their way through a file. Doesn't belong
here: a world in which the values make sense (`mfg_assets.simulate.world`), expectations.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb

from mfg_assets.contracts import Column, contract, contracts
from mfg_assets.warehouse.sql import identifier, literal

UNITS = ("EA", "KGM", "MTR", "LTR", "MTK", "FOT", "LBR", "GLL")
TIME_UNITS = ("MIN", "HUR", "SEC")
REVISIONS = ("A", "B", "Z", "AA", "AB", "BC")
# Clocks go back in Berlin at 01:00 UTC and in Chicago at 06:00 a week later; forward in March.
_MOMENTS = (
    "2026-01-05 08:00:00",
    "2026-01-31 23:00:00",
    "2026-03-08 08:30:00",
    "2026-03-29 01:15:00",
    "2026-10-25 00:30:00",
    "2026-10-25 01:30:00",
    "2026-11-01 06:30:00",
    "2026-11-01 07:30:00",
    "2026-02-28 16:59:59.250000",
)
_TEXTS = ("plain", 'a "quote", a comma', "semi;colon|pipe", "Größe <5 & >3", "tab\tand 'apostrophe'")
_REVISED = ("revision", "component_revision", "assumed_revision")


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Make all tables of `held`, empty."""
    con.execute("set TimeZone = 'UTC'")
    con.execute("create schema if not exists held")
    for entity, columns in ((name, found.columns) for name, found in contracts().items()):
        own = ", ".join(f"{identifier(c.name)} {c.sql_type}" for c in columns)
        con.execute(
            f"create table held.{identifier(entity)} ({own}, source_system varchar, row_id varchar, "
            "visible_from timestamptz, visible_to timestamptz)"
        )


def fill(
    con: duckdb.DuckDBPyConnection,
    entity: str,
    system: str,
    plants: tuple[str, ...],
    cut: datetime,
    *,
    rows: int = 60,
    together: int = 1,
    values: dict[str, str] | None = None,
) -> None:
    """Put rows of an entity into `held`, all of whose columns are filled in some and null in others where they may be.

    Rows come over the twenty days before the cut, one in eleven after it. Of each seven records two end, before the cut
    and after it, half of them because a second version follows.

    Args:
        con: has the tables.
        entity: of the contracts.
        system: that holds the rows.
        plants: whose they are, in turn.
        cut: instant around which they become visible.
        rows: how many, before second versions.
        together: how many become visible at once.
        values: column → SQL over the row's number `i` for columns that need particular values.
    """
    found = contract(entity)
    chosen = values or {}
    parts = [
        f"{chosen.get(c.name) or _value(c, place, plants)} as {identifier(c.name)}"
        for place, c in enumerate(found.columns)
    ]
    key = " || '|' || ".join(f"coalesce(cast({identifier(name)} as varchar), '')" for name in found.key)
    start = f"timestamptz {literal((cut - timedelta(days=20)).isoformat())}"
    end = f"timestamptz {literal(cut.isoformat())}"
    step = f"interval {20 * 1440 // rows} minute"
    begins = (
        f"case when i % 11 = 10 then {end} + interval 1 hour else {start} + i // {together} * {together} * {step} end"
    )
    is_event = found.kind == "event"
    ended = f"case i % 7 when 3 then {end} - interval 90 minute when 5 then {end} + interval 2 hour end"
    ends = "null" if is_event else f"case when i % 11 <> 10 then {ended} end"
    con.execute(
        f"insert into held.{identifier(entity)} by name "
        f"select * exclude (i), {literal(system)} as source_system, {key} as row_id, "
        f"{begins} as visible_from, cast({ends} as timestamptz) as visible_to "
        f"from (select i, {', '.join(parts)} from range({rows}) as numbers(i))"
    )
    if is_event:
        return
    optional = [c.name for c in found.columns if not c.required and c.key_position is None]
    emptied = "".join(f"null as {identifier(name)}, " for name in optional[:1])
    con.execute(
        f"insert into held.{identifier(entity)} by name "
        f"select * exclude (place) replace ({emptied}visible_to as visible_from, null as visible_to) "
        f"from (select *, row_number() over (order by row_id) as place from held.{identifier(entity)} "
        f"where source_system = {literal(system)} and visible_to is not null) where place % 2 = 0"
    )


def _value(column: Column, place: int, plants: tuple[str, ...]) -> str:
    """SQL of a column's value in row `i`."""
    value = _filled(column, place, plants)
    if column.required or column.key_position is not None:
        return value
    return f"case when (i + {place}) % 6 <> 0 then {value} end"


def _filled(column: Column, place: int, plants: tuple[str, ...]) -> str:
    kind = column.sql_type
    if column.code_type == "plant":
        return _pick(plants, "i")
    if column.code_type == "unit":
        return _pick(TIME_UNITS if column.name == "time_unit" else UNITS, f"i + {place}")
    if column.code_type == "currency":
        return _pick(("EUR", "USD", "VND"), "i")
    if column.enumeration:
        return _pick(column.enumeration, f"i + {place}")
    if column.name in _REVISED:
        return _pick(REVISIONS, "i")
    if kind.startswith("DECIMAL"):
        if column.maximum is not None:
            return f"cast((i % 40) / 40.0 as {kind})"
        sign = "" if column.minimum is not None or column.exclusive_minimum is not None else " * if(i % 3 = 0, -1, 1)"
        scale = "0.000125" if kind == "DECIMAL(9,6)" else "123.456789"
        return f"cast((1 + i) * {scale}{sign} as {kind})"
    if kind in ("INTEGER", "BIGINT"):
        return "cast(10 * i as integer)"
    if kind == "BOOLEAN":
        return f"(i + {place}) % 2 = 0"
    if kind == "DATE":
        return "date '2026-01-05' + cast(i as integer)"
    if kind == "TIMESTAMPTZ":
        return f"cast({_pick(_MOMENTS, f'i + {place}')} || '+00' as timestamptz)"
    if column.pattern is not None:
        return {9: "lpad(cast(i as varchar), 9, '7')", 64: "sha256('x' || i)", 2: "'DE'"}[_width(column.pattern)]
    if column.key_position is not None:
        return f"{literal(column.name[:4].upper())} || '-' || lpad(cast(i as varchar), 5, '0')"
    if column.name.endswith(("number", "_id", "lot", "alternative")):
        return f"'{100000 + place}' || '-' || (i % 17)"
    return _pick(_TEXTS, f"i + {place}") if (column.max_length or 0) > 64 else f"'T{place}' || (i % 9)"


def _width(pattern: str) -> int:
    return int(pattern.partition("{")[2].partition("}")[0])


def _pick(values: tuple[str, ...], number: str) -> str:
    return f"[{', '.join(literal(v) for v in values)}][1 + ({number}) % {len(values)}]"
