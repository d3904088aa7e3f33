"""Which columns a model's column comes from, read from the SQL that dbt compiled.

Belongs here: walking one statement from its outputs to the tables it reads. Doesn't belong here: showing it (defs).

dagster-dbt can give this too, but asks the adapter for every table and walks each column by itself: 30 seconds for this
project, against about two here, where each scope of a statement is resolved once.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema


@dataclass(frozen=True, order=True)
class SourceColumn:
    """A column of a table or view in the warehouse."""

    schema: str
    table: str
    column: str


# So many statements are kept: ten times those of this project. Who has more starts anew.
_KEPT = 3000
_WORD = re.compile(r"\w+")

Schema = Mapping[str, Mapping[str, Mapping[str, str]]]


def columns_of(sql: str, schema: Schema | MappingSchema) -> dict[str, frozenset[SourceColumn]]:
    """Output column → columns of tables that its expression reads, through all of the statement's own steps.

    Args:
        sql: one compiled select.
        schema: schema → table → column → type of everything that it may read.

    Returns:
        Empty when the statement is beyond the parser: lineage is an aid, and never a reason to fail a run.
    """
    try:
        root = qualify(
            parse_one(_without_database(sql), dialect="duckdb"),
            schema=schema if isinstance(schema, MappingSchema) else _mapping(schema),
            dialect="duckdb",
            validate_qualify_columns=False,
            identify=False,
        )
    except (SqlglotError, ValueError):
        return {}
    scope = build_scope(root)
    if scope is None:
        return {}
    known: dict[tuple[int, str], frozenset[SourceColumn]] = {}
    return {name: _sources(scope, name, known) for name in _outputs(scope)}


def of_models(
    manifest: Mapping[str, Any], schema: Schema, cache: Path
) -> dict[tuple[str, str], dict[str, frozenset[SourceColumn]]]:
    """Lineage of every model of a dbt manifest that has compiled code, by schema and name.

    It follows from a statement and the names of the columns of what it reads, which seldom change, and walking all of
    them takes seconds: what was found is kept in the folder `cache`.
    """
    file = cache / "lineage.json"
    known = _kept(file)
    mapping: MappingSchema | None = None
    found: dict[tuple[str, str], dict[str, frozenset[SourceColumn]]] = {}
    fresh: dict[str, list[list[str]]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model" or not node.get("compiled_code"):
            continue
        sql = node["compiled_code"]
        key = _key(sql, schema)
        if key in known:
            columns: dict[str, set[SourceColumn]] = {}
            for output, *source in known[key]:
                columns.setdefault(output, set()).update([SourceColumn(*source)] if source else [])
            found[node["schema"], node["name"]] = {name: frozenset(sources) for name, sources in columns.items()}
            continue
        mapping = mapping or _mapping(schema)
        lineage = found[node["schema"], node["name"]] = columns_of(sql, mapping)
        fresh[key] = [
            row
            for output, sources in lineage.items()
            for row in ([[output, s.schema, s.table, s.column] for s in sorted(sources)] or [[output]])
        ]
    if fresh:
        _keep(file, (known if len(known) < _KEPT else {}) | fresh)
    return found


def _key(sql: str, schema: Schema) -> str:
    words = set(_WORD.findall(sql))
    read = sorted(f"{s}.{t}: {list(columns)}" for s in schema for t, columns in schema[s].items() if t in words)
    parts = [version("sqlglot"), sql, *read]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _kept(file: Path) -> dict[str, list[list[str]]]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not there yet, or cut off: it is made again
        return {}


def _keep(file: Path, lineage: Mapping[str, list[list[str]]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f".{file.name}.{os.getpid()}")  # homes may share the folder
    aside.write_text(json.dumps(lineage), encoding="utf-8")
    aside.replace(file)


def _mapping(schema: Schema) -> MappingSchema:
    """As the parser wants it, made once for all statements: that costs as much as a statement does."""
    return MappingSchema({s: {t: dict(c) for t, c in tables.items()} for s, tables in schema.items()}, dialect="duckdb")


def _without_database(sql: str) -> str:
    """Without the database that dbt writes before schema and table: there is only one."""
    return sql.replace('"mfg".', "")


def _outputs(scope: Scope) -> list[str]:
    expression = scope.expression
    return [s.alias_or_name for s in expression.selects] if isinstance(expression, exp.Query) else []


def _sources(scope: Scope, name: str, known: dict[tuple[int, str], frozenset[SourceColumn]]) -> frozenset[SourceColumn]:
    key = (id(scope), name)
    if key in known:
        return known[key]
    # A recursive step reads itself: what it adds is found on the other branches.
    known[key] = frozenset()
    found: set[SourceColumn] = set()
    if scope.set_operation_scopes:
        outputs = _outputs(scope)
        for branch in scope.set_operation_scopes:
            branch_outputs = _outputs(branch)
            if scope.expression.args.get("by_name"):
                # a branch may lack a column that another one has, the first one too
                found |= _sources(branch, name, known)
            elif name in outputs and outputs.index(name) < len(branch_outputs):
                found |= _sources(branch, branch_outputs[outputs.index(name)], known)
    else:
        expression = scope.expression
        selects = expression.selects if isinstance(expression, exp.Query) else []
        select = next((s for s in selects if s.alias_or_name == name), None)
        for column in select.find_all(exp.Column) if select is not None else ():
            found |= _resolve(scope, column, known)
    known[key] = frozenset(found)
    return known[key]


def _resolve(
    scope: Scope, column: exp.Column, known: dict[tuple[int, str], frozenset[SourceColumn]]
) -> frozenset[SourceColumn]:
    source = scope.sources.get(column.table)
    if isinstance(source, exp.Table):
        return frozenset({SourceColumn(source.db, source.name, column.name)}) if source.db else frozenset()
    if isinstance(source, Scope):
        return _sources(source, column.name, known)
    return frozenset()
