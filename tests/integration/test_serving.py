"""The published state in a real PostgreSQL: shapes, changes, evolution, and who sees which rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import psycopg
import pytest

from mfg_assets.publish import PublishedTable, publish, rollback
from mfg_assets.serving import ServingError, ServingResult, sync
from mfg_assets.settings import Settings
from tests.postgres import Server, postgres_server

pytestmark = pytest.mark.postgres

ITEM = PublishedTable("item", "marts.item", ("item_number",), "One row per item.", {"item_number": "Its 'number'"})
STOCK = PublishedTable("stock", "marts.stock", ("plant_id", "item_number", "lot_number"))
TABLES = [ITEM, STOCK]
NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
BUILD = """
    create schema marts;
    create table marts.item as
    select
        'I' || range as item_number, range::integer as number, 1.25::decimal(9, 2) as cost, 'a;b"c\\' || range as text,
        true as is_made, date '2026-01-05' as day, timestamptz '2026-01-05 08:00:00+01' as made_at, ['x', null] as tags,
        {'a': range, 'b': 'c'} as record, range::double as share, range::utinyint as tiny, null::varchar as nothing
    from range(5);
    create table marts.stock as
    select 'P' || range % 2 as plant_id, 'I' || range as item_number, case when range > 2 then 'L1' end as lot_number,
        range::decimal(18, 3) as on_hand from range(6)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres_server() as started:
        yield started


