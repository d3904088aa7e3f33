"""An extract's mapping as one SQL statement over the records of a batch.

Belongs here: mapped → cast → judged, as SQL text. Doesn't belong here: running it, files.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import duckdb

from mfg_assets.contracts import Column, Contract, contract
from mfg_assets.estate.models import ColumnMapping, Estate, Extract, SystemFile
from mfg_assets.estate.standards import CURRENCIES
from mfg_assets.ingest import cast
from mfg_assets.ingest.readers import ROW, layered
from mfg_assets.warehouse.sql import identifier, literal

FILE, ORDINAL = "_source_file", "_file_ordinal"
# Columns of the platform that an extract may map although no contract names them.
OPTIONAL = (
    Column("recorded_at", "TIMESTAMPTZ", "When the source wrote the row."),
    Column("correlation_id", "VARCHAR", "The source's own id that follows the record."),
    Column("is_deleted", "BOOLEAN", "The source says that the key is gone."),
)
_DEFAULT_CODES = {"unit": "units", "plant": "plants", "currency": "currencies"}


@dataclass(frozen=True)
class Mapping:
    """Everything that reading one extract needs from the estate."""

    estate: Estate
    system: SystemFile
    name: str
    extract: Extract
    contract: Contract

    @property
    def rules(self) -> cast.Rules:
        """How the system writes numbers and times."""
        form = layered(self.system.connector, self.extract.options)
        return cast.Rules(form, self.system.timezone, self.system.daylight_saving)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Contract columns, then the optional platform columns that are mapped."""
        return self.contract.columns + tuple(c for c in OPTIONAL if c.name in self.extract.columns)

    def code_map(self, column: Column) -> tuple[str, bool] | None:
        """Name of the code map for a column and whether every value must be in it; None when it has none."""
        mapped = self.extract.columns.get(column.name)
        if mapped is not None and mapped.codes is not None:
            return mapped.codes, True
        if column.code_type is None:
            return None
        # Only units always go through their map (rule 21); plants and currencies may come as they are.
        return _DEFAULT_CODES[column.code_type], column.code_type == "unit"

    def codes(self, name: str) -> dict[str, str]:
        """native → code for this system; its own entries beat those of `*`."""
        code_map = self.estate.code_maps.get(name)
        result: dict[str, str] = {}
        for wanted in ("*", self.system.system):
            for system, native, code in code_map.rows if code_map else ():
                if system == wanted:
                    result[native.strip()] = code
        return result

    @property
    def hash(self) -> str:
        """Fingerprint of all that decides how bytes become rows."""
        used = {name: self.codes(name) for c in self.columns if (m := self.code_map(c)) for name in [m[0]]}
        content = [
            self.extract.model_dump_json(exclude={"description", "schedule", "freshness"}),
            self.system.connector.model_dump_json(exclude={"path"}),
            self.system.timezone,
            self.system.daylight_saving.model_dump_json(),
            self.estate.reject_limit(self.system.system, self.name),
            repr(self.contract.columns),
            sorted(self.estate.plant_ids),
            used,
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def mapping_of(estate: Estate, system_id: str, extract_name: str) -> Mapping:
    """The mapping of one extract."""
    system = estate.systems[system_id]
    return Mapping(
        estate, system, extract_name, system.extracts[extract_name], contract(system.entity_of(extract_name))
    )


def source(mapping: Mapping, joins: dict[str, str]) -> str:
    """FROM clause: relation `records` as src, and each join's relation under its alias."""
    text = "records as src"
    for join in mapping.extract.joins:
        text += f" {join.how} join ({joins[join.as_]}) as {identifier(join.as_)} on {join.on}"
    return text


def mapped_select(mapping: Mapping, joins: dict[str, str]) -> str:
    """Rows after `where` and `distinct`: raw values `r:<column>`, file, ordinal and the payload."""
    aliases = ["src", *(j.as_ for j in mapping.extract.joins)]
    payload = "src" if len(aliases) == 1 else "{" + ", ".join(f"{literal(a)}: {identifier(a)}" for a in aliases) + "}"
    raws = [f"({_sql(mapping, c)}) as {cast.raw(c.name)}" for c in mapping.columns]
    where = f" where {mapping.extract.where}" if mapping.extract.where else ""
    text = (
        f"select src.{FILE}, src.{ORDINAL}, src.{ROW}, {payload} as _payload, {', '.join(raws)} "
        f"from {source(mapping, joins)}{where}"
    )
    if mapping.extract.distinct:
        names = ", ".join(cast.raw(c.name) for c in mapping.columns)
        text = f"select * from ({text}) qualify row_number() over (partition by {names} order by {ORDINAL}, {ROW}) = 1"
    return text


def _sql(mapping: Mapping, column: Column) -> str:
    mapped: ColumnMapping | None = mapping.extract.columns.get(column.name)
    return mapped.sql if mapped is not None else "null::varchar"


def raw_types(connection: duckdb.DuckDBPyConnection, mapping: Mapping, joins: dict[str, str]) -> dict[str, str]:
    """DuckDB's type of every mapped expression. Raises duckdb.Error when one doesn't compile."""
    rows = connection.execute(f"describe {mapped_select(mapping, joins)}").fetchall()
    return {row[0].removeprefix("r:"): row[1] for row in rows if row[0].startswith("r:")}


def judged_select(mapping: Mapping, joins: dict[str, str], types: dict[str, str]) -> str:
    """Every mapped row with its cast values and, where it is refused, reasons, details and payload."""
    rules = mapping.rules
    coded, code_joins = [], ""
    for index, column in enumerate(mapping.columns):
        code_map = mapping.code_map(column)
        if code_map is None:
            coded.append(f"{cast.cast(column, types[column.name], rules)} as {cast.value(column.name)}")
            continue
        name, strict = code_map
        alias = f"c{index}"
        text = f"trim(m.{cast.raw(column.name)}::varchar)"
        code_joins += f" left join {_codes_relation(mapping.codes(name))} as {alias} on {alias}.native = {text}"
        found = f"{alias}.code" if strict else f"coalesce({alias}.code, {text})"
        if column.code_type == "plant":
            plants = ", ".join(literal(p) for p in mapping.estate.plant_ids)
            found = f"case when {found} in ({plants}) then {found} end"
        elif column.code_type == "currency":
            currencies = ", ".join(literal(code) for code in sorted(CURRENCIES))
            found = f"case when {found} in ({currencies}) then {found} end"
        coded.append(f"{found} as {cast.value(column.name)}")
    reasons = [f"{_reason(mapping, c, types, rules)} as {identifier('q:' + c.name)}" for c in mapping.columns]
    names = [identifier("q:" + c.name) for c in mapping.columns]
    details = [
        f"case when {q} is not null then {literal(c.name + ' = ')} || coalesce(left({cast.raw(c.name)}::varchar, 200), "
        f"'no value') || {literal(': expected ' + cast.expectation(c, rules))} end"
        for q, c in zip(names, mapping.columns, strict=True)
    ]
    fine = " and ".join(f"{q} is null" for q in names)
    return (
        f"select *, case when {fine} then null else list_filter([{', '.join(names)}], x -> x is not null) end as _reasons, "
        f"case when {fine} then null else list_filter([{', '.join(details)}], x -> x is not null) end as _details "
        f"from (select *, {', '.join(reasons)} from (select m.*, {', '.join(coded)} "
        f"from ({mapped_select(mapping, joins)}) as m{code_joins}))"
    )


def _reason(mapping: Mapping, column: Column, types: dict[str, str], rules: cast.Rules) -> str:
    text = cast.reason(column, types[column.name], rules)
    code_map = mapping.code_map(column)
    if code_map is not None and column.code_type is None:
        # A value outside a code map that the estate names is an unknown code, whatever its type.
        text = text.replace(literal("not_castable"), literal("unknown_code"))
    return text


def _codes_relation(codes: dict[str, str]) -> str:
    if not codes:
        return "(select null::varchar as native, null::varchar as code where false)"
    rows = ", ".join(f"({literal(n)}, {literal(c)})" for n, c in codes.items())
    return f"(select native, code from (values {rows}) as t (native, code))"
