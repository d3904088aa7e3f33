"""Rows for `held.*`, made to be hard to write down: every code, null and kind of instant, versions and deletions.

Belongs here: filling the tables. Doesn't belong here: expectations (the tests have them).
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from mfg_assets.contracts import Column, contract
from mfg_assets.estate.models import Estate

CUT, NEXT_CUT = datetime(2026, 11, 10, 4, tzinfo=UTC), datetime(2026, 11, 17, 4, tzinfo=UTC)
ROWS = 23
ZONES = {"P100": "Europe/Berlin", "P200": "Europe/Berlin", "P300": "America/Chicago", "P400": "Asia/Ho_Chi_Minh"}
_UNITS = ("EA", "KGM", "MTR", "FOT", "LBR", "LTR", "HUR")
_CURRENCIES = ("EUR", "USD", "VND")
_REVISIONS = ("A", "Z", "AA", "C")
_DECIMALS = ("1", "12.5", "0.000001", "250.333333", "1000000", "10", "3000.01")
_FREE_TEXTS = ("description", "name", "title", "reason", "street", "detail")
_TEXTS = ('Gehäuse 5" für <P7> & Co; rot', "Bolt, M8", "it's 10% \\ off", "plain")
# Around the changes of clocks in Berlin and Chicago, a fraction of a second, midnights, and any other day.
_INSTANTS = (
    *("2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
    *("2026-03-08T07:59:59Z", "2026-03-08T08:00:00Z", "2026-11-01T06:30:00Z", "2026-11-01T07:30:00Z"),
    *("2026-01-05T08:00:00.123456Z", "2026-05-04T22:00:00Z", "2026-05-05T05:00:00Z", "2026-07-01T12:34:56Z"),
)
_DAYS = (
    datetime(2026, 1, 5),
    datetime(2026, 3, 29),
    datetime(2026, 6, 30),
    datetime(2026, 10, 25),
    datetime(2026, 11, 1),
)
_PLACED = ("source_system", "row_id", "visible_from", "visible_to")


def fill(connection: duckdb.DuckDBPyConnection, estate: Estate) -> None:
    """Put rows into the table of every extract of the estate, for its system."""
    done = set()
    for system_id, system in estate.systems.items():
        for name, extract in system.extracts.items():
            entity = system.entity_of(name)
            if (system_id, entity) not in done:
                done.add((system_id, entity))
                _insert(connection, system_id, list(system.plants), entity, extract.delivery)


def item(number: int) -> str:
    """The number of an item."""
    return str(100_001 + number % ROWS)


def legacy_item(number: int) -> str:
    """What the old ERP calls it."""
    return f"{number % ROWS:03d}-X{number % 7}"


def _insert(connection: duckdb.DuckDBPyConnection, system: str, plants: list[str], entity: str, delivery: str) -> None:
    columns = contract(entity).columns
    rows: list[list[Any]] = []
    for i in range(ROWS):
        values = [_value(system, entity, column, i, k, plants[i % len(plants)]) for k, column in enumerate(columns)]
        key = "|".join(str(v) for v, c in zip(values, columns, strict=True) if c.key_position is not None)
        begin = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(days=i, seconds=i, microseconds=i * 10)
        row = [*values, system, f"{system}|{key}"]
        if i % 6 == 1 and delivery != "events":
            other = _other_version(row, columns, i)
            middle = begin + timedelta(days=3)
            # The second version ends, without another one: before the cut, after it, or not at all.
            end = (None, middle + timedelta(days=5), CUT + timedelta(days=2))[i // 6 % 3]
            rows += [[*row, begin, middle], [*other, middle, end]]
        elif i % 6 == 2:
            rows.append([*row, CUT + timedelta(days=i % 9), None])
        else:
            rows.append([*row, begin, None])
    names = [c.name for c in columns] + list(_PLACED)
    types = [_arrow(c.sql_type) for c in columns] + [pa.string(), pa.string(), *[pa.timestamp("us", "UTC")] * 2]
    table = pa.table([pa.array(v, t) for v, t in zip(zip(*rows, strict=True), types, strict=True)], names=names)
    connection.register("__rows", table)
    chosen = ", ".join(f'"{name}"' for name in names)
    connection.execute(f'insert into held."{entity}" ({chosen}) select {chosen} from __rows')
    connection.unregister("__rows")


def _other_version(row: list[Any], columns: tuple[Column, ...], i: int) -> list[Any]:
    changed = list(row)
    for k, column in enumerate(columns):
        if column.key_position is None and column.sql_type == "DECIMAL(18,6)" and changed[k] is not None:
            changed[k] += 7
    return changed


def _value(system: str, entity: str, column: Column, i: int, k: int, plant: str) -> Any:
    name = column.name
    if not column.required and (i + k) % 5 == 0 and not (column.key_position and name.endswith("_number")):
        return None
    if entity == "item_cross_reference":
        given = {"system": system, "native_id": legacy_item(i), "item_number": item(i)}
        if name in given:
            return given[name]
    if name in ("event_id", "as_of"):
        return f"E-{system}-{i:04d}" if name == "event_id" else CUT - timedelta(hours=4)
    if (column.references is not None and column.references.entity == "item") or (entity, name) == (
        "item",
        "item_number",
    ):
        return item(i + (3 if name.startswith(("component", "new")) else 0))
    if column.enumeration:
        return column.enumeration[(i + k) % len(column.enumeration)]
    if column.code_type is not None:
        others = [p for p in ZONES if p != plant]
        codes = {"unit": _UNITS, "currency": _CURRENCIES, "plant": (plant,) if name == "plant_id" else (plant, *others)}
        chosen = codes[column.code_type]
        return chosen[(i + k) % len(chosen)]
    if ("revision" in name and column.sql_type == "VARCHAR") or name == "supersedes":
        return _REVISIONS[(i + k) % len(_REVISIONS)]
    if column.pattern is not None:
        hashed = hashlib.sha256(f"{name}{i}".encode()).hexdigest()
        return {"^[0-9a-f]{64}$": hashed, "^[0-9]{9}$": f"{i:09d}", "^[A-Z]{2}$": "DE"}[column.pattern]
    return _plain(column, i, k, plant)


def _plain(column: Column, i: int, k: int, plant: str) -> Any:
    name, kind = column.name, column.sql_type.partition("(")[0]
    if kind == "BOOLEAN":
        return (i + k) % 2 == 0
    if kind in ("INTEGER", "BIGINT"):
        return 10 * (1 + (i + k) % 12)
    if kind == "DECIMAL":
        return _decimal(column, i + k)
    if kind == "DATE":
        return _DAYS[(i + k) % len(_DAYS)].date()
    if name in ("effective_from", "effective_to"):
        day = _DAYS[i % len(_DAYS)] + (timedelta(days=40) if name == "effective_to" else timedelta())
        odd = timedelta(hours=13, minutes=5) if i % 11 == 3 else timedelta()
        return (day + odd).replace(tzinfo=ZoneInfo(ZONES[plant])).astimezone(UTC)
    if kind == "TIMESTAMPTZ":
        return datetime.fromisoformat(_INSTANTS[(i + k) % len(_INSTANTS)])
    if name in _FREE_TEXTS:
        return f"{_TEXTS[i % len(_TEXTS)]} {i}"
    return f"{name[:3].upper()}{i:04d}"


def _decimal(column: Column, n: int) -> Decimal:
    value = Decimal(_DECIMALS[n % len(_DECIMALS)])
    if column.sql_type == "DECIMAL(9,6)":
        value = (Decimal("0.025"), Decimal("0.333333"), Decimal("0.5"))[n % 3]
    is_signed = column.minimum is None and column.exclusive_minimum is None
    return -value if is_signed and n % 4 == 0 else value


def _arrow(sql_type: str) -> pa.DataType:
    if sql_type.startswith("DECIMAL"):
        digits, scale = sql_type[8:-1].split(",")
        return pa.decimal128(int(digits), int(scale))
    return {
        "VARCHAR": pa.string(),
        "BOOLEAN": pa.bool_(),
        "INTEGER": pa.int32(),
        "BIGINT": pa.int64(),
        "DATE": pa.date32(),
        "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
    }[sql_type]
