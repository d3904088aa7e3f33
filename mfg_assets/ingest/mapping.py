"""An extract's mapping: what the estate says about one extract, and its expressions over the records of a batch.

Belongs here: the mapped relation as SQL text, code maps, the mapping's fingerprint.
Doesn't belong here: casting (`cast`, `judge`), running SQL over data (`reading`).
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import duckdb

from mfg_assets.contracts import CODE_TYPES, Column, Contract, contract
from mfg_assets.errors import Problem, SourceError
from mfg_assets.estate.models import Estate
from mfg_assets.estate.standards import CURRENCIES
from mfg_assets.estate.systems import Extract, Format, SqlConnector, SystemFile
from mfg_assets.ingest import cast
from mfg_assets.ingest.connectors.table import ROW, Table, first_line
from mfg_assets.ingest.expressions import ExpressionError, parse, shifted
from mfg_assets.ingest.formats import layered, layout_of
from mfg_assets.warehouse.sql import identifier, literal

FILE, ORDINAL = "__file", "__ordinal"
SOURCE = "__source"
# Columns of the platform that an extract may map although no contract names them.
OPTIONAL = (
    Column("recorded_at", "TIMESTAMPTZ", "When the source wrote the row."),
    Column("correlation_id", "VARCHAR", "The source's own id that follows the record."),
    Column("is_deleted", "BOOLEAN", "The source says that the key is gone."),
)
_CODE_TYPE_MAPS = {"unit": "units", "plant": "plants", "currency": "currencies"}
# Bump when the same bytes and mapping would land otherwise than before.
_VERSION = 1


@dataclass(frozen=True)
class ExtractMapping:
    """Everything that reading one extract needs from the estate."""

    estate: Estate
    system: SystemFile
    name: str
    extract: Extract
    contract: Contract

    @property
    def options(self) -> Format:
        """File options of the extract's own files; rows of a database come in files of our own."""
        if isinstance(self.system.connector, SqlConnector):
            return layered(Format(format="parquet", compression="none"), self.extract.options)
        return layered(self.extract.options, self.system.connector)

    def join_options(self, index: int) -> Format:
        """File options of a joined file: its own, over the extract's, over the system's."""
        return layered(self.extract.joins[index].options, self.options)

    @property
    def reading(self) -> cast.Reading:
        """How the system writes numbers and times."""
        return cast.Reading(layout_of("", self.options), self.system.timezone, self.system.daylight_saving)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Contract columns that are mapped, then the platform's that are."""
        return tuple(c for c in (*self.contract.columns, *OPTIONAL) if c.name in self.extract.columns)

    def codes(self, column: Column) -> tuple[dict[str, str], str] | None:
        """Native → code for a column, and the reason for refusing any other value; None where it has no codes."""
        named = self.extract.columns[column.name].codes
        if named is None and column.code_type is None:
            return None
        found = self._map(named or _CODE_TYPE_MAPS[column.code_type or ""])
        reason = CODE_TYPES[column.code_type] if column.code_type else "unknown_code"
        # Only units always go through a map (rule 21); plants and currencies may come as they are.
        allowed = {"plant": self.estate.plant_ids, "currency": CURRENCIES}.get(column.code_type or "")
        if allowed is not None:
            found = {n: c for n, c in found.items() if c in allowed}
            if named is None:
                found = {code: code for code in sorted(allowed)} | found
        return found, reason

    def _map(self, name: str) -> dict[str, str]:
        """A code map as this system sees it: its own entries beat those of `*`."""
        code_map = self.estate.code_maps.get(name)
        result: dict[str, str] = {}
        for wanted in ("*", self.system.system):
            for system, native, code in code_map.rows if code_map else ():
                if system == wanted:
                    result[native.strip()] = code.strip()
        return result

    @cached_property
    def hash(self) -> str:
        """Fingerprint of all that decides how bytes become rows."""
        content = [
            _VERSION,
            # Without what isn't set, so that a new key that nobody uses lands nothing anew.
            self.extract.model_dump_json(
                exclude={"description", "schedule", "freshness", "from_", "cursor", "batch_by"}, exclude_none=True
            ),
            self.system.connector.model_dump_json(exclude={"path", "url"}, exclude_none=True),
            self.system.timezone,
            self.system.daylight_saving.model_dump_json(),
            self.estate.reject_limit(self.system.system, self.name),
            repr(self.contract.columns),
            {c.name: self.codes(c) for c in self.columns},
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def mapping_of(estate: Estate, system_id: str, extract_name: str) -> ExtractMapping:
    """The mapping of one extract."""
    system = estate.systems[system_id]
    entity = contract(system.entity_of(extract_name))
    return ExtractMapping(estate, system, extract_name, system.extracts[extract_name], entity)


def union_sql(tables: Iterable[Table], columns: Iterable[str]) -> str:
    """The records of several files as one relation, with the file's name and place in the batch.

    Args:
        tables: files; one that lacks a column gives null there, so the caller has to have looked at the headers.
        columns: all columns that the relation is to have.
    """
    columns = list(columns)
    parts = []
    for number, table in enumerate(tables):
        own = {c.lower(): c for c in table.columns}
        chosen = [f"{identifier(own[c.lower()]) if c.lower() in own else 'null'} as {identifier(c)}" for c in columns]
        place = f"{literal(table.name)} as {FILE}, {number} as {ORDINAL}"
        parts.append(f"select {', '.join([*chosen, ROW])}, {place} from ({table.sql})")
    return " union all ".join(parts)


def all_columns(tables: Iterable[Table]) -> dict[str, str]:
    """Columns of any of the files with their types, in order of appearance, whatever their case."""
    found: dict[str, tuple[str, str]] = {}
    for table in tables:
        for name, sql_type in table.columns.items():
            found.setdefault(name.lower(), (name, sql_type))
    return dict(found.values())


def with_absent(
    mapping: ExtractMapping, tables: Mapping[str, list[Table]], *, is_check: bool = False
) -> dict[str, list[Table]]:
    """Add what the mapping uses and sparse records leave out, as nulls, with a warning.

    A column without which no record can land is not added unless there are no records: then it was renamed or lost. One
    that the format's standard defines can't have been, and is always added.

    Args:
        mapping: the extract.
        tables: its files, and those of its joins.
        is_check: of the names that files with records leave out, add the standard's only: others may be mistakes.
    """
    own = tables["src"]
    if not all(table.is_sparse for table in own):
        return dict(tables)
    known = {c.lower() for group in tables.values() for c in all_columns(group)}
    is_empty = not any(table.columns for table in own)
    sources = [(mapping.extract.columns[c.name].sql, not c.required) for c in mapping.columns]
    if mapping.extract.where is not None:
        sources.append((mapping.extract.where, False))
    loose: dict[str, str] = {}
    standard: dict[str, str] = {}
    for text, is_optional in sources:
        for parts in _columns_of(text):
            name = parts[1] if parts[0] == "src" and len(parts) > 1 else parts[0]
            if parts[0] in tables and parts[0] != "src":
                continue
            if all(table.standard is not None and table.standard.fullmatch(name) for table in own):
                standard.setdefault(name.lower(), name)
            elif name.lower() not in known and (is_empty or (is_optional and not is_check)):
                loose.setdefault(name.lower(), name)
    warning = f"no record has a value under {', '.join(map(repr, loose.values()))}"
    warnings = (warning,) if loose and not is_empty else ()
    return {**tables, "src": [_with_nulls(table, loose | standard, warnings) for table in own]}


def _with_nulls(table: Table, wanted: Mapping[str, str], warnings: tuple[str, ...]) -> Table:
    own = {column.lower() for column in table.columns}
    added = [name for key, name in wanted.items() if key not in own]
    if not added:
        return table
    nulls = "".join(f", null::varchar as {identifier(name)}" for name in added)
    return replace(
        table,
        columns={**table.columns, **dict.fromkeys(added, "VARCHAR")},
        sql=f"select *{nulls} from ({table.sql})",
        warnings=(*table.warnings, *warnings),
    )


def _columns_of(text: str) -> list[list[str]]:
    try:
        return [list(parts) for parts in parse(text).columns]
    except ExpressionError:
        return []


@dataclass(frozen=True)
class Relations:
    """Temp views of a session: the extract's own records and those of each join, by alias, with their columns."""

    columns: dict[str, dict[str, str]]

    def clause(self, mapping: ExtractMapping, upto: int | None = None) -> str:
        """FROM with the joins before the given one."""
        text = f"{identifier(SOURCE)} as src"
        for join in mapping.extract.joins[:upto]:
            view = identifier(f"__join_{join.as_}")
            text += f" {join.how} join {view} as {identifier(join.as_)} on ({join.on}\n)"
        return text


class Compiled:
    """The mapping's expressions, compiled against real columns.

    `errors` are (where, message) of those that don't compile.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, mapping: ExtractMapping, relations: Relations) -> None:
        self._connection, self.mapping, self.relations = connection, mapping, relations
        self.errors: list[tuple[str, str]] = []
        self.sql: dict[str, str] = {}
        self.types: dict[str, str] = {}
        self.used: set[str] = set()
        broken_joins = [self._join(index) for index in range(len(mapping.extract.joins))]
        self._from = relations.clause(mapping) if not any(broken_joins) else None
        self._known = self._together()
        for column in mapping.columns:
            self._add(f"columns.{column.name}", column.name, mapping.extract.columns[column.name].sql)
        if mapping.extract.where is not None:
            self._add("where", "where", mapping.extract.where, "boolean")
        control = mapping.extract.complete_when.control_file if mapping.extract.complete_when else None
        if control is not None and control.total_of is not None:
            self._from = relations.clause(mapping, 0)
            self._add("complete_when.control_file.total_of", "total_of", control.total_of)

    def _join(self, index: int) -> bool:
        join = self.mapping.extract.joins[index]
        where = f"joins[{index}].on"
        try:
            self._note(parse(join.on).columns)
            self._connection.execute(f"describe select 1 from {self.relations.clause(self.mapping, index + 1)}")
        except ExpressionError as error:
            self.errors.append((where, str(error)))
        except duckdb.Error as error:
            self.errors.append((where, first_line(error)))
        else:
            return False
        return True

    def _add(self, where: str, name: str, text: str, needed: str | None = None) -> None:
        try:
            parsed = parse(text)
            self._note(parsed.columns)
            source = self._from or self._loose()
            sql, sql_type = text, self._try(text, source)
            if isinstance(sql_type, duckdb.Error):
                # Texts know no arithmetic with intervals; `DATUB + interval 1 day` is meant as a time all the same.
                sql = shifted(text, lambda part: self._try(part, source) == "VARCHAR")
                error, sql_type = sql_type, self._try(sql, source)
                if isinstance(sql_type, duckdb.Error):
                    raise error
            if needed == "boolean" and sql_type != "BOOLEAN":
                raise ExpressionError(f"it gives {sql_type}, not true or false")
        except ExpressionError as error:
            self.errors.append((where, str(error)))
        except duckdb.Error as error:
            self.errors.append((where, first_line(error)))
        else:
            self.sql[name], self.types[name] = sql, sql_type

    def _together(self) -> dict[str, str]:
        """The types of all expressions, asked for at once; empty where one of them doesn't compile."""
        texts = [self.mapping.extract.columns[c.name].sql for c in self.mapping.columns]
        try:
            for text in texts:
                parse(text)
            values = ", ".join(f"({text}\n) as {identifier(f'__value_{n}')}" for n, text in enumerate(texts))
            rows = self._connection.execute(
                f"describe select src.{ROW}, {values} from {self._from or self._loose()}"
            ).fetchall()
        except (ExpressionError, duckdb.Error):
            return {}
        return {text: str(row[1]) for text, row in zip(texts, rows[1:], strict=True)}

    def _try(self, text: str, source: str) -> str | duckdb.Error:
        if text in self._known and source == self._from:
            return self._known[text]
        # Beside another column, so that an aggregate is refused: it would make one record of all.
        try:
            rows = self._connection.execute(f"describe select src.{ROW}, ({text}\n) as value from {source}").fetchall()
        except duckdb.Error as error:
            return error
        return str(rows[1][1])

    def _loose(self) -> str:
        """All relations side by side, to judge the other expressions although a join doesn't compile."""
        views = [f"{identifier(f'__join_{j.as_}')} as {identifier(j.as_)}" for j in self.mapping.extract.joins]
        return ", ".join([f"{identifier(SOURCE)} as src", *views])

    def _note(self, columns: Iterable[tuple[str, ...]]) -> None:
        for parts in columns:
            self.used.update(part.lower() for part in parts[:2])


def check_headers(compiled: Compiled, tables: Mapping[str, list[Table]]) -> None:
    """Refuse files that lack, or name twice, a column that the mapping uses: a join by name would make it null.

    Raises:
        SourceError: naming the file, the column and what is there instead.
    """
    for group in tables.values():
        everything = {c.lower(): c for c in all_columns(group)}
        for table in group:
            own = {c.lower() for c in table.columns}
            for name in sorted(compiled.used & set(everything)):
                if name not in own:
                    raise SourceError(_missing(everything[name], table))
                if name in table.ambiguous:
                    message = f"the header names {everything[name]!r} more than once, and the mapping uses it"
                    raise SourceError(Problem(message, table.path, fix="ask which of them is meant"))
    if compiled.errors:
        raise SourceError(*(_broken(where, message, compiled, tables["src"][0]) for where, message in compiled.errors))


def _broken(where: str, message: str, compiled: Compiled, table: Table) -> Problem:
    known = {c.lower() for columns in compiled.relations.columns.values() for c in columns}
    text = compiled.mapping.extract.columns.get(where.removeprefix("columns."))
    absent = []
    if text is not None:
        names = [parts[-1] for parts in _columns_of(text.sql) if len(parts) in (1, 2)]
        absent = [name for name in names if name.lower() not in known]
    if absent:
        return _missing(absent[0], table, where)
    return Problem(f"{where}: {message}", table.path, fix="`mfg check` shows what has to be corrected")


def _missing(name: str, table: Table, where: str | None = None) -> Problem:
    columns = list(table.columns)
    use = f", which {where} uses" if where else ", which other files of the batch have"
    shown = ", ".join(columns[:30]) + (", …" if len(columns) > 30 else "")
    close = difflib.get_close_matches(name.lower(), [c.lower() for c in columns], 1, 0.6)
    fix = "ask whether the column was renamed or left out"
    if close:
        meant = next(c for c in columns if c.lower() == close[0])
        fix = f"was it renamed to {meant!r}? Then correct the mapping; otherwise ask for the file again"
    elif len(columns) == 1:
        marks = [mark for mark in (";", ",", "\t", "|") if mark in columns[0]]
        if marks:
            fix = f"set delimiter: {marks[0]!r}, which the header holds"
    return Problem(f"the file {table.name} has no column {name!r}{use}; it has {shown}", table.path, fix=fix)
