"""A database as a source, on SQLite: what is read, what is new, and what a second read makes of it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mfg_assets.errors import SourceError, TransientSourceError
from mfg_assets.ingest import BatchManifest, current_batches, land_extract, pending_files
from mfg_assets.ingest.connectors.database import open_database
from mfg_assets.ingest.landed import rows_path
from mfg_assets.ingest.reread import Selection, reread
from mfg_assets.settings import Settings
from tests.ingest_feed import Feed, check_counts

T0 = datetime(2026, 1, 5, 8, tzinfo=UTC)
CURSOR = {"column": "changed_at", "overlap": "15m"}


class Shop:
    """A feed from an SQLite file with the table `moves`."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.path = folder / "estate" / "extracts" / "erp.sqlite"
        self.path.parent.mkdir(parents=True)
        self.db = sqlite3.connect(self.path)
        self.db.execute("create table moves (id integer, item text, quantity, unit text, moment text, changed_at)")
        self.feed = Feed(folder, settings)
        self.feed.system = {"connector": {"type": "sql", "url": "sqlite:///extracts/erp.sqlite"}}
        self.feed.extract = {"from": "moves", "cursor": CURSOR}
        self.now = T0

    def insert(self, *ids: int, minute: int | str | None = None, quantity: object = 1) -> None:
        """Rows that were changed so many minutes after eight o'clock."""
        for row in ids:
            after = row if minute is None else minute
            changed = after if isinstance(after, str) else f"2026-01-05 {8 + after // 60:02}:{after % 60:02}:00"
            values = (row, f"I{row}", quantity, "EA", "2026-01-05T08:00:00Z", changed)
            self.db.execute("insert into moves values (?, ?, ?, ?, ?, ?)", values)
        self.db.commit()

    def execute(self, sql: str) -> None:
        self.db.execute(sql)
        self.db.commit()

    def snapshot(self) -> None:
        self.feed.extract = {"from": "moves", "delivery": "snapshot"}

    def land(self) -> list[BatchManifest]:
        self.now += timedelta(hours=1)
        result = land_extract(self.feed.estate(), "src", "feed", self.feed.settings, now=self.now)
        for batch in result.batches:
            check_counts(batch)
        return list(result.batches)

    def batch(self) -> BatchManifest:
        (batch,) = self.land()
        assert batch.reason is None
        return batch

    def pending(self) -> list[tuple[str, int, int]]:
        return pending_files(self.feed.estate(), "src", self.feed.settings).get("feed", [])

    def ids(self) -> list[list[int]]:
        """Ids by batch, oldest first."""
        place = self.feed.settings.landing_dir / "inventory_movement" / "src.feed"
        return [
            [int(r[0]) for r in duckdb.sql(
                f"select event_id from '{place / b.manifest.batch_id / 'rows.parquet'}' order by cast(event_id as int)"
            ).fetchall()]
            for b in current_batches(self.feed.manifests())
        ]  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path, settings: Settings) -> Iterator[Shop]:
    shop = Shop(tmp_path, settings)
    yield shop
    shop.db.close()


def test_the_first_read_takes_everything_and_a_second_one_nothing(shop: Shop) -> None:
    shop.insert(1, 2, 3)
    assert shop.batch().rows_landed == 3
    assert shop.feed.rows() == [("1", "I1", Decimal(1)), ("2", "I2", Decimal(1)), ("3", "I3", Decimal(1))]
    assert shop.feed.rows("source_file, source_row") == [("moves", 1), ("moves", 2), ("moves", 3)]
    assert (shop.land(), shop.pending()) == ([], [])


def test_later_reads_take_what_is_new_and_the_overlap(shop: Shop) -> None:
    shop.insert(1, 30, 60)
    assert shop.batch().source == {
        "column": "changed_at", "low": None, "mark": "2026-01-05 09:00:00", "rows": 3, "tail_rows": 1,
    }  # fmt: skip
    shop.insert(70, 90)
    assert shop.pending()
    assert shop.batch().source == {
        "column": "changed_at", "low": "2026-01-05 08:45:00", "mark": "2026-01-05 09:30:00", "rows": 3, "tail_rows": 1,
    }  # fmt: skip
    assert shop.ids() == [[1, 30, 60], [60, 70, 90]]


def test_a_row_that_is_committed_late_is_found_within_the_overlap(shop: Shop) -> None:
    shop.insert(10, 60)
    shop.batch()
    shop.insert(50)
    assert shop.pending()
    shop.batch()
    assert shop.ids() == [[10, 60], [50, 60]]
    assert (shop.land(), shop.pending()) == ([], [])


