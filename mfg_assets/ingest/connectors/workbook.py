"""Excel and OpenDocument sheets.

Belongs here: one sheet → a Parquet file of texts. A sheet has at most 1,048,576 rows, so Python may walk over them.
Doesn't belong here: formats that grow.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from mfg_assets.errors import Problem, SourceError
from mfg_assets.ingest.connectors.table import ROW, Table, column_list, unique_names
from mfg_assets.ingest.formats import Layout
from mfg_assets.warehouse.sql import path_literal


def open_workbook(path: Path, name: str, layout: Layout, folder: Path) -> Table:
    """One sheet as texts: whole numbers without decimals, dates and times in ISO 8601.

    Raises:
        SourceError: no workbook, no such sheet, or an empty one.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = _rows(path, layout)
    if layout.has_header:
        if not rows:
            raise SourceError(Problem("the sheet is empty: not even a header", path, fix="ask for the file again"))
        header = [_text(cell) or "" for cell in rows.pop(0)]
        while header and not header[-1]:
            header.pop()
    else:
        header = []
    header = list(layout.column_names) or header
    if not header:
        raise SourceError(Problem("the sheet names no columns", path, fix="correct sheet:, skip_rows: or header:"))
    names, ambiguous = unique_names(header)
    nulls = set(layout.null_words)
    records = [[_text(cell) for cell in row] for row in rows]
    numbered = [(number, cells) for number, cells in enumerate(records, start=1) if any(cells)]
    wide = [(number, cells) for number, cells in numbered if any(cells[len(names) :])]
    sound = [(number, cells) for number, cells in numbered if not any(cells[len(names) :])]
    columns: dict[str, Any] = {
        column: pa.array([_null(cells[i] if i < len(cells) else None, nulls) for _, cells in sound], pa.string())
        for i, column in enumerate(names)
    }
    target, bad = folder / "sheet.parquet", folder / "wide.parquet"
    pq.write_table(pa.table({**columns, ROW: pa.array([n for n, _ in sound], pa.int64())}), target)
    why = f"it has values beyond the {len(names)} columns that the header names"
    texts = {"record": pa.array(["\t".join(c or "" for c in cells) for _, cells in wide], pa.string())}
    rowids = {ROW: pa.array([n for n, _ in wide], pa.int64()), "why": pa.array([why] * len(wide), pa.string())}
    pq.write_table(pa.table({**rowids, **texts}), bad)
    return Table(
        name=name,
        path=path,
        columns=dict.fromkeys(names, "VARCHAR"),
        sql=f"select {column_list(names)}, {ROW} from read_parquet({path_literal(target)})",
        malformed=f"select {ROW}, record, why from read_parquet({path_literal(bad)})" if wide else None,
        ambiguous=ambiguous,
    )


def _rows(path: Path, layout: Layout) -> list[list[Any]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with path.open("rb") as file:
            workbook = CalamineWorkbook.from_filelike(file)
            names = workbook.sheet_names
            if layout.sheet is not None and layout.sheet not in names:
                raise SourceError(
                    Problem(f"there is no sheet {layout.sheet!r}", path, fix=f"one of {', '.join(names)}")
                )
            if not names:
                raise SourceError(Problem("the workbook has no sheet", path))
            sheet = workbook.get_sheet_by_name(layout.sheet or names[0])
            rows: list[list[Any]] = sheet.to_python(skip_empty_area=False)
    except (CalamineError, OSError) as error:
        raise SourceError(Problem(f"no workbook: {error}", path, fix="check format:, or ask for it again")) from error
    return rows[layout.skip_rows :]


def _text(cell: object) -> str | None:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        # A sheet knows only one kind of number; an order number is not 4711.0.
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell) if cell not in (None, "") else None


def _null(text: str | None, nulls: set[str]) -> str | None:
    return None if text is None or text in nulls else text
