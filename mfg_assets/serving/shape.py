"""What published columns are in PostgreSQL, and the statements that bring a table to a wanted shape.

Belongs here: types, keys, indexes, comments, evolution. Doesn't belong here: rows (`sync`), roles (`access`).

A table is never dropped and made anew, so grants, views and policies of readers stay. A column that is no longer
published stays empty; one whose type changes is altered with the views upon it taken down and put back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mfg_assets.serving.connection import Transaction
from mfg_assets.warehouse.sql import identifier, literal

SCHEMA = "mfg"
PRIVATE = "mfg_private"
_TYPES = {
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "UTINYINT": "smallint",
    "INTEGER": "integer",
    "USMALLINT": "integer",
    "BIGINT": "bigint",
    "UINTEGER": "bigint",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "VARCHAR": "text",
    "DATE": "date",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "VARCHAR[]": "text[]",
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
# What people look things up by, besides the key.
_LOOKED_UP = ("plant_id", "item_number")
# A page with some room takes a changed row beside the old one, and no index has to know.
_FILL = 90
State = Literal["made", "changed", "kept"]


@dataclass(frozen=True)
class Shape:
    """A published table: column → type in PostgreSQL, and the SQL that gives its value in DuckDB."""

    name: str
    key: tuple[str, ...]
    types: Mapping[str, str]
    expressions: Mapping[str, str]
    description: str
    comments: Mapping[str, str]

    @property
    def sql(self) -> str:
        """The table in PostgreSQL."""
        return f"{identifier(SCHEMA)}.{identifier(self.name)}"


def shape_of(name: str, entry: Mapping[str, Any]) -> Shape:
    """The shape of a table from its entry in a version's manifest."""
    types, expressions = {}, {}
    for column in entry["columns"]:
        types[column["name"]], expressions[column["name"]] = _type(column["name"], column["type"])
    comments = {column["name"]: column["description"] for column in entry["columns"] if column["description"]}
    return Shape(name, tuple(entry["key"]), types, expressions, entry["description"], comments)


def _type(name: str, native: str) -> tuple[str, str]:
    column = identifier(name)
    if native in _TYPES:
        wider = {"TINYINT": "smallint", "UTINYINT": "smallint", "USMALLINT": "integer", "UINTEGER": "bigint"}
        return _TYPES[native], f"{column}::{wider[native]}" if native in wider else column
    if found := _DECIMAL.fullmatch(native):
        return f"numeric({found[1]},{found[2]})", column
    if native in ("UBIGINT", "HUGEINT"):
        return "numeric(38,0)", f"{column}::decimal(38,0)"
    # Records, lists of records and whatever else: JSON holds them all.
    return "json", f"to_json({column})::varchar"


def bring_to(connection: Transaction, shape: Shape, *, has_null_keys: bool) -> State:
    """Make the table, or change it where its columns differ.

    One that is made has no key and no indexes yet: `add_indexes`, after its rows are in. Rows of one that is changed
    have to be written anew.
    """
    present = {
        row[0]: row[1]
        for row in connection.execute(
            "select a.attname::text, format_type(a.atttypid, a.atttypmod) from pg_attribute a "
            "where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped",
            [shape.sql],
        )
    }
    if not present:
        columns = ", ".join(f"{identifier(n)} {t}" for n, t in shape.types.items())
        connection.script(f"create table {shape.sql} ({columns}) with (fillfactor = {_FILL})")
        _comment(connection, shape)
        return "made"
    added = [n for n in shape.types if n not in present]
    changed = [n for n in shape.types if n in present and present[n] != shape.types[n]]
    gone = [n for n in present if n not in shape.types]
    for name in added:
        connection.script(f"alter table {shape.sql} add column {identifier(name)} {shape.types[name]}")
    if changed:
        _retype(connection, shape, changed)
    for name in gone:
        connection.script(f"comment on column {shape.sql}.{identifier(name)} is 'No longer published.'")
    _key(connection, shape, has_null_keys=has_null_keys)
    _comment(connection, shape)
    return "changed" if added or changed else "kept"


def add_indexes(connection: Transaction, shape: Shape, *, has_null_keys: bool) -> None:
    """The key of a new table and indexes on what people look up."""
    _key(connection, shape, has_null_keys=has_null_keys)
    for column in _LOOKED_UP:
        if column in shape.types and shape.key[:1] != (column,):
            connection.script(f"create index on {shape.sql} ({identifier(column)})")


