"""`mfg bom explode-all`: every way below every top item as one Parquet file.

Belongs here: options, writing the file. Doesn't belong here: the walk (bom.bulk).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mfg_assets.cli import examples
from mfg_assets.cli.output import say
from mfg_assets.errors import Problem, UsageError

if TYPE_CHECKING:
    import duckdb

_ROWS_AT_ONCE = 100_000


EXAMPLES = examples.of(
    "mfg bom explode-all structure.parquet",
    "mfg bom explode-all structure.parquet --plant BOTHELL --every-assembly",
)


def explode_all(
    target: Annotated[Path, typer.Argument(help="Parquet file to write; it must not exist yet.")],
    plant: Annotated[str | None, typer.Option(help="Only this plant; default all of them.")] = None,
    every_assembly: Annotated[
        bool, typer.Option("--every-assembly", help="Start at sub-assemblies too, not only at what nothing holds.")
    ] = False,
) -> None:
    """Write the indented explosion of everything at the published state's instant, one row per way to an item."""
    from mfg_assets.bom import lookup
    from mfg_assets.bom.bulk import explode_all as walk
    from mfg_assets.cli.query import published

    if target.exists():
        raise UsageError(Problem("the file exists already", target, fix="choose another name, or remove it"))
    if not target.parent.is_dir():
        raise UsageError(Problem("there is no such folder", target.parent, fix="create it first"))
    with published() as connection:
        plants = lookup.plants_of(connection)
        if plant is not None and plant not in plants:
            raise UsageError(Problem(f"no bills are published for plant {plant!r}", fix=f"one of: {', '.join(plants)}"))
        rows = _write(connection, walk(connection, plant_id=plant, every_assembly=every_assembly), target)
    say(f"{target}: {rows:,} rows")


def _write(connection: duckdb.DuckDBPyConnection, query: str, target: Path) -> int:
    """Write aside and rename, so that a file is whole or not there. Returns the number of rows."""
    import pyarrow.parquet as pq

    partial = target.with_name(f".{target.name}.part")
    batches = connection.execute(query).to_arrow_reader(_ROWS_AT_ONCE)
    try:
        rows = 0
        with pq.ParquetWriter(partial, batches.schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)
                rows += batch.num_rows
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return rows
