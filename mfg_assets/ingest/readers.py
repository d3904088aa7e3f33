"""A plain file as a relation of named columns, with every record numbered.

Belongs here: one reader per format, and checking the header before reading. Doesn't belong here: mapping, casting.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from mfg_assets.errors import Problem, SourceError
from mfg_assets.estate.models import Format
from mfg_assets.ingest.plain import Plain
from mfg_assets.warehouse.sql import identifier, literal, path_literal

ROW = "_source_row"
# DuckDB stops at lines of 2 MB by default and fails the file; with a larger limit only such a record is refused.
_MAX_LINE = 16 << 20
REJECTS = "_csv_rejects"


@dataclass(frozen=True)
class Relation:
    """SQL that gives a file's records: all source columns and their 1-based ordinal in column `_source_row`."""

    sql: str
    columns: list[str]
    counts_malformed: bool = False
    footer_rows: int | None = None
    notes: list[str] = field(default_factory=list)


def layered(connector: Format, own: Format) -> Format:
    """The extract's format over the connector's."""
    base = {n: getattr(connector, n) for n in Format.model_fields}
    return Format.model_validate({**base, **{n: v for n in Format.model_fields if (v := getattr(own, n)) is not None}})


def open_file(connection: duckdb.DuckDBPyConnection, plain: Plain, form: Format, trailer: str | None) -> Relation:
    """The relation of one file.

    Args:
        connection: where it is going to be read.
        plain: the file.
        form: how it is to be read.
        trailer: how the trailer line begins, which is no record.

    Raises:
        SourceError: its header or structure isn't what the format says.
    """
    kind = form.format or "csv"
    try:
        if kind == "csv":
            return _csv(plain, form, trailer)
        if kind == "fixed_width":
            return _fixed_width(plain, form, trailer)
        if kind == "parquet":
            return _parquet(connection, plain)
        if kind in ("json", "jsonl"):
            return _json(connection, plain, form)
        return _excel(connection, plain, form)
    except duckdb.Error as error:
        raise SourceError(
            Problem(f"can't be read as {kind}: {str(error).splitlines()[0]}", plain.source, fix="check format")
        ) from error


def header(plain: Plain, form: Format) -> list[str]:
    """Column names of a CSV file: its first record after skipped lines, or the names that the estate gives."""
    with plain.path.open(encoding="utf-8-sig", errors="replace", newline="") as handle:
        for _ in range(form.skip_rows or 0):
            handle.readline()
        first = handle.readline(_MAX_LINE)
    if form.header is False:
        if not form.column_names:
            raise SourceError(Problem("the file has no header and column_names gives none", plain.source))
        return form.column_names
    if not first.strip():
        raise SourceError(Problem("the file is empty: not even a header", plain.source, fix="ask for it again"))
    if "\x00" in first:
        raise SourceError(
            Problem("the header holds NUL characters", plain.source, fix="declare its encoding (utf-16?) or its format")
        )
    return _split(first.rstrip("\r\n"), form)


def _split(line: str, form: Format) -> list[str]:
    delimiter, quote = form.delimiter or ",", '"' if form.quote is None else form.quote
    if len(delimiter) > 1 or not quote:
        return [c.strip().strip(quote) if quote else c.strip() for c in line.split(delimiter)]
    return [c.strip() for c in next(csv.reader([line], delimiter=delimiter, quotechar=quote))]


def _csv(plain: Plain, form: Format, trailer: str | None) -> Relation:
    columns = header(plain, form)
    doubled = sorted({c for c in columns if columns.count(c) > 1})
    if doubled:
        raise SourceError(Problem(f"the header names {', '.join(doubled)} more than once", plain.source))
    if form.header is not False and form.column_names and form.column_names != columns:
        raise SourceError(Problem(f"the header is {columns}, the estate expects {form.column_names}", plain.source))
    quote = '"' if form.quote is None else form.quote
    options = {
        "auto_detect": "false",
        "header": str(form.header is not False).lower(),
        "delim": literal(form.delimiter or ","),
        "quote": literal(quote),
        "escape": literal(quote if form.escape is None else form.escape),
        "columns": "{" + ", ".join(f"{literal(c)}: 'VARCHAR'" for c in columns) + "}",
        "nullstr": "[" + ", ".join(literal(w) for w in _null_words(form)) + "]",
        "skip": str(form.skip_rows or 0),
        "store_rejects": "true",
        "rejects_table": literal(REJECTS),
        "rejects_scan": literal(f"{REJECTS}_scan"),
        "max_line_size": str(_MAX_LINE),
        "buffer_size": str(2 * _MAX_LINE),
        "null_padding": "false",
    }
    listed = ", ".join(f"{name} = {value}" for name, value in options.items())
    sql = f"select *, row_number() over () as {ROW} from read_csv({path_literal(plain.path)}, {listed})"
    if trailer is not None:
        sql = f"select * from ({sql}) where not starts_with(coalesce({identifier(columns[0])}, ''), {literal(trailer)})"
    return Relation(sql, columns, counts_malformed=True)


def _null_words(form: Format) -> list[str]:
    return [""] if form.null_words is None else form.null_words


