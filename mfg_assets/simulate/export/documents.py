"""Writers of the formats that only few systems use: JSON documents in pages, and Excel sheets.

Belongs here: files made of a query's rows, the same bytes for the same rows. Doesn't belong here: what the rows are;
CSV, JSON Lines and other formats that DuckDB writes by itself (`writers`).
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import duckdb

from mfg_assets.warehouse.sql import identifier, literal

# A document is read whole; longer answers come in pages, as from any interface.
PAGE_RECORDS = 200_000
# Excel's own limit is 1,048,576 rows.
SHEET_ROWS = 500_000

_PACKED_AT = (2026, 1, 1, 0, 0, 0)
_NUMBERS = ("DECIMAL", "INTEGER", "BIGINT", "DOUBLE")
# Days since the last day of 1899, from which Excel counts.
_SERIAL = "cast(epoch({column}) / 86400 + 25569 as varchar)"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    # The second format, number 22, is a date with its time.
    "xl/styles.xml": f'<styleSheet xmlns="{_SHEETS}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font>'
    '</fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/>'
    '</fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="2">'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="22" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}


def json_pages(
    connection: duckdb.DuckDBPyConnection, sql: str, folder: Path, stem: str, *, head: str, tail: str
) -> list[tuple[Path, int]]:
    """Documents `<stem>_p01.json` of at most PAGE_RECORDS records, one record a line between `head` and `tail`.

    Args:
        connection: where the query runs.
        sql: the records, in order; a column of JSON becomes an object of the record.
        folder: where the documents go.
        stem: of the files' names.
        head: text before the array.
        tail: text after the array.

    Returns:
        Each page with its number of records; one page when there are none.
    """
    return [
        (path, _document(connection, page, path, head, tail))
        for page, path in _pages(connection, sql, folder, stem, ".json", PAGE_RECORDS)
    ]


def excel_pages(
    connection: duckdb.DuckDBPyConnection, sql: str, folder: Path, stem: str, *, sheet: str, title: str
) -> list[tuple[Path, int]]:
    """Workbooks `<stem>_p01.xlsx` of at most SHEET_ROWS rows: a title and an empty row stand above the header.

    Numbers become numbers, timestamps dates with their time, all else text.

    Returns:
        Each page with its number of rows; one page when there are none.
    """
    return [
        (path, _workbook(connection, page, path, sheet, title))
        for page, path in _pages(connection, sql, folder, stem, ".xlsx", SHEET_ROWS)
    ]


def _pages(
    connection: duckdb.DuckDBPyConnection, sql: str, folder: Path, stem: str, ending: str, size: int
) -> Iterator[tuple[str, Path]]:
    """The rows of each page and its file. They stand in a table while the pages are written."""
    connection.execute(
        f"create or replace temp table page_rows as select row_number() over () as page_row, * from ({sql})"
    )
    found = connection.execute("select count(*) from page_rows").fetchone()
    for number in range(max(1, -(-(found[0] if found else 0) // size))):
        first, last = number * size + 1, (number + 1) * size
        page = f"select * exclude (page_row) from page_rows where page_row between {first} and {last} order by page_row"
        yield page, folder / f"{stem}_p{number + 1:02d}{ending}"
    connection.execute("drop table page_rows")


def _document(connection: duckdb.DuckDBPyConnection, sql: str, path: Path, head: str, tail: str) -> int:
    body = path.with_suffix(".tmp")
    copied = connection.execute(f"copy ({sql}) to {literal(str(body))} (format json, array true)").fetchone()
    with path.open("wb") as out, body.open("rb") as records:
        out.write(head.encode())
        shutil.copyfileobj(records, out)
        out.write(tail.encode())
    body.unlink()
    return copied[0] if copied else 0


def _workbook(connection: duckdb.DuckDBPyConnection, sql: str, path: Path, sheet: str, title: str) -> int:
    columns = connection.execute(f"describe {sql}").fetchall()
    cells = " || ".join(_cell(identifier(name), str(kind)) for name, kind, *_ in columns)
    body = path.with_suffix(".tmp")
    options = "format csv, header false, quote '', escape '', delimiter '\x01'"
    copied = connection.execute(
        f"copy (select '<row>' || {cells} || '</row>' from ({sql})) to {literal(str(body))} ({options})"
    ).fetchone()
    head = f'{_XML}<worksheet xmlns="{_SHEETS}"><sheetData>\n{_row([title])}\n<row/>\n{_row([c[0] for c in columns])}\n'
    workbook = (
        f'<workbook xmlns="{_SHEETS}" xmlns:r="{_OFFICE}"><sheets>'
        f'<sheet name="{escape(sheet)}" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    # Uncompressed, as compressed bytes differ between versions of the library.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as package:
        for name, text in {**_PARTS, "xl/workbook.xml": workbook}.items():
            package.writestr(_entry(name), _XML + text)
        with package.open(_entry("xl/worksheets/sheet1.xml"), "w") as out, body.open("rb") as rows:
            out.write(head.encode())
            shutil.copyfileobj(rows, out)
            out.write(b"</sheetData></worksheet>")
    body.unlink()
    return copied[0] if copied else 0


def _cell(column: str, kind: str) -> str:
    if kind.startswith(_NUMBERS):
        value, start, end = f"cast({column} as varchar)", "<c><v>", "</v></c>"
    elif kind.startswith("TIMESTAMP"):
        value, start, end = _SERIAL.format(column=column), '<c s="1"><v>', "</v></c>"
    else:
        value = f"replace(replace(replace({column}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"
        start, end = '<c t="inlineStr"><is><t xml:space="preserve">', "</t></is></c>"
    return f"coalesce('{start}' || {value} || '{end}', '<c/>')"


def _row(texts: list[str]) -> str:
    cells = "".join(f'<c t="inlineStr"><is><t>{escape(text)}</t></is></c>' for text in texts)
    return f"<row>{cells}</row>"


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _PACKED_AT)
    entry.external_attr = 0o644 << 16
    return entry