def test_a_row_of_the_very_same_moment_is_found_without_overlap(shop: Shop) -> None:
    shop.feed.extract = {"from": "moves", "cursor": {"column": "changed_at"}}
    shop.insert(60)
    shop.batch()
    shop.insert(61, minute=60)
    shop.batch()
    assert shop.ids() == [[60], [60, 61]]


@pytest.mark.parametrize(
    ("times", "low"),
    [
        (["2026-01-05T08:00:00Z", "2026-01-05T09:00:00Z"], "2026-01-05T08:45:00Z"),
        (["2026-01-05 08:00", "2026-01-05 09:00"], "2026-01-05 08:45"),
        (["2026-01-05 08:00:00.250+01:00", "2026-01-05 09:00:00.250+01:00"], "2026-01-05 08:45:00.250+01:00"),
        (["2026-01-05", "2026-01-06"], "2026-01-05"),
    ],
)
def test_marks_go_back_in_the_way_they_are_written(shop: Shop, times: list[str], low: str) -> None:
    for number, moment in enumerate(times):
        shop.insert(number, minute=moment)
    shop.batch()
    shop.insert(9, minute=times[-1])
    source = shop.batch().source
    assert source is not None
    assert source["low"] == low


def test_a_cursor_of_numbers(shop: Shop) -> None:
    shop.feed.extract = {"from": "moves", "cursor": {"column": "id", "overlap": 2}}
    shop.insert(*range(1, 11))
    shop.batch()
    shop.insert(11)
    assert shop.batch().source == {"column": "id", "low": 8, "mark": 11, "rows": 4, "tail_rows": 3}


@pytest.mark.parametrize(
    ("cursor", "minute", "message"),
    [
        ({"column": "id", "overlap": "15m"}, None, "the cursor 'id' holds numbers (1); its overlap can't be 0:15:00"),
        ({"column": "changed_at", "overlap": 100}, None, "the cursor 'changed_at' holds times"),
        (CURSOR, "soon", "the cursor 'changed_at' holds 'soon', which is neither a number nor a time"),
    ],
)
def test_an_overlap_that_does_not_fit_its_cursor(
    shop: Shop, cursor: dict[str, Any], minute: str | None, message: str
) -> None:
    shop.feed.extract = {"from": "moves", "cursor": cursor}
    shop.insert(1, minute=minute)
    with pytest.raises(SourceError) as raised:
        shop.land()
    assert message in str(raised.value)
    assert shop.feed.manifests() == []


def test_rows_without_cursor_would_be_lost_and_are_refused(shop: Shop) -> None:
    shop.insert(1)
    shop.execute("insert into moves (id) values (2)")
    with pytest.raises(SourceError, match="1 of 2 rows have no changed_at"):
        shop.land()


def test_the_mark_is_that_of_the_newest_batch_that_landed(shop: Shop) -> None:
    """A refused batch moves nothing: what it held is read again with what comes after."""
    shop.feed.extract = {"from": "moves", "cursor": CURSOR, "reject_limit": 0.4}
    shop.insert(10)
    shop.batch()
    shop.insert(60, quantity="much")
    (refused,) = shop.land()
    assert refused.state == "refused"
    assert (shop.land(), shop.pending()) == ([], []), "the same rows are not refused twice"
    shop.insert(70, 80)
    assert shop.pending()
    shop.batch()
    assert shop.ids() == [[10], [10, 70, 80]]
    assert shop.feed.letters()[-1]["reasons"] == ["not_castable"]


def test_a_lost_memory_costs_a_read_and_nothing_else(shop: Shop) -> None:
    shop.insert(1)
    shop.batch()
    (shop.feed.settings.landing_dir / "inventory_movement" / "src.feed" / "source.json").unlink()
    assert shop.pending()
    assert (shop.land(), shop.pending()) == ([], [])


def test_rows_come_again_after_their_batch_was_removed(shop: Shop) -> None:
    shop.insert(1)
    batch = shop.batch()
    shutil.rmtree(shop.feed.settings.landing_dir / "inventory_movement" / "src.feed" / batch.batch_id)
    assert shop.pending()
    assert shop.batch().rows_landed == 1


def test_a_changed_mapping_reads_every_window_again_in_place(shop: Shop) -> None:
    shop.insert(10)
    first = shop.batch()
    shop.insert(60)
    second = shop.batch()
    shop.execute("update moves set changed_at = '2026-01-05 10:00:00' where id = 10")  # now beyond both windows
    shop.feed.columns["movement_type"] = "'N'"
    assert shop.pending()
    again = shop.land()
    assert [(b.supersedes, b.rows_landed, b.extracted_at) for b in again] == [
        (first.batch_id, 0, first.extracted_at),
        (second.batch_id, 1, second.extracted_at),
        (None, 2, shop.now),
    ]
    assert shop.ids() == [[], [60], [10, 60]]
    assert (shop.land(), shop.pending()) == ([], [])


