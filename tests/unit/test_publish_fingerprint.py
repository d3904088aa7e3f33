"""Content hashes: equal content gives equal hashes, whatever the order, threads, time zone or container."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb
import pytest

from mfg_assets.publish.fingerprint import (
    compare,
    describe,
    duplicate_keys,
    fingerprint,
    parquet,
    select_list,
)
from mfg_assets.publish.model import TableChange


def _hash(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    return fingerprint(connection, relation, describe(connection, relation)).hash


def _hash_of(select: str) -> str:
    with duckdb.connect() as connection:
        connection.execute(f"create table t as {select}")
        return _hash(connection, "t")


def test_hash_ignores_insertion_order_threads_and_time_zone() -> None:
    rows = "select range as n, 'x' || range as name, (range / 7)::decimal(18, 6) as q, now() as at from range(300000)"
    hashes = set()
    with duckdb.connect() as connection:
        connection.execute(f"create table source as {rows}")
        for threads, order, zone in ((1, "n", "UTC"), (2, "n desc", "America/Los_Angeles"), (4, "hash(n)", "UTC")):
            connection.execute(f"set threads = {threads}")
            connection.execute(f"set TimeZone = '{zone}'")
            connection.execute(f"create or replace table t as select * from source order by {order}")
            hashes.add(_hash(connection, "t"))
    assert len(hashes) == 1


def test_hash_follows_its_description_and_not_the_engine() -> None:
    """Computed again with hashlib alone: DuckDB's own hash functions change between its versions."""
    select = """
        select 1 as n, 'é' as t, 1.50::decimal(18, 2) as q, timestamptz '2026-01-01 00:00:00+00' as at,
            null::varchar as z
        union all select null, '', null, null, 'x'
    """
    texts = ["1\x1f2:é\x1f1.50\x1f1767225600000000\x1f", "\x1f0:\x1f\x1f\x1f1:x"]
    digests = [hashlib.md5(text.encode(), usedforsecurity=False).digest() for text in texts]
    # DuckDB reads the digest as a little-endian number.
    upper, lower = (sum(int.from_bytes(d[half], "little") for d in digests) for half in (slice(8, 16), slice(0, 8)))
    schema = [
        ["n", "INTEGER"],
        ["t", "VARCHAR"],
        ["q", "DECIMAL(18,2)"],
        ["at", "TIMESTAMP WITH TIME ZONE"],
        ["z", "VARCHAR"],
    ]
    content = json.dumps([schema, 2, str(upper), str(lower)], separators=(",", ":"))
    assert _hash_of(select) == hashlib.sha256(content.encode()).hexdigest()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select 'a' as x, 'bc' as y", "select 'ab' as x, 'c' as y"),
        ("select null::varchar as x", "select '' as x"),
        ("select 'NULL' as x", "select null::varchar as x"),
        ("select 'a' || chr(31) || '1:b' as x, 'c' as y", "select 'a' as x, 'b' || chr(31) || '1:c' as y"),
        ("select null::int as x, 1 as y", "select 1 as x, null::int as y"),
        ("select ['a, b'] as x", "select ['a', 'b'] as x"),
        ("select [null]::varchar[] as x", "select ['NULL'] as x"),
        ("select 1.0::decimal(18, 1) as x", "select 1.00::decimal(18, 2) as x"),
        ("select 1 as x", "select 1 as y"),
        ("select 1 as x", "select 1 as x union all select 1"),
        ("select 1 as x union all select 1", "select 2 as x union all select 2"),
        ("select 1 as x where false", "select 1 as x"),
        ("select timestamptz 'infinity' as x", "select null::timestamptz as x"),
        ("select timestamptz '2026-10-25 00:30:00+00' as x", "select timestamptz '2026-10-25 01:30:00+00' as x"),
    ],
)
def test_different_content_gives_different_hashes(one: str, other: str) -> None:
    assert _hash_of(one) != _hash_of(other)


def test_every_published_type_survives_parquet(tmp_path: Path) -> None:
    """What is hashed in the warehouse is what a reader finds in the file: no digit is lost on the way."""
    select = """
        select
            170141183460469231731687303715884105::hugeint as huge, 1::utinyint as tiny, -1::bigint as big,
            12345678901234567890.123456::decimal(38, 6) as exact, 0.1::double as approximate,
            'plain, "quoted"' as words, 'b'::enum('a', 'b') as one_of,
            uuid '6b8bc431-36d8-4a4a-b5b2-0c3a6e0f5b1d' as id,
            json('{"a": 1.10}') as document, true as flag, date '2026-02-28' as day, time '01:02:03.000004' as at_time,
            timestamptz '2026-01-01 00:00:00.123456+00' as at, timestamp '2026-01-01 01:00:00' as naive,
            timestamp_s '2026-01-01 01:00:00' as seconds, timestamp_ms '2026-01-01 01:00:00.5' as millis,
            interval '1 month 2 days 3 microseconds' as span, ['a', null, 'b, c'] as list,
            {'k': 1.50::decimal(9, 2)} as struct,
            '\\x00\\xff'::blob as bytes, null as nothing
        union all
        select null, null, null, null, 'nan'::double, '', null, null, null, null, null, null, null, null, null, null,
            null, [], null, null, null
    """
    file = tmp_path / "site=1 [x]" / "t.parquet"
    file.parent.mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"create table t as {select}")
        columns = describe(connection, "t")
        connection.execute(f"copy (select {select_list(columns)} from t) to '{file}' (format parquet)")
        assert _hash(connection, parquet(file)) == _hash(connection, "t")
        exact = connection.execute(f"select huge::varchar from {parquet(file)} where huge is not null").fetchall()
    assert exact == [("170141183460469231731687303715884105",)]


def test_compare_counts_rows_by_key_with_nulls_in_it() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create table old as select * from (values ('A', null, 1), ('A', 'L', 2), ('B', null, 3)) t(i, lot, q)"
        )
        connection.execute(
            "create table new as select * from (values ('A', null, 1), ('A', 'L', 9), ('C', null, 3)) t(i, lot, q)"
        )
        change = compare(
            connection, "old", describe(connection, "old"), "new", describe(connection, "new"), ("i", "lot")
        )
    assert change == TableChange(rows_added=1, rows_removed=1, rows_changed=1)


def test_compare_after_a_column_was_added_counts_kept_rows_as_changed() -> None:
    with duckdb.connect() as connection:
        connection.execute("create table old as select * from (values (1, 'a'), (2, 'b')) t(k, v)")
        connection.execute("create table new as select *, 'w' as w from (values (2, 'b'), (3, 'c')) t(k, v)")
        change = compare(connection, "old", describe(connection, "old"), "new", describe(connection, "new"), ("k",))
        replaced = compare(connection, "old", describe(connection, "old"), "new", describe(connection, "new"), ("w",))
    assert change == TableChange(rows_added=1, rows_removed=1, rows_changed=1)
    assert replaced == TableChange(rows_added=2, rows_removed=2)


def test_duplicate_keys_treats_nulls_as_equal() -> None:
    with duckdb.connect() as connection:
        connection.execute("create table t as select * from (values ('A', null), ('A', null), ('B', 'x')) t(k, lot)")
        assert duplicate_keys(connection, "t", ("k", "lot")) == [("A", None, 2)]
        assert duplicate_keys(connection, "t", ("k",)) == [("A", 2)]
