"""Row counts and samples of built tables, added to dbt's events.

Belongs here: reading back what dbt wrote, in one connection after it has ended (DuckDB has one writer).
Doesn't belong here: checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg
import duckdb

from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier

SAMPLE_ROWS = 5
_CELL = 60


def describe_tables(events: Iterable[Any], settings: Settings) -> Iterator[Any]:
    """The same events; those of tables carry `dagster/row_count` and a sample.

    Views are not counted: that would run them once more.
    """
    with connect(settings, settings.warehouse_path, read_only=True) as connection:
        tables = {
            (schema, name)
            for schema, name in connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        }
        for event in events:
            relation = _relation(event)
            if relation in tables:
                yield event.with_metadata({**(event.metadata or {}), **_describe(connection, *relation)})
            else:
                yield event


def _relation(event: Any) -> tuple[str, str] | None:
    if not isinstance(event, dg.Output):
        return None
    parts = event.output_name.split("__")
    return (parts[0], parts[-1]) if len(parts) == 2 else None


def _describe(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> dict[str, Any]:
    relation = f"{identifier(schema)}.{identifier(name)}"
    count = connection.execute(f"select count(*) from {relation}").fetchone()
    cursor = connection.execute(f"select * from {relation} limit {SAMPLE_ROWS}")
    header = [c[0] for c in cursor.description or []]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(_cell(v) for v in row) + " |" for row in cursor.fetchall()]
    return {"dagster/row_count": count[0] if count else 0, "sample": dg.MetadataValue.md("\n".join(lines))}


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    text = text if len(text) <= _CELL else text[: _CELL - 1] + "…"
    for mark in ("\\", "|", "<", "`", "\n", "\r"):
        text = text.replace(mark, {"\n": " ", "\r": " ", "<": "&lt;"}.get(mark, "\\" + mark))
    return text