def test_an_empty_table_has_nothing_to_land_yet(shop: Shop) -> None:
    assert (shop.land(), shop.pending()) == ([], [])
    shop.insert(1)
    assert shop.pending()


# Snapshots


def test_a_snapshot_proves_itself_whole(shop: Shop) -> None:
    shop.snapshot()
    shop.insert(1, 2, 3)
    batch = shop.batch()
    assert (batch.completeness, batch.completeness_evidence) == (
        "proven",
        "moves: 3 rows counted and read in one transaction",
    )
    assert (shop.land(), shop.pending()) == ([], [])


def test_a_snapshot_lands_again_when_anything_in_it_changed(shop: Shop) -> None:
    shop.snapshot()
    shop.insert(1, 2)
    shop.batch()
    shop.execute("update moves set quantity = 7 where id = 1")
    assert shop.pending()
    shop.batch()
    shop.execute("update moves set quantity = 1 where id = 1")
    assert shop.batch().occurrence == 1, "what held before holds again"
    shop.execute("create table other (x)")
    assert shop.pending(), "the file changed, so it has to be looked at"
    assert (shop.land(), shop.pending()) == ([], [])


def test_rows_in_another_order_are_the_same_rows(shop: Shop) -> None:
    shop.snapshot()
    shop.insert(1, 2, 3)
    shop.batch()
    shop.execute("delete from moves where id = 1")
    shop.insert(1)
    assert shop.land() == []


def test_equal_rows_count(shop: Shop) -> None:
    shop.snapshot()
    shop.feed.columns["event_id"] = "item"
    shop.insert(1, 1)
    one = shop.batch()
    shop.insert(1, 1)
    assert shop.batch().content_hash != one.content_hash


def test_an_emptied_table_proves_nothing(shop: Shop) -> None:
    shop.snapshot()
    shop.insert(1)
    shop.batch()
    shop.execute("delete from moves")
    batch = shop.batch()
    assert (batch.rows_landed, batch.completeness) == (0, "unproven")
    assert [b.is_in_force for b in current_batches(shop.feed.manifests())] == [True, True]


def test_a_snapshot_under_another_mapping_keeps_its_place(shop: Shop) -> None:
    shop.snapshot()
    shop.insert(1)
    first = shop.batch()
    shop.feed.columns["movement_type"] = "'N'"
    second = shop.batch()
    assert (second.supersedes, second.extracted_at) == (first.batch_id, first.extracted_at)


def test_a_read_belongs_to_the_present_of_the_estate(shop: Shop) -> None:
    """An archived estate is looked at from an instant of its own, and so are its databases."""
    shop.snapshot()
    shop.insert(1)
    estate = shop.feed.estate()
    then = datetime(2024, 3, 1, tzinfo=UTC)
    estate = estate.model_copy(update={"file": estate.file.model_copy(update={"as_of": then})})
    (batch,) = land_extract(estate, "src", "feed", shop.feed.settings).batches
    assert batch.extracted_at == then
    assert batch.landed_at > then


# What is read


def test_a_query_with_all_that_may_stand_in_it(shop: Shop) -> None:
    query = """
        -- the day's rows: '%' and :colons are no parameters
        select m.id, 'a:b 100%' as item, cast(quantity as text) || '.5' as quantity, unit, moment, changed_at
        from moves as m where m.item like 'I%' and ':x' <> '';
    """
    shop.feed.extract = {"query": query, "cursor": CURSOR, "from": None}
    shop.insert(1, 2)
    assert shop.batch().rows_landed == 2
    assert shop.feed.rows() == [("1", "a:b 100%", Decimal("1.5")), ("2", "a:b 100%", Decimal("1.5"))]
    assert shop.feed.rows("source_file") == [("feed",), ("feed",)]


def test_names_are_quoted(shop: Shop) -> None:
    shop.execute('create table "Moves; drop table moves" (id, item, quantity, unit, moment, "changed at" text)')
    shop.execute("""insert into "Moves; drop table moves" values (1, 'I', 2, 'EA', '2026-01-05T08:00:00Z', '2026')""")
    shop.feed.extract = {"from": "Moves; drop table moves", "cursor": {"column": "changed at"}}
    assert shop.batch().rows_landed == 1
    shop.execute("select * from moves")


