"""Writers of the formats that only few systems use: JSON documents in pages, and Excel sheets.

Belongs here: files made of a query's rows, the same bytes for the same rows. Doesn't belong here: what the rows are;
CSV, JSON Lines and other formats that DuckDB writes by itself (`writers`).
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import duckdb

from mfg_assets.simulate.export.staging import Relation
from mfg_assets.simulate.export.writers import write_lines
from mfg_assets.warehouse.sql import identifier, literal

# A document is read whole; longer answers come in pages, as from any interface.
PAGE_RECORDS = 200_000
# Excel's own limit is 1,048,576 rows.
SHEET_ROWS = 500_000

_PACKED_AT = (2026, 1, 1, 0, 0, 0)
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


def write_json_pages(
    connection: duckdb.DuckDBPyConnection,
    relation: Relation,
    folder: Path,
    stem: str,
    *,
    head: str,
    tail: str,
) -> list[tuple[Path, int]]:
    """Documents `<stem>_p01.json` of at most PAGE_RECORDS records each, one a line between `head` and `tail`.

    Args:
        connection: has the relation.
        relation: the records; a column of JSON becomes an object within its record.
        folder: where the documents go.
        stem: of the files' names.
        head: text before the array of records.
        tail: text after it.

    Returns:
        Each page with the number of records it claims; one page when there are none.

    Raises:
        ValueError: a fault wants raw lines, which a document can't hold.
    """
    pages = _pages(relation, folder, stem, ".json", PAGE_RECORDS)
    for path, limit, _ in pages:
        _refuse_lines(relation, path)
        comma = "case when row_number() over () = 1 then ' ' else ',' end"
        query = f"select {comma} || {json_object(relation)} as line from ({relation.sql}{limit})"
        write_lines(connection, query, path, head=[f"{head}["], tail=[f"]{tail}"])
    return [(path, rows) for path, _, rows in pages]


def write_excel_pages(
    connection: duckdb.DuckDBPyConnection,
    relation: Relation,
    folder: Path,
    stem: str,
    *,
    sheet: str,
    title: str,
    numbers: Sequence[str] = (),
    times: Sequence[str] = (),
) -> list[tuple[Path, int]]:
    """Workbooks `<stem>_p01.xlsx` of at most SHEET_ROWS rows each: a title and an empty row stand above the header.

    Values of the columns in `numbers` and `times` become numbers and dates where they are such, all others are texts.

    Returns:
        Each page with the number of rows it claims; one page when there are none.

    Raises:
        ValueError: a fault wants raw lines, which a sheet can't hold.
    """
    cells = " || ".join(_cell(name, numbers, times) for name in relation.columns)
    pages = _pages(relation, folder, stem, ".xlsx", SHEET_ROWS)
    for path, limit, _ in pages:
        _refuse_lines(relation, path)
        rows = path.with_name(f".{path.name}.rows")
        query = f"select '<row>' || {cells} || '</row>' as line from ({relation.sql}{limit})"
        head = [f'{_XML}<worksheet xmlns="{_SHEETS}"><sheetData>', _row([title]), "<row/>", _row(relation.columns)]
        write_lines(connection, query, rows, head=head, tail=["</sheetData></worksheet>"])
        _pack(rows, path, sheet)
        rows.unlink()
    return [(path, rows) for path, _, rows in pages]


def json_object(relation: Relation) -> str:
    """SQL of a row as the text of a JSON object."""
    members = ", ".join(f"{literal(name)}: {identifier(name)}" for name in relation.columns)
    return f"cast(to_json({{{members}}}) as varchar)"


def _pages(relation: Relation, folder: Path, stem: str, ending: str, size: int) -> list[tuple[Path, str, int]]:
    """Each page's file, which rows it has as SQL, and how many it claims: what a fault adds or hides is on the last."""
    count = max(1, -(-relation.rows // size))
    pages = []
    for number in range(count):
        is_last = number == count - 1
        rows = relation.claimed_rows - number * size if is_last else size
        limit = "" if count == 1 else f" limit {size} offset {number * size}"
        pages.append((folder / f"{stem}_p{number + 1:02d}{ending}", limit, rows))
    return pages


def _refuse_lines(relation: Relation, path: Path) -> None:
    if relation.lines:
        raise ValueError(f"{path.name}: such a file holds no raw lines")


def _pack(sheet_part: Path, path: Path, sheet: str) -> None:
    """A workbook around the XML of its sheet, uncompressed: compressed bytes differ between versions of libraries."""
    workbook = (
        f'<workbook xmlns="{_SHEETS}" xmlns:r="{_OFFICE}"><sheets>'
        f'<sheet name="{escape(sheet)}" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    aside = path.with_name(f".{path.name}.part")
    with zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as package:
        for name, text in {**_PARTS, "xl/workbook.xml": workbook}.items():
            package.writestr(_entry(name), _XML + text)
        with package.open(_entry("xl/worksheets/sheet1.xml"), "w") as out, sheet_part.open("rb") as rows:
            shutil.copyfileobj(rows, out)
    aside.replace(path)


def _cell(name: str, numbers: Sequence[str], times: Sequence[str]) -> str:
    column = identifier(name)
    text = f"replace(replace(replace({column}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"
    text = f"'<c t=\"inlineStr\"><is><t xml:space=\"preserve\">' || {text} || '</t></is></c>'"
    kinds = [text, "'<c/>'"]
    if name in numbers:
        kinds.insert(
            0, f"case when try_cast({column} as double) is not null then '<c><v>' || {column} || '</v></c>' end"
        )
    if name in times:
        kinds.insert(
            0, f"'<c s=\"1\"><v>' || {_SERIAL.format(column=f'try_cast({column} as timestamp)')} || '</v></c>'"
        )
    return f"coalesce({', '.join(kinds)})"


def _row(texts: Sequence[str]) -> str:
    cells = "".join(f'<c t="inlineStr"><is><t>{escape(text)}</t></is></c>' for text in texts)
    return f"<row>{cells}</row>"


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _PACKED_AT)
    entry.external_attr = 0o644 << 16
    return entry