def fill_of(connection: Transaction, shape: Shape) -> int:
    """How full the table's pages are made, in percent."""
    found = connection.execute(
        "select option_value from pg_class cross join pg_options_to_table(reloptions) "
        "where oid = to_regclass($1) and option_name = 'fillfactor'",
        [shape.sql],
    )
    return int(found[0][0]) if found else 100


def set_fill(connection: Transaction, shape: Shape, percent: int) -> None:
    """How full pages are made from now on. Readers wait for nothing."""
    connection.script(f"alter table {shape.sql} set (fillfactor = {percent})")


def _key(connection: Transaction, shape: Shape, *, has_null_keys: bool) -> None:
    """A primary key, or where key columns may be empty a unique index that takes nulls as values."""
    name = identifier(f"{shape.name}_key")
    columns = ", ".join(identifier(column) for column in shape.key)
    found = connection.execute(
        "select c.contype::text, array_agg(a.attname::text order by k.ordinality) from pg_constraint c "
        "cross join unnest(c.conkey) with ordinality as k(attnum, ordinality) "
        "join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum "
        "where c.conrelid = to_regclass($1) and c.contype in ('p', 'u') group by c.oid, c.contype",
        [shape.sql],
    )
    wanted = "u" if has_null_keys else "p"
    current = next(((kind, tuple(names)) for kind, names in found), None)
    # A key that once had to take nulls keeps doing so: changing to and fro would lock readers out.
    if current is not None and current[1] == shape.key and (current[0] == wanted or current[0] == "u"):
        return
    if current is not None:
        connection.script(f"alter table {shape.sql} drop constraint {name}")
        for column in shape.key:
            connection.script(f"alter table {shape.sql} alter column {identifier(column)} drop not null")
    if not has_null_keys:
        connection.script(f"alter table {shape.sql} add constraint {name} primary key ({columns})")
        return
    version = int(connection.execute("select current_setting('server_version_num')::int")[0][0])
    nulls = "nulls not distinct " if version >= 150000 else ""
    connection.script(f"alter table {shape.sql} add constraint {name} unique {nulls}({columns})")


def _retype(connection: Transaction, shape: Shape, columns: Sequence[str]) -> None:
    """Change types of columns; views that use the table are taken down before and put back as they were."""
    views = connection.execute(
        """
        with recursive dependent as (
            select distinct r.ev_class as oid, 1 as depth from pg_depend d join pg_rewrite r on r.oid = d.objid
            where d.classid = 'pg_rewrite'::regclass and d.refobjid = to_regclass($1) and r.ev_class <> d.refobjid
            union
            select distinct r.ev_class, dependent.depth + 1 from dependent
            join pg_depend d on d.refobjid = dependent.oid and d.classid = 'pg_rewrite'::regclass
            join pg_rewrite r on r.oid = d.objid and r.ev_class <> d.refobjid
            where dependent.depth < 50
        )
        select c.oid::regclass::text, pg_get_viewdef(c.oid), pg_get_userbyid(c.relowner)::text,
            array(
                select format('grant %s on %s to %s', a.privilege_type, c.oid::regclass,
                    case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end)
                from aclexplode(c.relacl) a
            )
        from pg_class c join (select oid, max(depth) as depth from dependent group by oid) d on d.oid = c.oid
        where c.relkind = 'v' order by d.depth
        """,
        [shape.sql],
    )
    for view, *_ in reversed(views):
        connection.script(f"drop view {view}")
    for name in columns:
        column, wanted = identifier(name), shape.types[name]
        # The rows are written anew in this transaction, so nothing of the old value has to survive.
        connection.script(f"alter table {shape.sql} alter column {column} drop not null") if (
            name not in shape.key
        ) else None
        connection.script(
            f"alter table {shape.sql} alter column {column} type {wanted} using {column}::text::{wanted}"
            if name in shape.key
            else f"alter table {shape.sql} alter column {column} type {wanted} using null"
        )
    for view, definition, owner, grants in views:
        connection.script(f"create view {view} as {definition}", f"alter view {view} owner to {identifier(owner)}")
        connection.script(*grants)


def _comment(connection: Transaction, shape: Shape) -> None:
    if shape.description:
        connection.script(f"comment on table {shape.sql} is {literal(shape.description)}")
    for column, text in shape.comments.items():
        connection.script(f"comment on column {shape.sql}.{identifier(column)} is {literal(text)}")
