"""Landed rows, read back: a batch's file completed with what is the same for all of its rows.

Belongs here: the one place that knows which columns a batch's file leaves out. Doesn't belong here: which batches count
(`manifest`), writing them (`judge`, `reading`).

What is constant over a batch, or follows from a row's place in its file, isn't written: it would cost more than the
data themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mfg_assets.contracts import PLATFORM_COLUMNS, Contract
from mfg_assets.contracts.derive import typed_empty_select
from mfg_assets.ingest.manifest import ROWS_FILE, BatchManifest
from mfg_assets.warehouse.sql import identifier, literal, path_literal

# Columns of a batch that `rows_sql` asks for.
BATCH_COLUMNS = ("rows_file", "source_system", "extract_name", "batch_id", "source_file", "extracted_at")


def rows_path(landing_dir: Path, manifest: BatchManifest) -> Path:
    """Where the rows of a batch are."""
    folder = f"{manifest.source_system}.{manifest.extract_name}"
    return landing_dir / manifest.entity / folder / manifest.batch_id / ROWS_FILE


def source_file(manifest: BatchManifest) -> str | None:
    """The file that all rows of a batch came from; None where there are several and each row names its own."""
    names = [file.name for file in manifest.files if file.role == "data"]
    return names[0] if len(names) == 1 else None


def rows_sql(contract: Contract, files: Sequence[Path], batches: str, also: Iterable[str] = ()) -> str:
    """A SELECT of all columns of an entity over landed files: the contract's, then the platform's.

    Args:
        contract: the entity.
        files: landed files.
        batches: relation of BATCH_COLUMNS, one row per batch; files of no batch in it are left out.
        also: further columns of `batches` to select.
    """
    row = "coalesce(rows.source_row, rows.file_row_number + 1)"
    given = {
        "source_system": "batch.source_system",
        "extract_name": "batch.extract_name",
        "batch_id": "batch.batch_id",
        "source_file": "coalesce(rows.source_file, batch.source_file)",
        "source_row": row,
        "recorded_at": "coalesce(rows.recorded_at, batch.extracted_at)",
        "correlation_id": f"coalesce(rows.correlation_id, batch.batch_id || ':' || {row})",
        "is_deleted": "coalesce(rows.is_deleted, false)",
    }
    columns = [f"rows.{identifier(c.name)}" for c in contract.columns]
    columns += [f"{given[name]} as {identifier(name)}" for name in PLATFORM_COLUMNS]
    columns += [f"batch.{identifier(name)}" for name in also]
    # The empty branch gives the columns that no file has, with their types.
    source = (
        f"select *, null::varchar as rows_file, null::bigint as file_row_number from ({typed_empty_select(contract)})"
    )
    if files:
        listed = ", ".join(path_literal(file) for file in files)
        source += (
            f" union all by name select * from read_parquet([{listed}], union_by_name = true, filename = 'rows_file', "
            "file_row_number = true)"
        )
    return (
        f"select {', '.join(columns)} from ({source}) as rows "
        f"inner join {batches} as batch on rows.rows_file = batch.rows_file"
    )


def landed_sql(landing_dir: Path, contract: Contract, manifests: Iterable[BatchManifest]) -> str:
    """A SELECT of the rows of the given batches of an entity, for whoever has no warehouse at hand."""
    landed = [m for m in manifests if m.entity == contract.entity and m.state == "landed" and m.rows_landed]
    files = [rows_path(landing_dir, m) for m in landed]
    values = []
    for file, m in zip(files, landed, strict=True):
        name = source_file(m)
        texts = [str(file), m.source_system, m.extract_name, m.batch_id]
        own = "null" if name is None else literal(name)
        values.append(f"({', '.join(map(literal, texts))}, {own}, timestamptz {literal(m.extracted_at.isoformat())})")
    empty = "(select '', '', '', '', '', now() where false)"
    batches = f"(values {', '.join(values)})" if values else empty
    return rows_sql(contract, files, f"(select * from {batches} as t({', '.join(BATCH_COLUMNS)}))")
