"""Parquet files.

Belongs here: opening them. Doesn't belong here: text formats.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from mfg_assets.errors import Problem, SourceError
from mfg_assets.ingest.connectors.table import ROW, Table, column_list, first_line
from mfg_assets.warehouse.sql import path_literal


def open_parquet(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> Table:
    """A Parquet file with its own names and types.

    Raises:
        SourceError: it has no sound footer, which is written last: it is no Parquet file, or was cut off.
    """
    source = path_literal(path)
    try:
        described = connection.execute(f"describe select * from read_parquet({source})").fetchall()
        footer = connection.execute(f"select num_rows from parquet_file_metadata({source})").fetchone()
    except duckdb.Error as error:
        raise SourceError(
            Problem(
                f"no Parquet file, or one that was cut off: {first_line(error)}",
                path,
                fix="ask for the file again, or correct format:",
            )
        ) from error
    columns = {row[0]: row[1] for row in described}
    return Table(
        name=name,
        path=path,
        columns=columns,
        sql=(
            f"select {column_list(columns)}, file_row_number + 1 as {ROW} "
            f"from read_parquet({source}, file_row_number = true)"
        ),
        is_text=False,
        footer_rows=footer[0] if footer else None,
    )
