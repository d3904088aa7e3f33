"""A text as a table of its lines.

Belongs here: lines that aren't blank, numbered. Doesn't belong here: what stands in them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mfg_assets.ingest.connectors.scan import Dialect, scan
from mfg_assets.ingest.connectors.table import ROW, Table
from mfg_assets.ingest.connectors.text import Text
from mfg_assets.ingest.formats import MAX_RECORD_BYTES
from mfg_assets.warehouse.sql import literal, path_literal

# Separates nothing: a text line holds no such character, and one that does is read the slow way.
_NO_DELIMITER = "\x1e"


def line_table(text: Text, path: Path, name: str, skip: int, folder: Path) -> Table:
    """The lines of a text in column `line`, blank ones left out."""

    def careful() -> Table:
        scanned = scan(text.path, Dialect(None, "", "", 1), skip, folder)
        options = (
            "auto_detect = false, header = false, delim = ',', quote = '\"', escape = '\"', max_line_size = 16000000"
        )
        rows = f"{path_literal(scanned.rows_path)}, {options}, columns = {{'{ROW}': 'BIGINT', 'line': 'VARCHAR'}}"
        types = f"{{'{ROW}': 'BIGINT', 'record': 'VARCHAR', 'why': 'VARCHAR'}}"
        bad = f"{path_literal(scanned.malformed_path)}, {options}, columns = {types}"
        return replace(
            quick,
            sql=f"select line, {ROW} from read_csv({rows})",
            malformed=f"select {ROW}, record, why from read_csv({bad})" if scanned.malformed else None,
            expected_rows=None,
            careful=None,
        )

    records = max(0, text.lines - skip)
    source = (
        f"read_csv({path_literal(text.path)}, auto_detect = false, header = false, skip = {skip}, "
        f"delim = {literal(_NO_DELIMITER)}, quote = '', escape = '', columns = {{'line': 'VARCHAR'}}, "
        f"max_line_size = {MAX_RECORD_BYTES}, strict_mode = true)"
    )
    warnings = (
        () if text.ends_in_line_end else (f"{name}: the last line has no line end; the file may have been cut off",)
    )
    quick = Table(
        name=name,
        path=path,
        columns={"line": "VARCHAR"},
        sql=f"select line, row_number() over () as {ROW} from (select line from {source} where trim(line) <> '')",
        expected_rows=records,
        trailer=text.trailer,
        careful=careful,
        warnings=warnings,
    )
    if records == 0:
        return replace(quick, sql=f"select null::varchar as line, null::bigint as {ROW} where false", careful=None)
    return quick
