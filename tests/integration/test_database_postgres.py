"""A PostgreSQL database as a source: its types, transactions that overlap, and connections that break."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from mfg_assets.errors import EstateError, SourceError, TransientSourceError
from mfg_assets.estate.check import collect_problems
from mfg_assets.estate.loader import load_estate
from mfg_assets.estate.models import Estate
from mfg_assets.ingest import BatchManifest, land_extract, pending_files
from mfg_assets.ingest.connectors import database
from mfg_assets.settings import Settings
from tests.ingest_feed import Feed, check_counts
from tests.postgres import Server, postgres_server

pytestmark = pytest.mark.postgres

TABLE = """
    drop schema if exists erp cascade;
    create schema erp;
    create table erp."Moves" (
        id bigint, item text, quantity numeric(18, 6), unit text, moment timestamptz,
        changed_at timestamptz default clock_timestamp()
    );
"""
INSERT = """
    insert into erp."Moves" (id, item, quantity, unit, moment, changed_at)
    values (%s, 'I', 1.25, 'EA', '2026-01-05 09:00:00.5+01', %s)
"""
CURSOR = {"column": "changed_at", "overlap": "15m"}
EIGHT = datetime(2026, 1, 5, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres_server() as running:
        yield running


class Shop:
    """A feed from the table "Moves" in the schema erp."""

    def __init__(self, folder: Path, settings: Settings, server: Server) -> None:
        self.server = server
        self.db = psycopg.connect(server.url, autocommit=True)
        self.db.execute(TABLE)
        self.feed = Feed(folder, settings)
        self.url = server.url
        self.feed.system = {"connector": {"type": "sql", "url": "${ERP_URL}", "schema": "erp"}}
        self.feed.extract = {"from": "Moves", "cursor": CURSOR}
        self.now = EIGHT

    def insert(self, *ids: int, into: Any = None) -> None:
        for row in ids:
            (into or self.db).execute(INSERT, (row, EIGHT + timedelta(minutes=row)))

    def land(self) -> list[BatchManifest]:
        self.now += timedelta(hours=1)
        batches = land_extract(self.estate(), "src", "feed", self.feed.settings, now=self.now).batches
        for batch in batches:
            check_counts(batch)
        return list(batches)

    def estate(self) -> Estate:
        """The password stands in a variable, as it should."""
        with pytest.raises(EstateError, match="ERP_URL is not set"):
            self.feed.estate()
        return load_estate(self.feed.root / "estate", {"ERP_URL": self.url})

    def ids(self) -> list[int]:
        return sorted(int(row[0]) for row in self.feed.rows("event_id"))

    def pending(self) -> list[tuple[str, int, int]]:
        return pending_files(self.estate(), "src", self.feed.settings).get("feed", [])


@pytest.fixture
def shop(tmp_path: Path, settings: Settings, server: Server) -> Iterator[Shop]:
    shop = Shop(tmp_path, settings, server)
    yield shop
    shop.db.close()


def test_incremental_reading_with_a_late_commit(shop: Shop) -> None:
    """A transaction that took its time before the mark and committed after it."""
    shop.insert(10, 60)
    with psycopg.connect(shop.server.url) as late:
        shop.insert(50, into=late)
        shop.land()
        assert shop.ids() == [10, 60]
        assert (shop.land(), shop.pending()) == ([], []), "nothing is new while it hasn't committed"
        late.commit()
    assert shop.pending()
    (batch,) = shop.land()
    assert batch.source == {
        "column": "changed_at", "low": "2026-01-05 08:45:00+00", "mark": "2026-01-05 09:00:00+00",
        "rows": 2, "tail_rows": 2,
    }  # fmt: skip
    assert shop.ids() == [10, 50, 60, 60], "a repeated event is no second one, but that is for the warehouse to say"
    assert (shop.land(), shop.pending()) == ([], [])


def test_the_same_mapping_reads_the_same_rows_as_from_sqlite(shop: Shop) -> None:
    shop.insert(1)
    shop.land()
    assert shop.feed.rows("event_id, quantity, event_at") == [
        ("1", Decimal("1.25"), datetime(2026, 1, 5, 8, 0, 0, 500_000, tzinfo=UTC))
    ]


def test_types_as_texts(shop: Shop) -> None:
    values = {
        "true": "true", "12.500::numeric": "12.500", "0.1::float8": "0.1", "date '2026-01-05'": "2026-01-05",
        "'infinity'::timestamptz": "infinity", "timestamp '2026-01-05 08:00'": "2026-01-05 08:00:00",
        "interval '90 minutes'": "PT1H30M", "array[1, 2]": '["1", "2"]', "'{\"a\": 1.10}'::json": '{"a": 1.10}',
        "'\\x00ff'::bytea": "00ff", "'12345678901234567890.123456789'::numeric": "12345678901234567890.123456789",
    }  # fmt: skip
    columns = ", ".join(f"{sql} as c{n}" for n, sql in enumerate(values))
    shop.feed.extract = {"from": None, "query": f"select {columns}", "delivery": "snapshot"}
    joined = " || '|' || ".join(f"c{n}" for n in range(len(values)))
    shop.feed.columns = {
        "event_id": joined, "movement_type": "'M'", "item_number": "'I'", "quantity": "1", "unit": "'EA'",
        "event_at": "'2026-01-05T08:00:00Z'",
    }  # fmt: skip
    (batch,) = shop.land()
    assert batch.reason is None
    assert shop.feed.rows("event_id") == [("|".join(values.values()),)]


def test_a_snapshot_is_one_moment_whatever_is_written_meanwhile(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.feed.extract = {"from": "Moves", "delivery": "snapshot"}
    shop.insert(*range(20))
    counted = database.Session.extent

    def then_somebody_writes(self: Any, *arguments: Any) -> Any:
        found = counted(self, *arguments)
        shop.insert(99)
        shop.db.execute('delete from erp."Moves" where id < 10')
        return found

    monkeypatch.setattr(database.Session, "extent", then_somebody_writes)
    (batch,) = shop.land()
    assert (batch.completeness, batch.rows_landed) == ("proven", 20)
    assert shop.ids() == list(range(20))
    monkeypatch.undo()
    assert shop.pending()


@pytest.mark.parametrize(
    "change",
    [
        'update erp."Moves" set quantity = 7 where id = 1',
        'delete from erp."Moves" where id = 1',
        'truncate erp."Moves"',
    ],
)
@pytest.mark.parametrize("source", [{"from": "Moves"}, {"from": None, "query": 'select * from erp."Moves"'}])
def test_every_change_of_a_snapshot_is_pending(shop: Shop, change: LiteralString, source: dict[str, Any]) -> None:
    shop.feed.extract = {**source, "delivery": "snapshot"}
    shop.insert(1, 2)
    shop.land()
    assert shop.pending() == []
    shop.db.execute(change)
    assert shop.pending(), "at once, though the server's counters come late"
    shop.land()
    assert shop.pending() == []


def test_a_table_that_others_write_beside_wakes_nobody(shop: Shop) -> None:
    """`mfg run` looks once more, as it can't know; the sensor, which goes by names, starts no run for it."""
    shop.feed.extract = {"from": "Moves", "delivery": "snapshot"}
    shop.insert(1, 2)
    shop.db.execute("select pg_stat_force_next_flush()")
    time.sleep(1.5)
    before = shop.pending()
    shop.land()
    shop.db.execute("create table erp.other (id int)")
    assert shop.pending() == before
    assert (shop.land(), shop.pending()) == ([], [])


