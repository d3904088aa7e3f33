"""`systems/<id>.yaml` as classes: what one application delivers, and how its bytes become fields.

Belongs here: connectors, formats, extracts and their mapping. Doesn't belong here: what is true of the whole
manufacturer (`models`), reading any of it (ingest).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from mfg_assets.estate.base import (
    Duration,
    Identifier,
    Model,
    PlantId,
    SystemKind,
    TimeZone,
    duration,
)


def _digits(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _overlap(value: Any) -> Any:
    is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not is_number and not isinstance(value, str | timedelta):
        raise ValueError(f"{value!r} is neither a duration such as 15m nor a number such as 100")
    return int(value) if isinstance(value, str) and value.strip().isdigit() else duration(value)


class FixedField(Model):
    """One field of a fixed-width file."""

    name: str = Field(description="Its column's name in expressions.")
    start: int = Field(ge=1, description="1-based position of its first character.")
    width: int = Field(ge=1, description="Characters, not bytes.")


class Format(Model):
    """How the bytes of a file become rows of named columns. Unset fields take the connector's, then the default."""

    format: Literal["csv", "fixed_width", "parquet", "json", "jsonl", "excel", "xml", "x12"] | None = Field(
        default=None, description="Kind of file; default csv."
    )
    delimiter: str | None = Field(default=None, description="One or several characters; default comma.")
    quote: str | None = Field(default=None, description='Quote character; "" switches quoting off; default ".')
    escape: str | None = Field(default=None, description="Escape character within quotes; default the quote itself.")
    header: bool | None = Field(default=None, description="Whether the first row names the columns; default true.")
    column_names: list[str] | None = Field(default=None, description="Names for a file without header.")
    encoding: str | None = Field(
        default=None, description="Python codec name; default utf-8, a byte-order mark is fine."
    )
    decimal: Literal[".", ","] | None = Field(default=None, description="Decimal mark of numbers; default a point.")
    thousands: str | None = Field(default=None, description="Thousands separator of numbers, removed before casting.")
    trailing_minus: bool | None = Field(default=None, description="Numbers such as 12.50- are negative.")
    date_formats: list[str] | None = Field(default=None, description="strptime formats tried in order before ISO 8601.")
    null_words: list[str] | None = Field(default=None, description="Texts that mean no value; default the empty text.")
    skip_rows: int | None = Field(default=None, ge=0, description="Lines before the header.")
    fields: list[FixedField] | None = Field(default=None, description="Layout of a fixed-width file.")
    records_path: str | None = Field(
        default=None,
        description="Where the records stand: a dotted path to the array in a JSON document, or names of elements from "
        "the root of an XML document down, such as structures/bom/line.",
    )
    sheet: str | None = Field(default=None, description="Excel sheet; default the first.")
    transaction: (
        Annotated[
            str,
            BeforeValidator(_digits),
            WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}], "examples": ["850", "855", "856"]}),
        ]
        | None
    ) = Field(default=None, description='Transaction set to read from EDI X12, such as "855".')
    loop: str | None = Field(
        default=None,
        pattern=r"^(HL(_[A-Z0-9]{1,2})?|[A-Z][A-Z0-9]{1,2}(/[A-Z][A-Z0-9]{1,2})*)$",
        description="Of EDI X12: the segment that begins a record, such as PO1 or PO1/ACK; HL for the items of a "
        "hierarchy, HL_O for another level; default one record for each transaction set.",
    )
    compression: Literal["auto", "gzip", "zip", "none"] | None = Field(
        default=None, description="Default by file ending."
    )


class FilesConnector(Format):
    """Extracts are files in a folder."""

    type: Literal["files"] = Field(description="Files in a folder.")
    path: str = Field(description="The folder, absolute or relative to the estate's own.")


