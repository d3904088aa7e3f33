"""Connectors: files as systems deliver them, opened as tables that SQL can read.

Belongs here: choosing the reader. Doesn't belong here: mapping and casting.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from mfg_assets.errors import Problem, SourceError
from mfg_assets.estate.systems import Format
from mfg_assets.ingest.connectors import (
    archive,
    columnar,
    delimited,
    documents,
    fixed,
    workbook,
    x12_loops,
    xml_records,
)
from mfg_assets.ingest.connectors.table import ROW, Padding, Table, first_line
from mfg_assets.ingest.formats import Layout, compression_of, layout_of

__all__ = ["ROW", "Padding", "Table", "first_line", "open_file"]


def open_file(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    name: str,
    options: Format,
    folder: Path,
    trailer: str | None = None,
) -> list[Table]:
    """Open one delivered file; each member of an archive is a table of its own.

    Args:
        connection: for looking into the file; the tables' SQL is read through it too.
        path: the file.
        name: what rows say they came from.
        options: how it is to be read.
        folder: an own, empty folder for copies.
        trailer: how the last record begins, if it only counts the others.

    Raises:
        SourceError: it can't be what the options say.
    """
    compression = compression_of(path, options)
    parts = [(name, path)]
    if compression != "none":
        members = archive.unpack(path, compression, folder)
        parts = [(name if len(members) == 1 else f"{name}/{member}", file) for member, file in members]
        inner = [member for member, _ in members]
    else:
        inner = [name]
    tables = []
    for number, ((label, file), member) in enumerate(zip(parts, inner, strict=True)):
        own = folder / f"part-{number}"
        own.mkdir()
        try:
            tables.append(_open(connection, file, label, layout_of(member, options, trailer), own))
        except SourceError as error:
            # Copies have names of their own; people know the file as it was delivered.
            raise SourceError(*(Problem(p.message, path, p.line, p.fix) for p in error.problems)) from error
        except duckdb.Error as error:
            message = f"can't be read as {layout_of(member, options).kind}: {first_line(error)}"
            raise SourceError(Problem(message, path, fix="check format: and its options")) from error
    return tables


def _open(connection: duckdb.DuckDBPyConnection, path: Path, name: str, layout: Layout, folder: Path) -> Table:
    match layout.kind:
        case "csv":
            return delimited.open_delimited(path, name, layout, folder)
        case "fixed_width":
            return fixed.open_fixed(path, name, layout, folder)
        case "parquet":
            return columnar.open_parquet(connection, path, name)
        case "json" | "jsonl":
            return documents.open_documents(connection, path, name, layout, folder)
        case "excel":
            return workbook.open_workbook(path, name, layout, folder)
        case "x12":
            return x12_loops.open_x12(path, name, layout, folder)
        case "xml":
            return xml_records.open_xml(path, name, layout, folder)