def test_rows_are_streamed_by_the_server(shop: Shop) -> None:
    """Far more rows than are ever in memory: no more than a part of them is fetched before the first is written."""
    shop.db.execute("""
        insert into erp."Moves" (id, item, quantity, unit, moment, changed_at)
        select n, 'I', 1, 'EA', '2026-01-05', '2026-01-05' from generate_series(1, 30000) as n
    """)
    (batch,) = shop.land()
    assert batch.rows_landed == 30_000


def test_nobody_can_write_through_the_connection(shop: Shop) -> None:
    shop.db.execute("""
        create or replace function erp.steal() returns table (id int) language sql volatile
        as $$ insert into erp."Moves" (id) values (7) returning 7 $$
    """)
    shop.feed.extract = {"from": None, "query": "select * from erp.steal()"}
    with pytest.raises(SourceError, match="read-only transaction"):
        shop.land()
    assert shop.db.execute('select count(*) from erp."Moves"').fetchone() == (0,)


def test_a_wrong_password_is_not_shown_and_not_tried_again(shop: Shop) -> None:
    shop.url = shop.server.url.replace(shop.server.password, "s3cret%2Fword")
    with pytest.raises(SourceError) as raised:
        shop.land()
    text = str(raised.value)
    assert not isinstance(raised.value, TransientSourceError)
    assert "password authentication failed" in text
    assert "s3cret" not in text
    assert raised.value.__cause__ is None
    problems = collect_problems(shop.feed.root / "estate", shop.feed.settings, environ={"ERP_URL": shop.url})
    shown = [str(problem) for problem in problems if problem.path and problem.path.parent.name == "systems"]
    assert [p.count("password authentication failed") for p in shown] == [1]
    assert "s3cret" not in str(problems)