class SqlConnector(Model):
    """Extracts are tables, views or queries of a database."""

    type: Literal["sql"] = Field(description="Tables, views or queries of a database.")
    # Not in its repr: it may hold a password, and reprs end up in logs.
    url: str = Field(
        min_length=1,
        repr=False,
        description="SQLAlchemy URL, secrets as variables; a relative path of an SQLite file begins in the estate.",
    )
    schema_: str | None = Field(
        default=None, alias="schema", min_length=1, description="Schema of its tables; default the database's own."
    )


class Cursor(Model):
    """A column that only grows, by which later reads take what is new."""

    column: str = Field(min_length=1, description="Of a time or a number, always filled, set at every change.")
    overlap: Annotated[
        timedelta | int,
        BeforeValidator(_overlap),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "string", "pattern": r"^\s*\d+\s*[mhd]\s*$", "examples": ["15m", "1h"]},
                    {"type": "integer", "minimum": 0},
                ]
            }
        ),
    ] = Field(
        default=timedelta(0),
        description="How far each read goes back for what was committed late: a duration, or a number for a column of "
        "numbers; default 0.",
    )


class ControlFile(Model):
    """A companion file that says what its data file holds."""

    pattern: str = Field(description="Its name; {stem} stands for the data file's name without ending.")
    row_count: str | None = Field(default=None, description="Regular expression whose first group is the row count.")
    sha256: str | None = Field(
        default=None, description="Regular expression whose first group is the data file's SHA-256."
    )
    total: str | None = Field(
        default=None, description="Regular expression whose first group is the sum of `total_of`."
    )
    total_of: str | None = Field(default=None, description="SQL expression over the source row that `total` adds up.")


class Trailer(Model):
    """A last record that counts the others."""

    starts_with: str = Field(description="How the trailer line begins.")
    row_count: str = Field(description="Regular expression whose first group is the row count.")


class CompleteWhen(Model):
    """What proves that a snapshot is whole (rule 31). Without it, missing rows are never taken as deleted."""

    control_file: ControlFile | None = Field(default=None, description="A companion file says what is in this one.")
    trailer: Trailer | None = Field(default=None, description="The last record counts the others.")
    row_count: int | None = Field(default=None, ge=0, description="Exact number of records expected.")
    footer: Literal["parquet"] | None = Field(
        default=None, description="A Parquet footer is written last and counts the rows."
    )


class ColumnMapping(Model):
    """One contract column's source."""

    sql: str = Field(description="SQL expression over the source row.")
    codes: Identifier | None = Field(
        default=None, description="Code map in codes/<name>.csv that translates the value."
    )


class Join(Model):
    """Another file of the same system that completes the native entity (header + item)."""

    from_: str = Field(alias="from", min_length=1, description="File pattern, relative to the connector's folder.")
    as_: Identifier = Field(alias="as", description="Alias for its columns in expressions.")
    on: str = Field(description="SQL condition; the extract's own rows have the alias src.")
    how: Literal["left", "inner"] = Field(
        default="left", description="left: rows without a partner stay, its columns null; inner: they are dropped."
    )
    options: Format = Field(default_factory=Format, description="Where this file differs from the system's.")


def _mapping(value: Any) -> Any:
    if isinstance(value, bool):
        return {"sql": "true" if value else "false"}
    return {"sql": str(value)} if isinstance(value, str | int | float) else value


