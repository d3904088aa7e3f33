"""Row counts, samples, column types and column lineage of built tables, added to dbt's events.

Belongs here: reading back what dbt wrote, in one connection after it has ended (DuckDB has one writer).
Doesn't belong here: checks, how lineage is found (warehouse.column_lineage).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from mfg_assets.settings import Settings
from mfg_assets.warehouse.column_lineage import SourceColumn, of_models
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier

SAMPLE_ROWS = 5
_CELL = 60


def describe_tables(events: Iterable[Any], settings: Settings, manifest_path: Path) -> Iterator[Any]:
    """The same events; those of models carry types, lineage and, where they are tables, row count and a sample.

    Views are not counted, which would run them once more, but for those that say which table has as many rows.
    """
    if not manifest_path.is_file():
        yield from events
        return
    manifest = json.loads(manifest_path.read_text())
    # a model says in `meta: {counted_by: [row, column]}` what its rows are counted by
    counted: dict[tuple[str, str], list[str]] = {
        (node["schema"], node["name"]): (node.get("config") or {}).get("meta", {}).get("counted_by") or []
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    # a view says in `meta: {rows_of: MODEL}` which table of its schema has a row for each of its own
    rows_of: dict[tuple[str, str], str] = {
        (node["schema"], node["name"]): (node.get("config") or {}).get("meta", {}).get("rows_of") or node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    descriptions = {
        (node["schema"], node["name"]): {n: c["description"] for n, c in node["columns"].items()}
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    with connect(settings, settings.warehouse_path, read_only=True) as connection:
        tables = set(connection.execute("select schema_name, table_name from duckdb_tables()").fetchall())
        types = _types(connection)
        lineage = of_models(manifest, types, settings.cache_path)
        for event in events:
            relation = _relation(event)
            if relation not in descriptions:
                yield event
                continue
            schema, name = relation
            metadata = dict(event.metadata or {})
            metadata["dagster/column_schema"] = _schema(types.get(schema, {}).get(name, {}), descriptions[relation])
            metadata["dagster/column_lineage"] = _lineage(lineage.get(relation, {}))
            if (schema, rows_of[relation]) in tables:
                metadata |= _describe(connection, schema, name, rows_of[relation])
                if by := counted.get(relation):
                    row, column = by
                    table = f"{identifier(schema)}.{identifier(name)}"
                    metadata["counts"] = cross_table(connection, table, row, column)
            yield event.with_metadata(metadata)


def _types(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, dict[str, str]]]:
    found: dict[str, dict[str, dict[str, str]]] = {}
    for schema, table, column, kind in connection.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() where not internal"
    ).fetchall():
        found.setdefault(schema, {}).setdefault(table, {})[column] = kind
    return found


def _schema(types: Mapping[str, str], descriptions: Mapping[str, str]) -> dg.TableSchema:
    return dg.TableSchema(columns=[dg.TableColumn(n, t, descriptions.get(n) or None) for n, t in types.items()])


def _lineage(columns: Mapping[str, frozenset[SourceColumn]]) -> dg.TableColumnLineage:
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(dg.AssetKey([s.schema, s.table]), s.column) for s in sorted(sources)]
            for name, sources in columns.items()
            if sources
        }
    )


def _relation(event: Any) -> tuple[str, str] | None:
    if not isinstance(event, dg.Output):
        return None
    parts = event.output_name.split("__")
    return (parts[0], parts[-1]) if len(parts) == 2 else None


def _describe(connection: duckdb.DuckDBPyConnection, schema: str, name: str, rows_of: str) -> dict[str, Any]:
    relation = f"{identifier(schema)}.{identifier(name)}"
    count = connection.execute(f"select count(*) from {identifier(schema)}.{identifier(rows_of)}").fetchone()
    return {"dagster/row_count": count[0] if count else 0, "sample": sample(connection, relation)}


def cross_table(
    connection: duckdb.DuckDBPyConnection, relation: str, row: str, column: str
) -> dg.MarkdownMetadataValue:
    """How many rows a relation, whose name is quoted already, has by two of its columns, as a table for people."""
    counts = {
        (_cell(r), _cell(c)): n
        for r, c, n in connection.execute(
            f"select {identifier(row)}, {identifier(column)}, count(*) from {relation} group by all"
        ).fetchall()
    }
    columns = sorted({c for _, c in counts})
    lines = [f"| {row} | " + " | ".join(columns) + " |", "|" + "---|" * (len(columns) + 1)]
    lines += [
        f"| {one} | " + " | ".join(str(counts.get((one, c), 0)) for c in columns) + " |"
        for one in sorted({r for r, _ in counts})
    ]
    return dg.MetadataValue.md("\n".join(lines))


def sample(connection: duckdb.DuckDBPyConnection, relation: str) -> dg.MarkdownMetadataValue:
    """A few rows of a relation, whose name is quoted already, as a table for people."""
    cursor = connection.execute(f"select * from {relation} limit {SAMPLE_ROWS}")
    header = [c[0] for c in cursor.description or []]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(_cell(v) for v in row) + " |" for row in cursor.fetchall()]
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: object) -> str:
    """A value as text that can't become markup."""
    text = "" if value is None else str(value)
    text = text if len(text) <= _CELL else text[: _CELL - 1] + "…"
    for mark in ("\\", "|", "<", "`", "\n", "\r"):
        text = text.replace(mark, {"\n": " ", "\r": " ", "<": "&lt;"}.get(mark, "\\" + mark))
    return text
