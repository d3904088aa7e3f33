"""JSON documents and JSON Lines.

Belongs here: records of a document, their keys as columns. Doesn't belong here: mapping.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from mfg_assets.errors import Problem, SourceError
from mfg_assets.ingest.connectors.lines import line_table
from mfg_assets.ingest.connectors.table import ROW, Table, unique_names
from mfg_assets.ingest.connectors.text import Text, open_text
from mfg_assets.ingest.formats import Layout
from mfg_assets.warehouse.sql import identifier, literal, path_literal

# A document is held in memory as a whole; JSON Lines have no such limit.
MAX_DOCUMENT_BYTES = 256 << 20
# Longer numbers lose digits in a binary float; a document that may hold any is read the slow way.
_LONG_NUMBER = r"[:,\[]\s*-?[0-9][0-9.]{15,}"


def open_documents(connection: duckdb.DuckDBPyConnection, path: Path, name: str, layout: Layout, folder: Path) -> Table:
    """The records of a JSON file; every column is text, an object or array within a record as JSON.

    Raises:
        SourceError: not JSON, or `records_path` leads to no array.
    """
    text = open_text(path, layout, folder)
    if layout.kind == "json" and not _is_lines(text.path, layout):
        lines = _elements(text, path, name, layout, folder)
        return _records(connection, lines, layout, folder)
    quick = line_table(text, path, name, layout.skip_rows, folder)
    try:
        return _records(connection, quick, layout, folder)
    except duckdb.Error:
        if quick.careful is None:
            raise
        return _records(connection, quick.careful(), layout, folder)


def _is_lines(path: Path, layout: Layout) -> bool:
    """Whether a file that is called JSON holds one object a line."""
    if layout.records_path is not None:
        return False
    with path.open("rb") as file:
        first = file.readline(1 << 20).strip()
        if not first.startswith(b"{"):
            return False
        try:
            json.loads(first)
        except ValueError:
            return False
        return True


def _elements(text: Text, path: Path, name: str, layout: Layout, folder: Path) -> Table:
    """The array of records, one element a line, numbers kept digit by digit."""
    size = text.path.stat().st_size
    if size > MAX_DOCUMENT_BYTES:
        message = f"the document has {size >> 20:,} MiB; at most {MAX_DOCUMENT_BYTES >> 20} MiB can be read at once"
        raise SourceError(Problem(message, path, fix="ask for JSON Lines"))
    try:
        document: Any = json.loads(text.path.read_bytes(), parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            Problem(f"not JSON: {error}", path, fix="ask for the file again; it may be cut off")
        ) from error
    for part in (layout.records_path or "").split(".") if layout.records_path else ():
        if not isinstance(document, dict) or part not in document:
            keys = ", ".join(list(document)[:20]) if isinstance(document, dict) else "no keys"
            message = f"there is nothing under {layout.records_path!r}: {part!r} is missing (there: {keys})"
            raise SourceError(Problem(message, path, fix="correct records_path:"))
        document = document[part]
    if not isinstance(document, list):
        where = f"under {layout.records_path!r}" if layout.records_path else "in it"
        message = f"what stands {where} is no array of records"
        raise SourceError(Problem(message, path, fix="name the array with records_path:"))
    target = folder / "records.jsonl"
    with target.open("w", encoding="utf-8") as out:
        out.writelines(_line(element) for element in document)
    own = Text(target, len(document), b"\n", True, None)
    return line_table(own, path, name, 0, folder)


def _line(element: object) -> str:
    return json.dumps(element, ensure_ascii=False) + "\n"


def _records(connection: duckdb.DuckDBPyConnection, lines: Table, layout: Layout, folder: Path) -> Table:
    """Lines of JSON as columns."""
    long = connection.execute(f"select bool_or(regexp_matches(line, '{_LONG_NUMBER}')) from ({lines.sql})").fetchone()
    if long and long[0]:
        lines = _with_texts(connection, lines, folder)
    ok = "coalesce(case when json_valid(line) then json_type(line) = 'OBJECT' end, false)"
    judged = f"select line, {ROW}, {ok} as ok"
    keys = connection.execute(
        f"select key, min(place) from (select unnest(json_keys(line)) as key, {ROW} as place "
        f"from ({judged} from ({lines.sql})) where ok) group by key order by 2, 1"
    ).fetchall()
    names, ambiguous = unique_names(key for key, _ in keys)
    nulls = ", ".join(literal(word) for word in layout.null_words)
    pointers = ", ".join(literal("/" + key.replace("~", "~0").replace("/", "~1")) for key, _ in keys)
    columns = [
        f"case when vals[{i}] in ({nulls}) then null else vals[{i}] end as {identifier(column)}"
        for i, column in enumerate(names, start=1)
    ]
    # All values of a record at once: it is parsed once, not once a key.
    values = f"json_extract_string(line, [{pointers}]::varchar[]) as vals"
    sound = f"from ({judged} from ({lines.sql})) where ok"
    why = literal("it is not a JSON object")
    bad = f"select {ROW}, line as record, {why} as why from ({judged} from ({lines.sql})) where not ok"
    found = connection.execute(f"select count(*) from ({lines.sql}) where not {ok}").fetchone()
    malformed = [lines.malformed] if lines.malformed else []
    if found and found[0]:
        malformed.append(bad)
    return replace(
        lines,
        columns=dict.fromkeys(names, "VARCHAR"),
        sql=f"select {', '.join([*columns, ROW])} from (select {values}, {ROW} {sound})",
        malformed=" union all ".join(malformed) or None,
        expected_rows=None,
        careful=None,
        ambiguous=ambiguous,
        is_sparse=True,
    )


def _with_texts(connection: duckdb.DuckDBPyConnection, lines: Table, folder: Path) -> Table:
    """The same lines with numbers as texts, so that none of their digits is lost."""
    target = folder / "texts.csv"
    import csv

    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        cursor = connection.cursor().execute(f"select {ROW}, line from ({lines.sql})")
        while batch := cursor.fetchmany(10_000):
            writer.writerows(_texts(batch))
    options = "auto_detect = false, header = false, delim = ',', quote = '\"', escape = '\"', max_line_size = 16000000"
    source = f"read_csv({path_literal(target)}, {options}, columns = {{'{ROW}': 'BIGINT', 'line': 'VARCHAR'}})"
    return replace(lines, sql=f"select line, {ROW} from {source}", careful=None, expected_rows=None)


def _texts(batch: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    for number, line in batch:
        try:
            record = json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
        except (ValueError, RecursionError):
            yield number, line
        else:
            yield number, json.dumps(record, ensure_ascii=False)
