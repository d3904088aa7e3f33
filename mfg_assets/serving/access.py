"""Who may read what: the role `mfg_reader`, and rows by plant for roles that want it.

Belongs here: schemas, grants, policies. Doesn't belong here: tables (`shape`), rows (`sync`).

A role that stands in `mfg_private.plant_filter`, or is a member of one that does, sees the rows of its plants and those
of no plant; every other reader sees all.
"""

from __future__ import annotations

from mfg_assets.serving.connection import Transaction
from mfg_assets.serving.shape import PRIVATE, SCHEMA, Shape

READER = "mfg_reader"
_POLICY = "rows_of_own_plants"

# One statement each; all of them do nothing the second time.
_SETUP = (
    f"create schema if not exists {SCHEMA}",
    f"create schema if not exists {PRIVATE}",
    f"create table if not exists {PRIVATE}.served (table_name text primary key, hash text not null)",
    f"create table if not exists {SCHEMA}.serving (version text not null, content_hash text not null, "
    "as_of timestamptz not null, published_at timestamptz not null, served_at timestamptz not null)",
    f"comment on table {SCHEMA}.serving is 'The version that all tables of this schema hold: one row.'",
    f"create table if not exists {PRIVATE}.plant_filter (role_name text, plant_id text, "
    "primary key (role_name, plant_id))",
    f"""
    create or replace function {PRIVATE}.visible_plants() returns text[]
    language sql stable security definer set search_path = pg_catalog as $$
        select array_agg(plant_id) from {PRIVATE}.plant_filter
        where role_name in (select rolname from pg_roles where pg_has_role(session_user, oid, 'member'))
    $$
    """,
)


def set_up(connection: Transaction) -> None:
    """Schemas, the function behind the policies, and the role; each only where it is missing."""
    ready = connection.execute("select to_regclass($1) is not null", [f"{PRIVATE}.plant_filter"])[0][0]
    if not ready:
        connection.script(*_SETUP)
    may_create = connection.execute("select rolsuper or rolcreaterole from pg_roles where rolname = current_user")
    # An account that may not make roles can be given one that somebody else made.
    if not _has_reader(connection) and may_create[0][0]:
        connection.script(f"create role {READER} nologin")
    if not ready and _has_reader(connection):
        connection.script(
            f"grant usage on schema {SCHEMA}, {PRIVATE} to {READER}",
            f"grant select on {SCHEMA}.serving to {READER}",
            f"grant execute on function {PRIVATE}.visible_plants() to {READER}",
        )


def grant(connection: Transaction, shape: Shape) -> None:
    """Let readers read a new table, rows by plant where it has plants."""
    if _has_reader(connection):
        connection.script(f"grant select on {shape.sql} to {READER}")
    if "plant_id" in shape.types:
        plants = f"(select {PRIVATE}.visible_plants())"
        connection.script(
            f"alter table {shape.sql} enable row level security",
            f"create policy {_POLICY} on {shape.sql} for select "
            f"using ({plants} is null or plant_id is null or plant_id = any(coalesce({plants}, '{{}}')))",
        )


def _has_reader(connection: Transaction) -> bool:
    return bool(connection.execute("select 1 from pg_roles where rolname = $1", [READER]))
