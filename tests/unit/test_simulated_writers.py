"""Files of the simulated systems: exact bytes, and what a fault of a feed changes in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from mfg_assets.simulate import held
from mfg_assets.simulate.export.clocks import inclusive_end, local_day, local_time
from mfg_assets.simulate.export.erp_s4 import DIALECT
from mfg_assets.simulate.export.feeds import Feed, Window, native_rows
from mfg_assets.simulate.export.markup import nested_sql
from mfg_assets.simulate.export.native import revision_number
from mfg_assets.simulate.export.staging import Drop, Relation, Tampering, stage
from mfg_assets.simulate.export.writers import (
    Field,
    write_delimited,
    write_fixed_width,
    write_json_lines,
    write_lines,
    write_parquet,
    write_sqlite,
)

ROWS = "select * from (values ('1', 'Bolt; M8'), ('2', 'Größe \"5\"'), ('3', null)) as t(id, name)"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


@pytest.fixture
def drop(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Drop:
    return Drop(con, tmp_path, Window(datetime(2026, 1, 26, 4, tzinfo=UTC)))


def _value(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    row = con.execute(f"select {sql}").fetchone()
    assert row is not None
    return row[0]


def test_what_is_held_twice_is_written_in_one_order(con: duckdb.DuckDBPyConnection) -> None:
    window = Window(datetime(2026, 1, 26, 4, tzinfo=UTC))
    feed = Feed("item", "snapshot", {"name": "description"})
    found = []
    for names in (("a", "b", "c"), ("c", "b", "a")):
        held.create(con)
        for name in names:
            con.execute(
                "insert into held.item by name select '1' as item_number, ? as description, 'EA' as base_unit, "
                "'erp' as source_system, '1' as row_id, timestamptz '2026-01-05 00:00:00+00' as visible_from",
                [name],
            )
        found.append(con.execute(native_rows(feed, "erp", window)).fetchall())
    assert len(found[0]) == 3
    assert found[0] == found[1]


def test_delimited_lines_are_quoted_encoded_and_counted(drop: Drop, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    relation = stage(drop, "erp", "item", ROWS)
    write_delimited(drop.connection, relation, path, delimiter=";", encoding="cp1252", trailer="*END* {rows}")
    expected = 'id;name\n1;"Bolt; M8"\n2;"Größe ""5"""\n3;\n*END* 3\n'
    assert path.read_bytes() == expected.encode("cp1252")
    assert list(tmp_path.iterdir()) == [path]


def test_pages_hold_every_row_once(drop: Drop, tmp_path: Path) -> None:
    relation = stage(drop, "erp", "item", ROWS)
    for offset in (0, 2):
        write_delimited(drop.connection, relation, tmp_path / f"{offset}.csv", page=(offset, 2))
    assert (tmp_path / "0.csv").read_text() == 'id,name\n1,Bolt; M8\n2,"Größe ""5"""\n'
    assert (tmp_path / "2.csv").read_text() == "id,name\n3,\n"


def test_a_text_that_the_encoding_lacks_is_no_question_mark(drop: Drop, tmp_path: Path) -> None:
    relation = stage(drop, "erp", "supplier", "select 'Nguyễn' as name")
    with pytest.raises(UnicodeEncodeError):
        write_delimited(drop.connection, relation, tmp_path / "a.csv", encoding="cp1252")
    assert list(tmp_path.iterdir()) == []


def test_fixed_width_keeps_places_in_characters(drop: Drop, tmp_path: Path) -> None:
    relation = stage(drop, "erp", "item", "select 'Größe' as name, '12.5-' as qty union all select 'B', null")
    fields = [Field("name", 1, 7), Field("qty", 9, 6, is_right=True)]
    write_fixed_width(drop.connection, relation, tmp_path / "a.txt", fields, encoding="cp1252", trailer="*END* {rows}")
    assert (tmp_path / "a.txt").read_bytes().decode("cp1252") == "Größe    12.5-\nB             \n*END* 2\n"


def test_a_value_wider_than_its_field_is_refused(drop: Drop, tmp_path: Path) -> None:
    relation = stage(drop, "erp", "item", "select '12345' as id")
    with pytest.raises(ValueError, match="does not fit"):
        write_fixed_width(drop.connection, relation, tmp_path / "a.txt", [Field("id", 1, 4)])


def test_json_nests_what_is_json(drop: Drop, tmp_path: Path) -> None:
    relation = stage(drop, "plm", "item", "select 'Part' as object, to_json({'a': 1, 'b': null}) as data")
    write_json_lines(drop.connection, relation, tmp_path / "a.jsonl")
    assert (tmp_path / "a.jsonl").read_text() == '{"object":"Part","data":{"a":1,"b":null}}\n'