def _fixed_width(plain: Plain, form: Format, trailer: str | None) -> Relation:
    if not form.fields:
        raise SourceError(Problem("fixed_width needs `fields`", plain.source, fix="give name, start and width of each"))
    words = ", ".join(literal(w) for w in _null_words(form))
    fields = ", ".join(
        f"case when trim(substr(line, {f.start}, {f.width})) not in ({words}) "
        f"then trim(substr(line, {f.start}, {f.width})) end as {identifier(f.name)}"
        for f in form.fields
    )
    skip = (form.skip_rows or 0) + (1 if form.header else 0)
    source = (
        f"read_csv({path_literal(plain.path)}, auto_detect = false, header = false, delim = '\x01', quote = '', "
        f"escape = '', columns = {{'line': 'VARCHAR'}}, skip = {skip}, max_line_size = {_MAX_LINE}, "
        f"buffer_size = {2 * _MAX_LINE})"
    )
    keep = "line is not null" + (f" and not starts_with(line, {literal(trailer)})" if trailer is not None else "")
    sql = f"select {fields}, {ROW} from (select line, row_number() over () as {ROW} from {source}) where {keep}"
    return Relation(sql, [f.name for f in form.fields])


def _parquet(connection: duckdb.DuckDBPyConnection, plain: Plain) -> Relation:
    source = path_literal(plain.path)
    described = connection.execute(f"describe select * from read_parquet({source})").fetchall()
    footer = connection.execute(f"select num_rows from parquet_file_metadata({source})").fetchone()
    sql = f"select * exclude (file_row_number), file_row_number + 1 as {ROW} from read_parquet({source}, file_row_number = true)"
    return Relation(sql, [row[0] for row in described], footer_rows=footer[0] if footer else None)


def _json(connection: duckdb.DuckDBPyConnection, plain: Plain, form: Format) -> Relation:
    path = plain.path
    if form.records_path:
        path = path.with_name(f"{path.name}.records") if path != plain.source else path
        path = _extract_records(plain, form.records_path, path)
    lines = "newline_delimited" if (form.format == "jsonl" and not form.records_path) or form.records_path else "auto"
    source = (
        f"read_json({path_literal(path)}, format = '{lines}', maximum_depth = 1, sample_size = -1, "
        f"maximum_object_size = {_MAX_LINE})"
    )
    described = connection.execute(f"describe select * from {source}").fetchall()
    words = ", ".join(literal(w) for w in _null_words(form))
    fields = ", ".join(
        f"case when ({identifier(n)} ->> '$') not in ({words}) then {identifier(n)} ->> '$' end as {identifier(n)}"
        if t == "JSON"
        else f"{identifier(n)}::varchar as {identifier(n)}"
        for n, t, *_ in described
    )
    sql = f"select {fields}, row_number() over () as {ROW} from {source}"
    return Relation(sql, [row[0] for row in described])


def _extract_records(plain: Plain, records_path: str, path: Path) -> Path:
    """Write the array under a dotted path as JSON Lines beside the work copy."""
    try:
        document = json.loads(plain.path.read_text(encoding="utf-8-sig"))
        for part in records_path.split("."):
            document = document[part]
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(
            Problem(f"has no records under {records_path!r}: {error}", plain.source, fix="correct records_path")
        ) from error
    if not isinstance(document, list):
        raise SourceError(Problem(f"what stands under {records_path!r} is no array", plain.source))
    with path.open("w") as out:
        out.writelines(json.dumps(record) + "\n" for record in document)
    return path


def _excel(connection: duckdb.DuckDBPyConnection, plain: Plain, form: Format) -> Relation:
    """Sheets are small by nature, so they pass through Python."""
    import pyarrow as pa
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        workbook = CalamineWorkbook.from_path(str(plain.path))
        sheet = form.sheet or workbook.sheet_names[0]
        if sheet not in workbook.sheet_names:
            raise SourceError(Problem(f"has no sheet {sheet!r}", plain.source, fix=f"one of {workbook.sheet_names}"))
        rows = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)[form.skip_rows or 0 :]
    except CalamineError as error:
        raise SourceError(Problem(f"is no workbook: {error}", plain.source)) from error
    names = form.column_names if form.header is False else [str(c).strip() for c in (rows.pop(0) if rows else [])]
    if not names:
        raise SourceError(Problem("the sheet is empty: not even a header", plain.source))
    words = set(_null_words(form))
    columns = {n: [_cell(row[i] if i < len(row) else "", words) for row in rows] for i, n in enumerate(names) if n}
    table = pa.table({n: pa.array(v, pa.string()) for n, v in columns.items()})
    name = f"_excel_{abs(hash(plain.sha256))}"
    connection.register(name, table)
    return Relation(f"select *, row_number() over () as {ROW} from {identifier(name)}", list(columns))


def _cell(value: object, null_words: set[str]) -> str | None:
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)  # type: ignore[attr-defined]
    if isinstance(value, float) and value.is_integer():
        text = str(int(value))
    return None if text.strip() in null_words else text


def trailer_line(plain: Plain, starts_with: str) -> str | None:
    """The last line that begins with a text, or None."""
    found = None
    for line in _tail(plain.path):
        if line.startswith(starts_with):
            found = line
    return found


def _tail(path: Path, size: int = 1 << 16) -> Iterator[str]:
    with path.open("rb") as handle:
        handle.seek(max(0, path.stat().st_size - size))
        yield from handle.read().decode(errors="replace").splitlines()
