"""From mapped to judged: one SQL statement per batch that casts every column and names every reason for refusal.

Belongs here: the order of steps. Doesn't belong here: a single column's cast (`cast`), running it (`reading`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mfg_assets.contracts import PLATFORM_COLUMNS
from mfg_assets.ingest import cast
from mfg_assets.ingest.cast import Cast, Check
from mfg_assets.ingest.connectors import ROW, Padding
from mfg_assets.ingest.expressions import parse
from mfg_assets.ingest.mapping import FILE, ORDINAL, Compiled, ExtractMapping
from mfg_assets.warehouse.sql import identifier, literal

# Comparing is cheaper than joining up to here.
_FEW_CODES = 8
FAILED = "an expression that doesn't fail on this record"


@dataclass(frozen=True)
class Stamp:
    """What landing adds to each row."""

    system: str
    extract: str
    batch_id: str
    extracted_at: str
    has_several_files: bool = True
    # Every record of the one file lands, in its order, so that a row's place says which record it was.
    is_dense: bool = False


class Judgement:
    """The SQL of one batch.

    Args:
        compiled: the mapping against the batch's real columns.
        is_careful: an expression failed on some record, so each is tried by itself and its failure is a reason.
        padding: blanks that may stand around the native values.
    """

    def __init__(self, compiled: Compiled, *, is_careful: bool = False, padding: Padding = "any") -> None:
        self._compiled, self._is_careful = compiled, is_careful
        mapping = compiled.mapping
        self._mapping: ExtractMapping = mapping
        self._coded = {c.name: codes for c in mapping.columns if (codes := mapping.codes(c)) is not None}
        self._casts = {}
        self._unpadded: set[str] = set()
        for column in mapping.columns:
            is_coded = column.name in self._coded
            native_type = "VARCHAR" if is_coded else compiled.types[column.name]
            reason = self._coded[column.name][1] if is_coded else None
            own: Padding = padding if parse(mapping.extract.columns[column.name].sql).is_column else "any"
            if own == "none":
                self._unpadded.add(column.name)
            # The code map has no blanks around its codes.
            own = "none" if is_coded else own
            self._casts[column.name] = cast.cast_of(column, native_type, mapping.reading, reason, own)

    @property
    def code_tables(self) -> Mapping[str, dict[str, str]]:
        """Temp tables that have to exist: name → native → code."""
        return {f"__codes_{name}": codes for name, (codes, _) in self._coded.items()}

    def rows(self, stamp: Stamp) -> str:
        """The rows that land: what differs between them (`landed` knows how to complete it)."""
        accepted = " and ".join(f"not ({check.broken})" for check in self._checks()) or "true"
        return f"select {self._landed(stamp)} from ({self._cast()}) where {accepted}"

    def rejects(self, stamp: Stamp, doubles: str | None) -> str:
        """Refused records: file, ordinal, row, reasons, details, payload, correlation.

        Args:
            stamp: as for `rows`.
            doubles: relation of double_file, double_row, reason and detail for records that contradict another one.
        """
        broken, checks = [], self._checks()
        codes, details = [], []
        for number, check in enumerate(checks):
            flag = identifier(f"b:{number}")
            broken.append(f"{check.broken} as {flag}")
            codes.append(f"case when {flag} then {literal(check.reason)} end")
            details.append(f"case when {flag} then {self._detail(check)} end")
        flags = " or ".join(identifier(f"b:{number}") for number in range(len(checks))) or "false"
        found = f"list_filter([{', '.join(codes) or 'null'}], lambda x: x is not null)"
        said = f"list_filter([{', '.join(details) or 'null'}], lambda x: x is not null)"
        marked = f"select *{', ' if broken else ''}{', '.join(broken)} from ({self._cast()})"
        also, join, reason, detail = "", "", "null", "null"
        if doubles is not None:
            join = f"left join ({doubles}) as d on j.{FILE} = d.double_file and j.{ROW} = d.double_row"
            also, reason, detail = " or d.double_row is not null", "d.reason", "d.detail"
        return (
            f"select j.{FILE}, j.{ORDINAL}, j.{ROW}, "
            f"case when {flags} then {found} else [{reason}] end as reasons, "
            f"case when {flags} then {said} else [{detail}] end as details, "
            f"{self._payload()} as payload, {self._correlation(stamp)} as correlation_id "
            f"from ({marked}) as j {join} where {flags}{also}"
        )

    def received(self) -> str:
        """Records after joins, `where` and `distinct`: what has to land or be refused."""
        return f"select {FILE}, {ROW} from ({self._mapped()})"

    def _mapped(self) -> str:
        mapping, compiled = self._mapping, self._compiled
        values, where = [], ""
        for column in mapping.columns:
            sql = f"({compiled.sql[column.name]}\n)"
            if self._tries(column.name):
                tried = identifier(f"t:{column.name}")
                values.append(f"try([{sql}]) as {tried}, {tried}[1] as {cast.mapped(column.name)}")
            else:
                values.append(f"{sql} as {cast.mapped(column.name)}")
        if mapping.extract.where is not None:
            condition = f"({compiled.sql['where']}\n)"
            if self._is_careful:
                # A condition that fails says neither yes nor no: the record stays, to be refused by name.
                values.append(f"try([{condition}]) as {identifier('t:where')}")
                condition = f"coalesce(try([coalesce({condition}, false)])[1], true)"
            where = f" where {condition}"
        natives = [f"{a}.{identifier(c)} as {self._source(a, c)}" for a, c in self._native_columns()]
        text = (
            f"select src.{FILE}, src.{ORDINAL}, src.{ROW}, {', '.join([*values, *natives])} "
            f"from {compiled.relations.clause(mapping)}{where}"
        )
        if mapping.extract.distinct:
            same = ", ".join(cast.mapped(c.name) for c in mapping.columns)
            text = (
                f"select * from ({text}) qualify row_number() over (partition by {same} order by {ORDINAL}, {ROW}) = 1"
            )
        return text

    def _coded_natives(self) -> str:
        texts, natives, joins = [], [], ""
        for column in self._mapping.columns:
            name = cast.mapped(column.name)
            if column.name not in self._coded:
                natives.append(f"{name} as {cast.native(column.name)}")
                continue
            key = identifier(f"k:{column.name}")
            codes = self._coded[column.name][0]
            expression = self._compiled.sql[column.name]
            is_constant = parse(self._mapping.extract.columns[column.name].sql).is_constant
            # A constant is translated once; in its own terms, since an alias would hide that it is one.
            text = f"cast({f'({expression})' if is_constant else f'm.{name}'} as varchar)"
            texts.append(f"{text if column.name in self._unpadded else f'trim({text})'} as {key}")
            if is_constant or len(codes) <= _FEW_CODES:
                source = f"trim(cast(({expression}) as varchar))" if is_constant else key
                cases = " ".join(f"when {literal(n)} then {literal(c)}" for n, c in codes.items())
                natives.append(
                    f"{f'case {source} {cases} end' if cases else 'null::varchar'} as {cast.native(column.name)}"
                )
            else:
                alias = identifier(f"t:{column.name}")
                joins += f" left join {identifier(f'__codes_{column.name}')} as {alias} on {key} = {alias}.native"
                natives.append(f"{alias}.code as {cast.native(column.name)}")
        text = f"({self._mapped()}) as m"
        if texts:
            text = f"(select m.*, {', '.join(texts)} from {text})"
        return f"select *, {', '.join(natives)} from {text}{joins}" if not joins else self._joined(text, natives, joins)

    def _joined(self, text: str, natives: list[str], joins: str) -> str:
        return f"select j.*, {', '.join(natives)} from {text} as j{joins}"

    def _cast(self) -> str:
        text = self._coded_natives()
        for level in range(max((len(c.steps) for c in self._casts.values()), default=0)):
            steps = [c.steps[level] for c in self._casts.values() if len(c.steps) > level]
            text = f"select *, {', '.join(f'{sql} as {name}' for name, sql in steps)} from ({text})"
        joins = "".join(f" {c.zone.join}" for c in self._casts.values() if c.zone is not None and c.zone.join)
        values = [f"{c.value} as {cast.value(name)}" for name, c in self._casts.items()]
        # Conditions on gaps and folds need the calendar too, so they are computed here.
        flags = [
            f"{check.broken} as {self._flag(name, check)}"
            for name, c in self._casts.items()
            for check in _zone_checks(c)
        ]
        return f"select x.*, {', '.join([*values, *flags])} from ({text}) as x{joins}"

    def _flag(self, name: str, check: Check) -> str:
        return identifier(f"{check.reason}:{name}")

    def _checks(self) -> list[Check]:
        found: list[Check] = []
        if self._is_careful and self._mapping.extract.where is not None:
            found.append(Check(None, "not_castable", f"{identifier('t:where')} is null", FAILED))
        for name, column in self._casts.items():
            failed = "false"
            if self._tries(name):
                failed = f"{identifier(f't:{name}')} is null"
                found.append(Check(name, "not_castable", failed, FAILED))
            zone_checks = _zone_checks(column)
            for check in column.checks:
                broken = check.broken
                for other in zone_checks:
                    broken = broken.replace(other.broken, self._flag(name, other))
                if failed != "false":
                    broken = f"case when {failed} then false else {broken} end"
                found.append(Check(check.column, check.reason, broken, check.expected))
        return found

    def _tries(self, name: str) -> bool:
        if not self._is_careful:
            return False
        parsed = parse(self._mapping.extract.columns[name].sql)
        # DuckDB can't try a window function; one that fails refuses the batch.
        return bool(parsed.columns) and not parsed.has_window

    def _detail(self, check: Check) -> str:
        if check.column is None:
            return literal(f"where: expected {check.expected}")
        shown = f"coalesce('''' || left(cast({cast.mapped(check.column)} as varchar), 200) || '''', 'no value')"
        return f"{literal(check.column + ' is ')} || {shown} || {literal(', expected ' + check.expected)}"

    def _landed(self, stamp: Stamp) -> str:
        columns = []
        for column in self._mapping.contract.columns:
            found = self._casts.get(column.name)
            if found is not None:
                columns.append(f"cast({found.landed} as {column.sql_type}) as {identifier(column.name)}")
        given: dict[str, str] = {}
        if not stamp.is_dense:
            given["source_row"] = ROW
        if stamp.has_several_files:
            given |= {"source_file": FILE, "correlation_id": self._correlation(stamp)}
        extracted = f"timestamptz {literal(stamp.extracted_at)}"
        for name, default in (("recorded_at", extracted), ("is_deleted", "false")):
            if name in self._casts:
                given[name] = self._or(name, default)
        if "correlation_id" in self._casts:
            # Where the source gives none, the record's place does; a dense batch leaves that to whoever reads it.
            given["correlation_id"] = cast.value("correlation_id") if stamp.is_dense else self._correlation(stamp)
        for name, (sql_type, _) in PLATFORM_COLUMNS.items():
            if name in given:
                columns.append(f"cast({given[name]} as {sql_type}) as {identifier(name)}")
        return ", ".join(columns)

    def _correlation(self, stamp: Stamp) -> str:
        # The file's place in the batch keeps rows of several files apart.
        several = f"case when {ORDINAL} > 0 then {ORDINAL} || '.' else '' end || " if stamp.has_several_files else ""
        return self._or("correlation_id", f"{literal(stamp.batch_id + ':')} || {several}{ROW}")

    def _or(self, name: str, default: str) -> str:
        return f"coalesce({cast.value(name)}, {default})" if name in self._casts else default

    def _native_columns(self) -> list[tuple[str, str]]:
        return [
            (identifier(alias), column)
            for alias, columns in self._compiled.relations.columns.items()
            for column in columns
        ]

    def _source(self, alias: str, column: str) -> str:
        return identifier(f"s:{alias}:{column}")

    def _payload(self) -> str:
        """The native record as JSON; joined records stand under their alias."""
        parts = []
        for alias, columns in self._compiled.relations.columns.items():
            pairs = ", ".join(f"{identifier(c)} := {self._source(identifier(alias), c)}" for c in columns)
            if alias == "src":
                parts.insert(0, pairs)
            elif pairs:
                taken = {c.lower() for c in self._compiled.relations.columns["src"]}
                name = alias if alias not in taken else f"{alias} (joined)"
                parts.append(f"{identifier(name)} := struct_pack({pairs})")
        own = ", ".join(p for p in parts if p)
        return f"cast(to_json(struct_pack({own})) as varchar)" if own else "'{}'"


def _zone_checks(column: Cast) -> list[Check]:
    reasons = ("nonexistent_local_time", "ambiguous_local_time")
    return [check for check in column.checks if check.reason in reasons]