@pytest.fixture
def url(server: Server) -> str:
    """A database of its own on the shared server."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("drop database if exists serving with (force)")
        connection.execute("create database serving")
    return server.url.replace("/postgres", "/serving")


def _serve(settings: Settings, url: str, *statements: str, tables: list[PublishedTable] = TABLES) -> ServingResult:
    settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    first = not settings.warehouse_path.exists()
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        for statement in (*([BUILD] if first else []), *statements):
            connection.execute(statement)
    publish(settings, tables, run_id="run", as_of=NOW)
    return sync(settings, url, now=NOW)


def _ask(url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(sql.encode()).fetchall()


def test_tables_have_types_keys_comments_and_indexes(settings: Settings, url: str) -> None:
    result = _serve(settings, url)
    assert (result.tables_changed, result.rows_written) == (("item", "publication", "stock"), 12)
    types = dict(_ask(url, "select attname::text, format_type(atttypid, atttypmod) from pg_attribute "
                           "where attrelid = 'mfg.item'::regclass and attnum > 0"))  # fmt: skip
    assert types == {
        "item_number": "text", "number": "integer", "cost": "numeric(9,2)", "text": "text", "is_made": "boolean",
        "day": "date", "made_at": "timestamp with time zone", "tags": "text[]", "record": "json",
        "share": "double precision", "tiny": "smallint", "nothing": "text",
    }  # fmt: skip
    row = _ask(url, "select number, cost::text, text, is_made, day::text, made_at at time zone 'UTC', tags, "
                    "record ->> 'b', share, tiny, nothing from mfg.item where item_number = 'I3'")  # fmt: skip
    instant = datetime(2026, 1, 5, 7)
    assert row == [(3, "1.25", 'a;b"c\\3', True, "2026-01-05", instant, ["x", None], "c", 3.0, 3, None)]
    assert _ask(url, "select conname::text, contype::text from pg_constraint where conrelid = 'mfg.item'::regclass "
                     "and contype = 'p'") == [("item_key", "p")]  # fmt: skip
    assert _ask(url, "select contype::text from pg_constraint where conrelid = 'mfg.stock'::regclass") == [("u",)]
    assert _ask(url, "select obj_description('mfg.item'::regclass), col_description('mfg.item'::regclass, 1)") == [
        ("One row per item.", "Its 'number'")
    ]
    assert ("stock_item_number_idx",) in _ask(url, "select indexname::text from pg_indexes where tablename = 'stock'")
    assert _ask(url, "select version from mfg.serving") == [(result.version,)]


def test_only_what_changed_is_written(settings: Settings, url: str) -> None:
    _serve(settings, url)
    before = dict(_ask(url, "select item_number, xmin::text from mfg.item"))
    writes = "select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables where relname = 'stock'"
    again = sync(settings, url, now=NOW)
    assert (again.tables_changed, again.rows_written, again.rows_removed) == ((), 0, 0)
    result = _serve(
        settings, url, "update marts.item set number = 9 where item_number = 'I1'",
        "delete from marts.item where item_number = 'I2'",
        "insert into marts.item select * replace ('I7' as item_number) from marts.item where item_number = 'I0'",
    )  # fmt: skip
    assert (result.tables_changed, result.rows_written, result.rows_removed) == (("item", "publication"), 3, 1)
    after = dict(_ask(url, "select item_number, xmin::text from mfg.item"))
    assert {n for n in after if after[n] != before.get(n)} == {"I1", "I7"}
    assert "I2" not in after
    assert _ask(url, writes) == [(6,)]
    result = _serve(settings, url, "update marts.stock set on_hand = 77 where item_number in ('I1', 'I4')")
    assert result.rows_written == 2 + 1
    assert _ask(url, "select item_number, on_hand::int from mfg.stock where on_hand = 77 order by 1") == [
        ("I1", 77),
        ("I4", 77),
    ]
    assert _ask(url, "select count(*) from mfg.stock") == [(6,)], "a row without a lot is replaced, not doubled"


def test_a_table_whose_rows_all_change_gets_room_to_change_in_place(settings: Settings, url: str) -> None:
    many = "insert into marts.stock select 'P3', 'N' || range, null, 1 from range(3000)"
    change = "update marts.stock set on_hand = on_hand + 1"
    _serve(settings, url, many)
    # The first time all rows go to other pages, and from then on beside themselves, where no index hears of it.
    pages = "select item_number, split_part(ctid::text, ',', 1) from mfg.stock"
    first = dict(_ask(url, pages))
    _serve(settings, url, change)
    second = dict(_ask(url, pages))
    assert not [item for item in first if first[item] == second[item]]
    for _ in range(3):
        assert _serve(settings, url, change).rows_written == 3006 + 1
        assert dict(_ask(url, pages)) == second
    result = _serve(
        settings, url, change, "delete from marts.stock where item_number in ('I1', 'N7', 'N8')",
        "insert into marts.stock select 'P4', 'N' || range, null, 77 from range(2)",
    )  # fmt: skip
    assert (result.rows_written, result.rows_removed) == (3006 - 3 + 2 + 1, 3)
    served = _ask(url, "select plant_id, item_number, lot_number, on_hand from mfg.stock")
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        assert sorted(served, key=str) == sorted(connection.execute("from marts.stock").fetchall(), key=str)


def test_a_reader_in_a_long_transaction_keeps_its_version(settings: Settings, url: str) -> None:
    _serve(settings, url)
    with psycopg.connect(url) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        seen = [reader.execute("select sum(on_hand), count(*) from mfg.stock").fetchone()]
        for statement in ("update marts.stock set on_hand = 50", "update marts.stock set on_hand = 60",
                          "delete from marts.stock where item_number = 'I1'"):  # fmt: skip
            _serve(settings, url, statement)
            seen.append(reader.execute("select sum(on_hand), count(*) from mfg.stock").fetchone())
    assert seen == [(15, 6)] * 4
    assert _ask(url, "select sum(on_hand), count(*) from mfg.stock") == [(300, 5)]


def test_without_the_files_of_what_is_served_the_whole_table_is_written(settings: Settings, url: str) -> None:
    first = _serve(settings, url)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("update marts.item set number = 9 where item_number = 'I1'")
    publish(settings, TABLES, run_id="run", as_of=NOW)
    (settings.published_dir / "versions" / first.version / "item.parquet").unlink()
    assert sync(settings, url, now=NOW).rows_written == 5 + 1
    assert _ask(url, "select number from mfg.item where item_number = 'I1'") == [(9,)]
    assert sync(settings, url, now=NOW, full=True).rows_written == 5 + 6 + 2


def test_a_rollback_is_served_like_every_version(settings: Settings, url: str) -> None:
    _serve(settings, url)
    _serve(settings, url, "update marts.item set number = 9")
    rollback(settings, "1", published_by="ana", reason="wrong")
    assert sync(settings, url, now=NOW).rows_written == 5 + 1
    assert _ask(url, "select sum(number) from mfg.item") == [(10,)]
    assert _ask(url, "select rollback_of is not null, reason from mfg.publication order by version") == [
        (False, None), (False, None), (True, "wrong"),
    ]  # fmt: skip


def test_shapes_change_without_dropping_grants_views_or_policies(settings: Settings, url: str) -> None:
    _serve(settings, url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("drop role if exists bi")
        connection.execute("create role bi")
        connection.execute("create schema bi")
        connection.execute("create view bi.numbers as select item_number, number, nothing from mfg.item")
        connection.execute("create view bi.big as select * from bi.numbers where number > 1")
        connection.execute("grant select on bi.big, mfg.item to bi")
    _serve(
        settings, url, "alter table marts.item alter number type bigint", "alter table marts.item drop nothing",
        "alter table marts.item add column colour varchar default 'red'",
    )  # fmt: skip
    assert _ask(url, "select count(*), min(colour) from mfg.item") == [(5, "red")]
    assert _ask(url, "select pg_typeof(number)::text, nothing from bi.big limit 1") == [("bigint", None)]
    for name in ("bi.big", "mfg.item"):
        assert _ask(url, f"select has_table_privilege('bi', '{name}', 'select')") == [(True,)]
    # A table that goes is kept, empty, as long as a view needs it.
    _serve(settings, url, tables=[STOCK])
    assert _ask(url, "select count(*) from bi.big") == [(0,)]
    assert _ask(url, "select count(*) from mfg.stock") == [(6,)]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("drop owned by bi")
        connection.execute("drop role bi")


def test_key_columns_may_become_empty(settings: Settings, url: str) -> None:
    _serve(settings, url)
    _serve(settings, url, "update marts.item set item_number = null where item_number = 'I1'")
    _serve(settings, url, "update marts.item set number = 55 where item_number is null")
    assert _ask(url, "select count(*), sum(number) filter (where item_number is null) from mfg.item") == [(5, 55)]


def test_readers_only_read_and_see_the_rows_of_their_plants(settings: Settings, url: str) -> None:
    _serve(settings, url)
    roles = ("anyone", "planner_p1")
    with psycopg.connect(url, autocommit=True) as connection:
        for role in roles:
            connection.execute(f"create role {role} login in role mfg_reader".encode())
        connection.execute("insert into mfg_private.plant_filter values ('planner_p1', 'P1')")
    seen = {}
    for role in roles:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"set session authorization {role}".encode())
            seen[role] = connection.execute("select count(*), min(plant_id) from mfg.stock").fetchone()
            assert connection.execute("select count(*) from mfg.item").fetchone() == (5,)
            for statement in ("delete from mfg.item", "create table mfg.x (a int)", "select * from mfg_private.served"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.encode())
    assert seen == {"anyone": (6, "P0"), "planner_p1": (3, "P1")}
    with psycopg.connect(url, autocommit=True) as connection:
        for role in roles:
            connection.execute(f"drop role {role}".encode())


def test_an_unreachable_server_is_said_without_its_password(settings: Settings, url: str) -> None:
    _serve(settings, url)
    waits: list[float] = []
    with pytest.raises(ServingError) as caught:
        sync(settings, "postgresql://mfg:hunter2@127.0.0.1:1/x", now=NOW, wait=waits.append)
    assert "hunter2" not in str(caught.value)
    assert waits == [1.0, 2.0, 4.0]
