"""DuckDB connections, all opened the same way.

Belongs here: opening, limits, closing. Doesn't belong here: SQL of a particular task.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from mfg_assets.errors import Problem, WarehouseError
from mfg_assets.settings import Settings
from mfg_assets.warehouse.sql import literal


@contextmanager
def connect(
    settings: Settings,
    path: Path | None = None,
    *,
    read_only: bool = False,
    keep_order: bool = False,
    allowed_directories: tuple[Path, ...] | None = None,
    trust_statistics: bool = True,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that is closed whatever happens.

    Args:
        settings: gives threads, memory limit and the folder for spilling.
        path: the database file; in memory when None.
        read_only: open without taking the writer's lock.
        keep_order: keep the order of input rows; costs memory on big inputs.
        trust_statistics: False where Parquet files come from elsewhere. Some writers leave wrong minima and maxima of
            decimals, and DuckDB then leaves out rows and folds expressions without a word.
        allowed_directories: when given, no other file or network is reachable from SQL, and that can't be undone.

    Raises:
        WarehouseError: another process holds the file, or it is not a DuckDB file.
    """
    spill = settings.home_path / "tmp"
    spill.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": settings.threads,
        "memory_limit": settings.memory_limit,
        "temp_directory": str(spill),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": keep_order,
    }
    try:
        connection = duckdb.connect(":memory:" if path is None else str(path), read_only=read_only, config=config)
    except duckdb.IOException as error:
        raise WarehouseError(
            Problem(str(error).splitlines()[0], path, fix="end the other process, or wait for its run to finish")
        ) from error
    try:
        connection.execute("set TimeZone = 'UTC'")
        if not trust_statistics:
            connection.execute(
                "set disabled_optimizers = 'statistics_propagation,filter_pushdown,build_side_probe_side'"
            )
        if allowed_directories is not None:
            folders = ", ".join(literal(f"{folder}/") for folder in (*allowed_directories, spill))
            connection.execute(f"set allowed_directories = [{folders}]")
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
        yield connection
    finally:
        connection.close()