def test_all_but_the_first_element_leave_out_what_is_null_and_lines_stand_in_their_bill(
    drop: Drop, tmp_path: Path
) -> None:
    rows = """
        select * from (values
            ('7', '10', '2', 'each', 'a < b & "c"', null, null), ('7', '20', '1', null, null, null, null),
            (null, '10', null, null, null, null, '2026')
        ) as t("bill.@number", "@position", "quantity", "quantity/@uom", "note", "@kind", "effectivity/@from")
    """
    relation = stage(drop, "plm", "bom_line", rows)
    sql = f"select text from ({nested_sql('bill', 'line', relation)}) order by place, step, line"
    write_lines(drop.connection, sql, tmp_path / "a.xml", head=["<all>"], tail=["</all>"])
    note = "<note>a &lt; b &amp; &quot;c&quot;</note>"
    assert (tmp_path / "a.xml").read_text().splitlines() == [
        "<all>",
        '<bill number="7">',
        f'<line position="10" kind=""><quantity uom="each">2</quantity>{note}<effectivity from=""/></line>',
        '<line position="20"><quantity>1</quantity></line>',
        "</bill>",
        '<bill number="">',
        '<line position="10"><effectivity from="2026"/></line>',
        "</bill>",
        "</all>",
    ]


def test_a_database_has_the_same_bytes_again(drop: Drop, tmp_path: Path) -> None:
    relation = stage(drop, "erp", "item", "select i::varchar as id, 'x' || i as name from range(5000) as r(i)")
    for name in ("a", "b"):
        write_sqlite(drop.connection, {"item": relation}, tmp_path / name, {"item": "id"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with sqlite3.connect(tmp_path / "a") as database:
        assert database.execute("select count(*), max(name) from item where id >= '42'").fetchone()[0] > 0
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)


def test_a_fault_changes_rows_adds_lines_and_says_another_count(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    seen = []

    def short(connection: duckdb.DuckDBPyConnection, system: str, entity: str, relation: str) -> Tampering:
        seen.append((system, entity))
        connection.execute(f"delete from {relation} where id = '2'")
        return Tampering(("4;5;6;7",), claimed_rows=9)

    drop = Drop(con, tmp_path, Window(datetime(2026, 1, 26, 4, tzinfo=UTC)), short)
    relation = stage(drop, "erp", "item", ROWS)
    write_delimited(con, relation, tmp_path / "a.csv", delimiter=";", trailer="*END* {rows}")
    assert (tmp_path / "a.csv").read_text() == 'id;name\n1;"Bolt; M8"\n3;\n4;5;6;7\n*END* 9\n'
    assert seen == [("erp", "item")]
    assert (relation.rows, relation.claimed_rows) == (2, 9)


def test_raw_lines_are_refused_where_there_are_no_lines(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    con.execute("create table t as select '1' as id")
    relation = Relation("t", ("id",), 1, 2, ("rubbish",))
    with pytest.raises(ValueError, match="no raw lines"):
        write_parquet(con, relation, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="no raw lines"):
        write_sqlite(con, {"t": relation}, tmp_path / "a.sqlite")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        ("2026-03-29T00:59:59Z", "2026-03-29 01:59:59"),
        ("2026-03-29T01:00:00Z", "2026-03-29 03:00:00"),
        ("2026-10-25T00:30:00Z", "2026-10-25 02:30:00"),
        ("2026-10-25T01:30:00Z", "2026-10-25T02:30:00+01:00"),
        ("2026-01-05T08:00:00.5Z", "2026-01-05 09:00:00.5"),
    ],
)
def test_an_hour_that_comes_twice_is_told_apart(con: duckdb.DuckDBPyConnection, instant: str, text: str) -> None:
    assert _value(con, local_time(f"timestamptz '{instant}'", "Europe/Berlin")) == text


def test_a_day_is_a_day_and_its_end_the_last_one(con: duckdb.DuckDBPyConnection) -> None:
    zone, day, time = "America/Chicago", "%m/%d/%y", "%m/%d/%y %H:%M:%S"
    midnight, noon = "timestamptz '2026-03-09T05:00:00Z'", "timestamptz '2026-03-09T17:00:00Z'"
    assert _value(con, local_day(midnight, zone, day, time)) == "03/09/26"
    assert _value(con, local_day(noon, zone, day, time)) == "03/09/26 12:00:00"
    assert _value(con, inclusive_end(midnight, zone, day, time)) == "03/08/26"
    assert _value(con, inclusive_end(noon, zone, day, time)) == "03/08/26 12:00:00"


def test_a_counted_revision_is_written_as_its_code_map_reads_it(con: duckdb.DuckDBPyConnection) -> None:
    codes = {code: native for name, _, native, code in DIALECT.code_rows() if name == "revisions"}
    digits = DIALECT.revision_digits
    assert digits is not None
    written = con.execute(
        f"select code, {revision_number('code', digits)} from (select unnest(?) as code)", [list(codes)]
    ).fetchall()
    assert dict(written) == codes
    assert (codes["A"], codes["Z"], codes["AA"], codes["ZZ"]) == ("01", "26", "27", "702")
    [kept] = con.execute(f"select {revision_number('code', digits)} from (select 'A-1' as code)").fetchall()
    assert kept == ("A-1",)