class Extract(Model):
    """One entity as one system delivers it."""

    entity: Identifier | None = Field(
        default=None, description="Contract it lands under; default the extract's own name."
    )
    description: str = Field(default="", description="For readers.")
    from_: str = Field(
        default="",
        alias="from",
        min_length=1,
        description="File pattern, relative to the connector's folder; or the name of a table or view.",
    )
    query: str | None = Field(
        default=None, min_length=1, description="Instead of `from`: a SELECT in the words of the database."
    )
    cursor: Cursor | None = Field(
        default=None, description="Of a table's delta or events: the column by which only what is new is read."
    )
    options: Format = Field(default_factory=Format, description="Where this extract's files differ from the system's.")
    delivery: Literal["snapshot", "delta", "events"] = Field(
        description="snapshot: all that exists; delta: what changed; events: what happened, each once."
    )
    batch_by: str = Field(
        default="file",
        description='"file": each file is a batch; "all": all together; else a regular expression on the file '
        "name whose first group joins pages into one batch.",
    )
    extracted_at: str | None = Field(
        default=None,
        description="Regular expression on the file name whose first group is the delivery's time (ISO 8601, or "
        "digits YYYYMMDD[HHMM[SS]]) in the system's zone; default the file's modification time.",
    )
    complete_when: CompleteWhen | None = Field(
        default=None, description="What proves that a snapshot is whole; only then does missing mean deleted."
    )
    columns: dict[
        str,
        Annotated[ColumnMapping, BeforeValidator(_mapping, json_schema_input_type=ColumnMapping | str | float | bool)],
    ] = Field(description="Contract column → SQL expression over the source row.")
    where: str | None = Field(
        default=None, description="SQL condition; other rows are counted as filtered, not landed."
    )
    distinct: bool = Field(default=False, description="Collapse rows that map to the same record, counted as filtered.")
    joins: list[Join] = Field(default_factory=list, description="Other files that complete the record.")
    reject_limit: float | None = Field(
        default=None, ge=0, le=1, description="Share of rejects above which a batch is refused whole."
    )
    schedule: str | None = Field(default=None, description="Cron expression, by the clock of the system's first plant.")
    freshness: Duration | None = Field(default=None, description="Longest acceptable age of the newest batch.")


class DaylightSaving(Model):
    """What to do with local times that don't exist or exist twice (rule 5)."""

    gap: Literal["reject", "shift"] = Field(
        default="reject", description="shift: move forward by the length of the gap."
    )
    fold: Literal["reject", "earlier", "later"] = Field(
        default="reject", description="Which of the two instants of a doubled hour is meant."
    )


class SystemFile(Model):
    """`systems/<id>.yaml`: one instance of a source application."""

    system: Identifier = Field(description="Its id: the name of this file.")
    kind: SystemKind = Field(description="What it is.")
    name: str = Field(default="", description="As people call it.")
    description: str = Field(default="", description="For readers.")
    owner: Identifier | None = Field(default=None, description="Role that answers for the feed.")
    plants: list[PlantId] = Field(min_length=1, description="Plants it serves.")
    timezone: TimeZone | None = Field(
        default=None, description="IANA zone of its local times; `mfg check` asks for it."
    )
    daylight_saving: DaylightSaving = Field(
        default_factory=DaylightSaving, description="Local times that don't exist or exist twice."
    )
    line_identity: Literal["component", "position", "reference_designator"] = Field(
        "component", description="What identifies a bill line in this system (rule 7)."
    )
    overlap_winner: Literal["latest_valid_from", "latest_recorded"] = Field(
        "latest_valid_from", description="Which of two overlapping lines counts (rule 2)."
    )
    connector: Annotated[FilesConnector | SqlConnector, Field(discriminator="type")] = Field(
        description="Where and how it delivers."
    )
    schedule: str | None = Field(default=None, description="Cron expression, by the clock of the system's first plant.")
    freshness: Duration | None = Field(default=None, description="Longest acceptable age of each newest batch.")
    latency: Duration | None = Field(
        default=None, description="How long it may take to hear what another system did; until then nothing is missing."
    )
    reject_limit: float | None = Field(
        default=None, ge=0, le=1, description="Share of rejects above which a batch is refused whole."
    )
    extracts: dict[Identifier, Extract] = Field(min_length=1, description="What it delivers, by name.")

    def entity_of(self, extract_name: str) -> str:
        """The contract under which an extract of this system lands."""
        return self.extracts[extract_name].entity or extract_name

    def source_kind(self, extract_name: str) -> str:
        """What an extract is read from: `sql`, or the format of its files."""
        if isinstance(self.connector, SqlConnector):
            return "sql"
        return self.extracts[extract_name].options.format or self.connector.format or "csv"