def test_nothing_of_the_url_is_written_down(shop: Shop) -> None:
    shop.insert(1)
    shop.land()
    assert shop.server.password not in repr(shop.estate())
    written = [p for p in shop.feed.settings.home_path.rglob("*") if p.is_file()]
    assert written
    assert [p for p in written if shop.server.password.encode() in p.read_bytes()] == []


def test_a_connection_that_drops_in_the_middle_leaves_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.db.execute("""
        insert into erp."Moves" (id, item, quantity, unit, moment, changed_at)
        select n, 'I', 1, 'EA', '2026-01-05', '2026-01-05' from generate_series(1, 20000) as n
    """)
    texts, parts = database._texts, []

    def then_it_drops(values: Any, nulls: Any) -> Any:
        if not parts:
            shop.db.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where pid <> pg_backend_pid() and backend_type = 'client backend'"
            )
        parts.append(len(values))
        return texts(values, nulls)

    monkeypatch.setattr(database, "_texts", then_it_drops)
    with pytest.raises(TransientSourceError):
        shop.land()
    assert 0 < sum(parts) < 20_000 * 6, "it broke in the middle"
    assert shop.feed.manifests() == []
    assert list((shop.feed.settings.home_path / "tmp").iterdir()) == []
    monkeypatch.undo()
    assert shop.land()[0].rows_landed == 20_000


def test_a_server_that_is_gone_is_worth_another_try(shop: Shop) -> None:
    shop.url = shop.url.replace(f":{shop.server.port}/", ":1/")
    with pytest.raises(TransientSourceError, match=r"the database postgresql 127.0.0.1:1/postgres fails"):
        shop.land()
    assert shop.pending() == [("Moves (not to be read)", 0, 0)]


def test_what_is_not_there_is_named(shop: Shop) -> None:
    for extract, message, fix in (
        ({"from": "moves"}, 'relation "erp.moves" does not exist', "did you mean Moves?"),
        ({"from": "Moves", "cursor": {"column": "changed"}}, 'column "changed" does not exist', "changed_at"),
        ({"from": None, "query": "select nope from x y z"}, "the query can't be read", "correct query"),
    ):
        shop.feed.extract = extract
        with pytest.raises(SourceError) as raised:
            shop.land()
        assert not isinstance(raised.value, TransientSourceError)
        assert message in str(raised.value)
        assert fix in str(raised.value)


def test_the_manifest_can_be_read_by_people(shop: Shop) -> None:
    shop.insert(1)
    (batch,) = shop.land()
    place = shop.feed.settings.landing_dir / "inventory_movement" / "src.feed" / batch.batch_id
    manifest = json.loads((place / "manifest.json").read_text())
    assert manifest["source"]["mark"] == "2026-01-05 08:01:00+00"
    assert [f["name"] for f in manifest["files"]] == ["Moves"]
