"""Delimited text: CSV, TSV and their relatives.

Belongs here: the header, and the quick reading by DuckDB, which has to be proven right by the number of lines.
Doesn't belong here: the slow reading that copes with damage (`scan`).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

from mfg_assets.errors import Problem, SourceError
from mfg_assets.ingest.connectors.scan import Dialect, scan, split_record
from mfg_assets.ingest.connectors.table import ROW, Table, column_list, unique_names
from mfg_assets.ingest.connectors.text import Text, open_text, physical_lines
from mfg_assets.ingest.formats import MAX_RECORD_BYTES, Layout
from mfg_assets.warehouse.sql import literal, path_literal

# DuckDB takes delimiters of up to four bytes.
_MAX_DELIMITER = 4
_MAX_HEADER_LINES = 50


def open_delimited(path: Path, name: str, layout: Layout, folder: Path) -> Table:
    """A delimited text; every column is text.

    Raises:
        SourceError: empty although a header is declared, not in its encoding, or without names for its columns.
    """
    text = open_text(path, layout, folder)
    header, skip = _header(text, layout, path)
    names = list(layout.column_names) or header
    if not names:
        raise SourceError(
            Problem("the file has no header, and no column_names are given", path, fix="add column_names:")
        )
    if layout.has_header and layout.column_names and len(header) != len(names):
        message = f"the header names {len(header)} columns, column_names {len(names)}"
        raise SourceError(Problem(message, path, fix="correct column_names:, or remove them"))
    columns, ambiguous = unique_names(names)
    dialect = Dialect(layout.delimiter, layout.quote, layout.escape, len(columns))
    nulls = ", ".join(literal(word) for word in layout.null_words)

    def careful() -> Table:
        scanned = scan(text.path, dialect, skip, folder)
        types = ", ".join(f"{literal(c)}: 'VARCHAR'" for c in columns)
        reader = (
            "read_csv({path}, auto_detect = false, header = false, delim = ',', quote = '\"', escape = '\"', "
            "max_line_size = 16000000, columns = {{{columns}}}, nullstr = [{nulls}])"
        )
        rows = reader.format(
            path=path_literal(scanned.rows_path), columns=f"{literal(ROW)}: 'BIGINT', {types}", nulls=nulls
        )
        bad = reader.format(
            path=path_literal(scanned.malformed_path),
            columns=f"{literal(ROW)}: 'BIGINT', 'record': 'VARCHAR', 'why': 'VARCHAR'",
            nulls="'\x01'",
        )
        return replace(
            quick,
            sql=f"select {column_list(columns)}, {ROW} from {rows}",
            malformed=f"select {ROW}, record, why from {bad}" if scanned.malformed else None,
            unnumbered=None,
            expected_rows=None,
            careful=None,
        )

    options = {
        "auto_detect": "false",
        "header": "false",
        "skip": str(skip),
        "delim": literal(layout.delimiter),
        "quote": literal(layout.quote),
        "escape": literal(layout.escape),
        "columns": "{" + ", ".join(f"{literal(c)}: 'VARCHAR'" for c in columns) + "}",
        "nullstr": f"[{nulls}]",
        "max_line_size": str(MAX_RECORD_BYTES),
        "strict_mode": "true",
    }
    listed = ", ".join(f"{option} = {value}" for option, value in options.items())
    source = f"read_csv({path_literal(text.path)}, {listed})"
    records = max(0, text.lines - skip)
    quick = Table(
        name=name,
        path=path,
        columns=dict.fromkeys(columns, "VARCHAR"),
        sql=f"select {column_list(columns)}, row_number() over () as {ROW} from {source}",
        # DuckDB numbers rows in one thread only.
        unnumbered=f"select {column_list(columns)}, null::bigint as {ROW} from {source}",
        expected_rows=records,
        trailer=text.trailer,
        careful=careful,
        ambiguous=ambiguous,
        padding="any" if not text.is_ascii else "ascii" if text.has_blanks else "none",
        warnings=_warnings(text, name),
    )
    if records == 0:
        nothing = ", ".join(f"null::varchar as {column_list([c])}" for c in columns)
        return replace(quick, sql=f"select {nothing}, null::bigint as {ROW} where false", unnumbered=None, careful=None)
    if len(layout.delimiter.encode()) > _MAX_DELIMITER or "\n" in layout.delimiter or len(columns) == 1:
        return careful()
    return quick


def _warnings(text: Text, name: str) -> tuple[str, ...]:
    if text.ends_in_line_end:
        return ()
    return (f"{name}: the last line has no line end; the file may have been cut off in it",)


def _header(text: Text, layout: Layout, path: Path) -> tuple[list[str], int]:
    """The names in the header, and how many lines come before the first record."""
    if not layout.has_header:
        return [], min(layout.skip_rows, text.lines)
    dialect = Dialect(layout.delimiter, layout.quote, layout.escape, 0)
    lines = islice(physical_lines(text.path), layout.skip_rows, layout.skip_rows + _MAX_HEADER_LINES)
    record, used = "", 0
    for line, too_long in lines:
        used += 1
        if too_long:
            break
        try:
            record += ("\n" if record else "") + line.decode("utf-8")
        except UnicodeDecodeError as error:
            fix = "declare encoding:, such as cp1252 or latin-1"
            raise SourceError(Problem(f"the header is not {layout.encoding}: {error.reason}", path, fix=fix)) from error
        if not record.strip():
            continue
        fields = split_record(record, dialect)
        if fields is not None:
            if "\x00" in record:
                fix = "declare its encoding:, such as utf-16, or its format:"
                raise SourceError(Problem("the header holds NUL characters", path, fix=fix))
            return [field.strip() for field in fields], layout.skip_rows + used
    if not record.strip():
        raise SourceError(Problem("the file is empty: not even a header", path, fix="ask for the file again"))
    raise SourceError(Problem("a quote in the header is never closed", path, fix="check quote: and delimiter:"))
