"""One published value walked back through reconciled, canonical and staging relations to landed rows.

Belongs here: the walk over column lineage, and finding the rows of each relation that belong to the value.
Doesn't belong here: the record in its file (`origin`).

Column lineage says where a value comes from; which row, the identifying columns say that both sides share. A row that
carries the correlation id of one landed record needs no more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb

from mfg_assets import publish as publication
from mfg_assets.errors import Problem, UsageError, WarehouseError
from mfg_assets.estate.models import Estate
from mfg_assets.lineage.model import Origin, Step, Trace
from mfg_assets.lineage.origin import Known, origins_of
from mfg_assets.settings import Settings
from mfg_assets.warehouse.column_lineage import SourceColumn, columns_of
from mfg_assets.warehouse.owners import attribute_owners
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier

ROWS_SHOWN = 5
ROWS_FOLLOWED = 200
# Columns that say which thing a row is about; values of these are carried from one relation to the next.
_IDENTIFYING = (
    *("source_system", "plant_id", "item_number", "parent_item_number", "component_item_number", "line_id"),
    *("location", "lot_number", "serial_number", "stock_status", "ownership", "object_key", "event_id"),
    *("production_order_number", "purchase_order_number", "line_number", "supplier_number", "operation_sequence"),
    *("change_number", "engineering_change_number", "alternative", "usage", "unit_code", "root_item_number"),
    *("batch_id", "dead_letter_id"),
)
_CORRELATION = "correlation_id"
# Say whose a row is, not what it is about.
_BROAD = {"source_system", "plant_id"}
# What a relation about items is narrowed by, for a row that names its items by their part in a structure.
_ITEMS = ("component_item_number", "parent_item_number", "root_item_number")
_OWN = {
    "estate": "the estate says so",
    "platform": "the platform's own record",
    "quality": "the platform's own checks",
    "exceptions": "the exception ledger; `mfg exceptions show` has its history",
}


def trace(settings: Settings, estate: Estate, table: str, key: Sequence[str], column: str | None = None) -> list[Trace]:
    """Walk values of one published row back.

    Args:
        settings: where snapshot, warehouse and landing are.
        estate: mappings and ownership rules.
        table: a published table.
        key: values of its key columns, in their order, as text; fewer if that already names one row.
        column: only this column; all columns of the row when None.

    Raises:
        UsageError: no such table or column, or the key names no row or several.
        WarehouseError: the warehouse isn't there; `mfg run` builds it.
    """
    folder = publication.current_version_dir(settings)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    tables = manifest["tables"]
    if table not in tables:
        raise UsageError(Problem(f"there is no published table {table!r}", fix=f"one of: {', '.join(sorted(tables))}"))
    with connect(settings, folder / "marts.duckdb", read_only=True) as marts:
        row, key_columns = _row(marts, table, tables[table]["key"], key)
    if column is not None and column not in row:
        raise UsageError(Problem(f"{table} has no column {column!r}", fix=f"one of: {', '.join(row)}"))
    target = settings.warehouse_dir / "dbt_target" / "manifest.json"
    if not settings.warehouse_path.is_file() or not target.is_file():
        raise WarehouseError(
            Problem("there is no warehouse to trace in", settings.warehouse_path, fix="build it with `mfg run`")
        )
    with connect(settings, settings.warehouse_path, read_only=True) as warehouse:
        walk = _Walk(warehouse, json.loads(target.read_text(encoding="utf-8")), Known(attribute_owners(estate)))
        return [
            _trace(walk, settings, estate, table, {name: row[name] for name in key_columns}, row, name)
            for name in ([column] if column is not None else row)
        ]


def _row(
    marts: duckdb.DuckDBPyConnection, table: str, key_columns: Sequence[str], key: Sequence[str]
) -> tuple[dict[str, Any], list[str]]:
    if len(key) > len(key_columns):
        raise UsageError(Problem(f"{table} has {len(key_columns)} key columns", fix=f"give {', '.join(key_columns)}"))
    given = list(zip(key_columns, key, strict=False))
    # An empty text stands for no value: part of many keys.
    conditions = [f"coalesce({identifier(name)}::varchar, '') = ?" for name, _ in given] or ["true"]
    cursor = marts.execute(
        f"select * from {identifier(table)} where {' and '.join(conditions)} limit 2", [value for _, value in given]
    )
    names = [c[0] for c in cursor.description or []]
    rows = cursor.fetchall()
    if len(rows) != 1:
        said = ", ".join(f"{name} = {value!r}" for name, value in given) or "nothing"
        fix = f"the key is {', '.join(key_columns)}; `mfg query 'select * from {table}'` shows its rows"
        raise UsageError(Problem(f"{table}: {'several rows have' if rows else 'no row has'} {said}", fix=fix))
    return dict(zip(names, rows[0], strict=True)), list(key_columns)


class _Walk:
    """The warehouse with its lineage, which is read once for all columns of a row."""

    def __init__(self, warehouse: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], known: Known) -> None:
        self.warehouse = warehouse
        self.types: dict[str, dict[str, dict[str, str]]] = {}
        for schema, table, column, kind in warehouse.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns() where not internal"
        ).fetchall():
            self.types.setdefault(schema, {}).setdefault(table, {})[column] = kind
        nodes = {**manifest["nodes"], **manifest["sources"]}
        self.models = {
            (node["schema"], node.get("alias") or node["name"]): node
            for node in manifest["nodes"].values()
            if node["resource_type"] == "model"
        }
        self.depends = {
            place: [
                (nodes[parent]["schema"], nodes[parent].get("alias") or nodes[parent]["name"])
                for parent in node["depends_on"]["nodes"]
                if parent in nodes
            ]
            for place, node in self.models.items()
        }
        self.known = known
        self._lineage: dict[tuple[str, str], dict[str, frozenset[SourceColumn]]] = {}
        self._rows: dict[tuple[Any, ...], tuple[list[dict[str, Any]], int]] = {}

    def sources(self, place: tuple[str, str], columns: Iterable[str]) -> dict[tuple[str, str], set[str]]:
        """Relation → columns from which some columns come; relations without columns where only their rows matter."""
        if place not in self._lineage:
            code = self.models[place].get("compiled_code") or ""
            # Of the parents only: the parser takes every table of the warehouse in hand otherwise, each time.
            schema: dict[str, dict[str, dict[str, str]]] = {}
            for name, table in self.depends[place]:
                schema.setdefault(name, {})[table] = self.types.get(name, {}).get(table, {})
            self._lineage[place] = columns_of(code, schema)
        found: dict[tuple[str, str], set[str]] = {}
        for column in columns:
            for source in self._lineage[place].get(column, ()):
                found.setdefault((source.schema, source.table), set()).add(source.column)
        return found or {parent: set() for parent in self.depends[place]}

    def rows(
        self, place: tuple[str, str], columns: Iterable[str], known: Mapping[str, set[Any]]
    ) -> tuple[list[dict[str, Any]], int]:
        """Rows of a relation that agree with what is known, cut to identifying and asked columns, and their number."""
        wanted = {*columns, *_IDENTIFYING, _CORRELATION}
        found, number = self._matching(place, known)
        return [{name: value for name, value in row.items() if name in wanted} for row in found], number

    def _matching(self, place: tuple[str, str], known: Mapping[str, set[Any]]) -> tuple[list[dict[str, Any]], int]:
        """Whole rows, kept: the columns of one row lead through the same rows again and again."""
        own = self.types.get(place[0], {}).get(place[1], {})
        if not own:
            return [], 0
        texts = {name: sorted(str(v) for v in values) for name, values in known.items() if name in own and values}
        key = (place, tuple((name, tuple(values)) for name, values in sorted(texts.items())))
        if key not in self._rows:
            where = " and ".join(f"list_contains(?, {identifier(name)}::varchar)" for name in texts) or "true"
            relation = f"{identifier(place[0])}.{identifier(place[1])}"
            selection = f"from {relation} where {where}"
            cursor = self.warehouse.execute(f"select * {selection} limit {ROWS_FOLLOWED}", list(texts.values()))
            names = [c[0] for c in cursor.description or []]
            found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            number = len(found)
            if number == ROWS_FOLLOWED:
                counted = self.warehouse.execute(f"select count(*) {selection}", list(texts.values())).fetchone()
                number = counted[0] if counted else number
            self._rows[key] = found, number
        return self._rows[key]


def _trace(
    walk: _Walk,
    settings: Settings,
    estate: Estate,
    table: str,
    key: dict[str, Any],
    row: Mapping[str, Any],
    column: str,
) -> Trace:
    place = next((p for p in walk.models if p[1] == table), None)
    value = row[column]
    if place is None:
        # Not a model: what the platform publishes of itself.
        schema = next((s for s, tables in walk.types.items() if table in tables and s in _OWN), "platform")
        return Trace(table, key, column, value, (), (), made_by=_OWN[schema])
    chosen = row.get(f"{column}_source") or (value if column.endswith("_source") else None)
    steps: list[Step] = []
    landed: list[tuple[str, set[str], list[dict[str, Any]]]] = []
    made_by: list[str] = []
    known = _known([dict(row)], chosen)
    frontier: list[tuple[tuple[str, str], set[str], dict[str, set[Any]]]] = [(place, {column}, known)]
    seen: set[tuple[str, str]] = set()
    while frontier:
        following: dict[tuple[str, str], tuple[set[str], dict[str, set[Any]]]] = {}
        for at, columns, about in frontier:
            for source, wanted in sorted(walk.sources(at, columns).items()):
                if source in seen:
                    continue
                seen.add(source)
                narrowed = _narrowed(walk, source, about)
                rows, matching = walk.rows(source, wanted, narrowed) if narrowed is not None else ([], 0)
                # Of a whole table the first rows lead on only for what is computed from all of them, such as a KPI.
                is_about = bool(narrowed) or not (about.keys() - _BROAD)
                shown = rows[:ROWS_SHOWN] if narrowed else []
                steps.append(Step(".".join(source), tuple(sorted(wanted)), tuple(shown), matching))
                if source[0] == "landing":
                    # Rows of a whole table are nobody's origin.
                    if narrowed:
                        landed.append((source[1], wanted, rows))
                elif source in walk.models:
                    following[source] = (wanted, _known(rows, None) if rows and is_about else about)
                else:
                    made_by.append(_OWN.get(source[0], f"the table {'.'.join(source)} of the platform"))
        frontier = [(at, columns, about) for at, (columns, about) in following.items()]
    origins: list[Origin] = []
    for entity, columns, rows in landed:
        origins += origins_of(
            settings,
            estate,
            entity,
            sorted(columns),
            rows[:ROWS_SHOWN],
            plant=row.get("plant_id"),
            known=walk.known,
            warehouse=walk.warehouse,
        )
    said = None
    if not origins:
        said = (
            "; ".join(dict.fromkeys(made_by)) or "a constant, or a calculation over rows that none of the systems has"
        )
    return Trace(table, key, column, value, tuple(steps), tuple(origins), made_by=said, chosen_system=chosen)


def _known(rows: Sequence[Mapping[str, Any]], system: str | None) -> dict[str, set[Any]]:
    """What some rows say about which thing they are: identifying column → its values, where all rows have one."""
    found: dict[str, set[Any]] = {}
    for name in (*_IDENTIFYING, _CORRELATION):
        values = [row[name] for row in rows if name in row]
        if values and all(value is not None and not isinstance(value, list) for value in values):
            found[name] = set(values)
    if system is not None:
        # The row's own system is the one that leads; this value came from the one that was chosen for it.
        found["source_system"] = {system}
        found.pop(_CORRELATION, None)
        found.pop("batch_id", None)
    return found


def _narrowed(walk: _Walk, source: tuple[str, str], known: Mapping[str, set[Any]]) -> dict[str, set[Any]] | None:
    """What is known, as far as it finds rows in a relation; None where none belong to it.

    The correlation id alone is tried first. Then columns are given up until rows are found: first the system, since
    another one may have had its say here, then from the last on. The system by itself says too little.
    """
    own = walk.types.get(source[0], {}).get(source[1], {})
    usable = {name: values for name, values in known.items() if name in own and values}
    if "item_number" in own and not known.get("item_number"):
        items = set[Any]().union(*(known.get(name, ()) for name in _ITEMS))
        usable |= {"item_number": items} if items else {}
    if _CORRELATION in usable:
        alone = {_CORRELATION: usable.pop(_CORRELATION)}
        if walk.rows(source, (), alone)[1]:
            return alone
    names = [name for name in _IDENTIFYING if name in usable]
    if not names:
        return {}
    others = [name for name in names if name != "source_system"]
    attempts = [names, *(others[:length] for length in range(len(others), 0, -1))]
    for attempt in attempts:
        tried = {name: usable[name] for name in attempt}
        if walk.rows(source, (), tried)[1]:
            return tried
    return None
