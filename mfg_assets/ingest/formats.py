"""How a file is to be read: the extract's options over the system's, over the defaults.

Belongs here: resolving options, the limits that hold for every file. Doesn't belong here: reading (connectors).
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mfg_assets.errors import Problem, SourceError
from mfg_assets.estate.systems import FixedField, Format

Kind = Literal["csv", "fixed_width", "parquet", "json", "jsonl", "excel", "xml", "x12"]
TEXT_KINDS = ("csv", "fixed_width", "json", "jsonl")
# A longer record is refused by itself: no business record of an ERP comes near, and each thread must hold one.
MAX_RECORD_BYTES = 1_000_000
_ENDINGS: dict[str, Kind] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
    ".xml": "xml",
    ".x12": "x12",
    ".edi": "x12",
}
_COMPRESSIONS: dict[str, Literal["gzip", "zip"]] = {".gz": "gzip", ".gzip": "gzip", ".zip": "zip"}


@dataclass(frozen=True)
class Layout:
    """Every option of one file, resolved."""

    kind: Kind
    delimiter: str
    quote: str
    escape: str
    has_header: bool
    column_names: tuple[str, ...]
    encoding: str
    decimal: str
    thousands: str
    trailing_minus: bool
    date_formats: tuple[str, ...]
    null_words: tuple[str, ...]
    skip_rows: int
    fields: tuple[FixedField, ...]
    records_path: str | None
    sheet: str | None
    trailer: str | None = None
    transaction: str | None = None
    loop: str | None = None


def layered(*formats: Format) -> Format:
    """Options of the first format that sets them; the most specific stands first."""
    chosen = {}
    for name in Format.model_fields:
        value = next((v for f in formats if (v := getattr(f, name)) is not None), None)
        if value is not None:
            chosen[name] = value
    return Format(**chosen)


def compression_of(path: Path, options: Format) -> Literal["gzip", "zip", "none"]:
    """How the file is packed."""
    if options.compression in (None, "auto"):
        return _COMPRESSIONS.get(path.suffix.lower(), "none")
    return options.compression or "none"  # pyright: ignore[reportReturnType]


def layout_of(name: str, options: Format, trailer: str | None = None) -> Layout:
    """The resolved options for a file of this name (that of the member, for an archive).

    Raises:
        SourceError: the encoding is unknown, or the format can't be told.
    """
    path = Path(name)
    while path.suffix.lower() in _COMPRESSIONS:
        path = path.with_suffix("")
    ending = path.suffix.lower()
    kind = options.format or ("fixed_width" if options.fields else _ENDINGS.get(ending, "csv"))
    encoding = options.encoding or "utf-8"
    try:
        encoding = codecs.lookup(encoding).name
    except LookupError as error:
        raise SourceError(
            Problem(f"there is no encoding {encoding!r}", fix="use a name such as utf-8, utf-16, latin-1 or cp1252")
        ) from error
    quote = '"' if options.quote is None else options.quote
    default_delimiter = "\t" if ending in (".tsv", ".tab") else ","
    has_names = bool(options.column_names)
    return Layout(
        kind=kind,
        delimiter=options.delimiter or default_delimiter,
        quote=quote,
        escape=options.escape or quote,
        has_header=(not has_names and kind != "fixed_width") if options.header is None else options.header,
        column_names=tuple(options.column_names or ()),
        encoding=encoding,
        decimal=options.decimal or ".",
        thousands=options.thousands or "",
        trailing_minus=bool(options.trailing_minus),
        date_formats=tuple(options.date_formats or ()),
        null_words=tuple(dict.fromkeys(("", *(options.null_words or ())))),
        skip_rows=options.skip_rows or 0,
        fields=tuple(options.fields or ()),
        records_path=options.records_path,
        sheet=options.sheet,
        trailer=trailer,
        transaction=options.transaction,
        loop=options.loop,
    )