def test_values_of_any_type_arrive_as_texts(shop: Shop) -> None:
    shop.execute("create table kinds (a, b, c, d, e, f)")
    shop.db.execute("insert into kinds values (?, ?, ?, ?, ?, ?)", (4711.0, 0.1, b"\x00\xff", None, "", 2**62))
    shop.db.commit()
    shop.feed.columns |= {
        "event_id": "a", "item_number": "b", "from_location": "c", "to_location": "coalesce(d, e, 'none')",
        "reference_number": "f", "quantity": "1", "unit": "'EA'", "event_at": "'2026-01-05T08:00:00Z'",
    }  # fmt: skip
    shop.feed.extract = {"from": "kinds"}
    shop.batch()
    assert shop.feed.rows("event_id, item_number, from_location, to_location, reference_number") == [
        ("4711", "0.1", "00ff", "none", str(2**62))
    ]


def test_null_words_and_decimal_commas_of_texts(shop: Shop) -> None:
    shop.feed.extract |= {"options": {"null_words": ["-"], "decimal": ","}}
    shop.feed.columns["to_location"] = "item"
    shop.insert(1, quantity="2,5")
    shop.execute("update moves set item = '-' where id = 1")
    shop.feed.columns["item_number"] = "coalesce(item, 'none')"
    shop.batch()
    assert shop.feed.rows("item_number, quantity, to_location") == [("none", Decimal("2.5"), None)]


def test_a_database_that_writes_ahead_is_read_with_its_log(shop: Shop) -> None:
    shop.snapshot()
    shop.execute("pragma journal_mode = wal")
    shop.insert(1)
    shop.batch()
    assert shop.pending() == []
    shop.insert(2)
    assert shop.pending(), "only the log has changed"
    shop.batch()
    assert shop.ids()[-1] == [1, 2]


def test_many_rows_come_in_parts(shop: Shop) -> None:
    shop.execute(
        "with recursive n (x) as (select 1 union all select x + 1 from n where x < 12000) insert into moves "
        "select x, 'I', 1, 'EA', '2026-01-05T08:00:00Z', datetime('2026-01-05', x || ' seconds') from n"
    )
    assert shop.batch().rows_landed == 12_000


def test_nobody_can_write_through_the_connection(shop: Shop) -> None:
    estate = shop.feed.estate()
    with open_database(estate, estate.systems["src"]) as session, pytest.raises(Exception, match="readonly"):
        session._connection.exec_driver_sql("delete from moves")


def test_a_missing_database_is_worth_another_try(shop: Shop) -> None:
    shop.path.unlink()
    with pytest.raises(TransientSourceError, match="does not exist"):
        shop.land()
    assert shop.pending() == [("moves (not to be read)", 0, 0)]


def test_a_database_in_use_is_worth_another_try(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mfg_assets.ingest.connectors.database._CONNECT_SECONDS", 0)
    shop.db.execute("begin exclusive")
    with pytest.raises(TransientSourceError, match="locked"):
        shop.land()
    shop.db.rollback()


@pytest.mark.parametrize(
    ("extract", "message", "fix"),
    [
        ({"from": "move"}, "'move' can't be read: no such table: move", "did you mean moves?"),
        ({"from": "zzz"}, "no such table", "the database has moves"),
        ({"from": "moves", "cursor": {"column": "changed"}}, "no such column: changed", "did you mean changed_at?"),
    ],
)
def test_what_is_not_there_is_named(shop: Shop, extract: dict[str, Any], message: str, fix: str) -> None:
    shop.feed.extract = extract
    with pytest.raises(SourceError) as raised:
        shop.land()
    assert not isinstance(raised.value, TransientSourceError)
    assert message in str(raised.value)
    assert fix in str(raised.value)


def test_a_column_that_is_gone_refuses_the_batch(shop: Shop) -> None:
    shop.insert(1)
    shop.execute("alter table moves rename column quantity to amount")
    (batch,) = shop.land()
    assert batch.state == "refused"
    assert "the file moves has no column 'quantity'" in (batch.reason or "")
    assert "landing-" not in (batch.reason or ""), "the copy's place means nothing to people"


def test_of_a_databases_batches_only_the_landed_files_are_checked_by_a_replay(shop: Shop) -> None:
    shop.insert(1, 2)
    shop.batch()
    shop.execute("update moves set quantity = 9 where id = 1")
    found = reread(shop.feed.estate(), shop.feed.settings, Selection())
    assert [one.outcome for one in found] == ["not_repeatable"], "the changed row must not pass for a difference"
    (batch,) = shop.feed.manifests()
    rows_path(shop.feed.settings.landing_dir, batch).unlink()
    assert [one.outcome for one in reread(shop.feed.estate(), shop.feed.settings, Selection())] == ["lost"]
