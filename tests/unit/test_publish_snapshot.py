"""Publishing small warehouses: what a version holds, when there is a new one, what differs, what is kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mfg_assets.errors import PublicationError
from mfg_assets.publish import (
    PublicationResult,
    PublishedTable,
    TableChange,
    current_version_dir,
    publish,
    record_refusal,
    status,
)
from mfg_assets.settings import PROJECT_ROOT, Settings

ITEM = PublishedTable("item", "canonical.item", ("item_number",), "One row per item.", {"item_number": "Its number"})
STOCK = PublishedTable("inventory_state", "marts.inventory_state", ("plant_id", "item_number", "lot_number"))
TABLES = [ITEM, STOCK]
AS_OF = datetime(2026, 11, 21, 6, tzinfo=UTC)


@pytest.fixture
def warehouse(settings: Settings) -> Callable[..., None]:
    """Runs statements in the warehouse; the first call also makes two tables."""

    def run(*statements: str) -> None:
        first = not settings.warehouse_path.exists()
        settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(str(settings.warehouse_path)) as connection:
            if first:
                connection.execute("create schema canonical; create schema marts")
                connection.execute("""
                    create table canonical.item as
                    select 'I' || range as item_number, 'Item ' || range as description, null::int as n from range(5)
                """)
                connection.execute("""
                    create table marts.inventory_state as
                    select 'P1' as plant_id, 'I' || range as item_number,
                        case when range > 2 then 'L1' end as lot_number, (range * 1.5)::decimal(18, 3) as on_hand
                    from range(5)
                """)
            for statement in statements:
                connection.execute(statement)

    return run


def _publish(settings: Settings, tables: list[PublishedTable] = TABLES, **more: datetime) -> PublicationResult:
    return publish(settings, tables, run_id="run-1", as_of=AS_OF, **more)


def test_a_version_holds_every_table_twice_and_says_what_it_is(settings: Settings, warehouse: Callable) -> None:
    warehouse()
    result = _publish(settings)

    folder = settings.published_dir / "current"
    assert result.state == "published"
    assert result.tables_changed == ("inventory_state", "item")
    assert (result.rows_added, result.rows_removed, result.rows_changed) == (10, 0, 0)
    assert folder.resolve() == current_version_dir(settings) == settings.published_dir / "versions" / result.version
    assert sorted(file.name for file in folder.iterdir()) == [
        "inventory_state.parquet",
        "item.parquet",
        "manifest.json",
        "marts.duckdb",
        "publication.parquet",
    ]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["content_hash"] == result.content_hash
    assert manifest["as_of"] == AS_OF.isoformat()
    assert manifest["tables"]["item"]["rows"] == 5
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as marts:
        for table in ("item", "inventory_state", "publication"):
            parquet = f"read_parquet('{folder}/{table}.parquet')"
            both = marts.execute(
                f"select (select list(t) from {table} t), (select list(t) from {parquet} t)"
            ).fetchone()
            assert both is not None
            assert both[0] == both[1]
        assert marts.execute("select comment from duckdb_tables() where table_name = 'item'").fetchone() == (
            "One row per item.",
        )
        assert marts.execute(
            "select version, run_id, content_hash, tables_changed, rows_added from publication"
        ).fetchall() == [(result.version, "run-1", result.content_hash, ["inventory_state", "item"], 10)]


def test_unchanged_state_makes_no_version_also_from_a_rebuilt_warehouse(
    settings: Settings, warehouse: Callable
) -> None:
    warehouse()
    first = _publish(settings)
    before = sorted((p, p.lstat().st_mtime_ns) for p in settings.published_dir.rglob("*"))

    settings.warehouse_path.unlink()
    warehouse("create or replace table canonical.item as from canonical.item order by item_number desc")
    second = publish(
        settings, TABLES, run_id="run-2", as_of=AS_OF + timedelta(days=1), now=datetime(2030, 1, 1, tzinfo=UTC)
    )

    assert second == PublicationResult(first.version, first.content_hash, "unchanged")
    assert sorted((p, p.lstat().st_mtime_ns) for p in settings.published_dir.rglob("*")) == before


def test_only_what_changed_is_written_and_counted(settings: Settings, warehouse: Callable) -> None:
    warehouse()
    first = _publish(settings)
    warehouse(
        "update marts.inventory_state set on_hand = 7 where item_number in ('I1', 'I3')",
        "delete from marts.inventory_state where item_number = 'I0'",
        "insert into marts.inventory_state values ('P1', 'I1', 'L9', 1), ('P2', 'I1', null, 1), ('P2', 'I2', null, 1)",
    )
    second = _publish(settings)

    assert second.tables_changed == ("inventory_state",)
    assert dict(second.changes) == {"inventory_state": TableChange(3, 1, 2)}
    versions = settings.published_dir / "versions"
    old, new = versions / first.version, versions / second.version
    assert (old / "item.parquet").samefile(new / "item.parquet")
    assert not (old / "inventory_state.parquet").samefile(new / "inventory_state.parquet")
    with duckdb.connect() as connection:
        kept = connection.execute(f"select count(*) from '{old}/inventory_state.parquet' where on_hand = 7").fetchone()
    assert kept == (0,)
    assert [v.version for v in status(settings).versions] == [second.version, first.version]


def test_going_back_to_earlier_content_is_a_new_version_with_the_earlier_hash(
    settings: Settings, warehouse: Callable
) -> None:
    warehouse()
    first = _publish(settings)
    warehouse("update canonical.item set description = 'other' where item_number = 'I1'")
    second = _publish(settings)
    warehouse("update canonical.item set description = 'Item 1' where item_number = 'I1'")
    third = _publish(settings)
    assert third.content_hash == first.content_hash != second.content_hash
    assert [first.version[:6], second.version[:6], third.version[:6]] == ["000001", "000002", "000003"]


def test_tables_that_come_and_go_are_counted(settings: Settings, warehouse: Callable) -> None:
    warehouse()
    _publish(settings, [ITEM])
    result = _publish(settings, [STOCK])
    assert dict(result.changes) == {"inventory_state": TableChange(rows_added=5), "item": TableChange(rows_removed=5)}
    assert not (settings.published_dir / "current" / "item.parquet").exists()


def test_doubled_keys_missing_tables_and_columns_refuse_it_all_at_once(settings: Settings, warehouse: Callable) -> None:
    warehouse()
    first = _publish(settings)
    warehouse("insert into marts.inventory_state values ('P1', 'I0', null, 99)")
    tables = [
        ITEM,
        STOCK,
        PublishedTable("gone", "marts.gone", ("k",)),
        PublishedTable("keyless", "canonical.item", ("k",)),
    ]
    with pytest.raises(PublicationError) as caught:
        _publish(settings, tables)
    text = str(caught.value)
    assert len(caught.value.problems) == 3
    assert "'lot_number': None} 2 times" in text
    assert "marts.gone" in text
    assert "no column k" in text
    assert current_version_dir(settings).name == first.version


def test_names_from_the_manifest_are_quoted(settings: Settings, warehouse: Callable) -> None:
    odd = 'we"ird; drop table canonical.item --'
    quoted = '"' + odd.replace('"', '""') + '"'
    warehouse(f"create table marts.{quoted} as select 1 as {quoted}")
    result = _publish(settings, [PublishedTable("odd", f"marts.{odd}", (odd,), "it's; odd", {odd: "it's"})])
    assert result.rows_added == 1
    warehouse("select * from canonical.item")


def test_a_home_with_quotes_brackets_and_equals_signs_works(tmp_path: Path) -> None:
    home = tmp_path / "it's [a] *home* x=1"
    settings = Settings(home=home)  # pyright: ignore[reportCallIssue]
    settings.warehouse_dir.mkdir(parents=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("create schema canonical; create table canonical.item as select 'I1' as item_number")
    _publish(settings, [ITEM])
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("insert into canonical.item values ('I2')")
    assert _publish(settings, [ITEM]).rows_added == 1
    with duckdb.connect(str(current_version_dir(settings) / "marts.duckdb"), read_only=True) as marts:
        assert [row[0] for row in marts.execute("describe item").fetchall()] == ["item_number"]


def test_a_damaged_file_of_the_version_in_force_is_written_anew(settings: Settings, warehouse: Callable) -> None:
    warehouse()
    first = _publish(settings)
    (settings.published_dir / "current" / "item.parquet").unlink()
    second = _publish(settings)
    assert second.state == "published"
    assert second.content_hash == first.content_hash
    assert second.tables_changed == ()
    assert (settings.published_dir / "current" / "item.parquet").is_file()


def test_a_lost_link_is_put_back(settings: Settings, warehouse: Callable) -> None:
    warehouse()
    first = _publish(settings)
    (settings.published_dir / "current").unlink()
    assert _publish(settings).state == "unchanged"
    assert current_version_dir(settings).name == first.version


def test_a_damaged_manifest_says_what_to_do_and_doing_it_helps(settings: Settings, warehouse: Callable) -> None:
    warehouse()
    first = _publish(settings)
    warehouse("delete from canonical.item where item_number = 'I1'")
    second = _publish(settings)
    folder = settings.published_dir / "versions" / second.version
    (folder / "manifest.json").chmod(0o644)
    (folder / "manifest.json").write_text("{")
    with pytest.raises(PublicationError, match=f"remove the damaged folder {folder}"):
        _publish(settings)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    third = _publish(settings)
    assert third.rows_removed == 1
    assert [v.version for v in status(settings).versions] == [third.version, first.version]


def test_retention_keeps_versions_that_readers_may_still_be_opening(settings: Settings, warehouse: Callable) -> None:
    keeping_two = settings.model_copy(update={"keep_versions": 2})
    warehouse()
    results = []
    for n in range(5):
        warehouse(f"update canonical.item set n = {n}")
        results.append(_publish(keeping_two))
    versions = settings.published_dir / "versions"
    assert len(list(versions.iterdir())) == 5

    # Version 3 took over two hours ago, so versions 1 and 2 are out of use; 3 was until just now.
    for result in results[:3]:
        os.utime(versions / result.version, (0, (datetime.now(UTC) - timedelta(hours=2)).timestamp()))
    warehouse("update canonical.item set n = 99")
    results.append(_publish(keeping_two))

    assert sorted(p.name for p in versions.iterdir()) == [result.version for result in results[2:]]
    history = status(settings).versions
    assert [v.version for v in history] == [result.version for result in reversed(results)]
    assert [v.folder is None for v in history] == [False] * 4 + [True] * 2


def test_published_files_cannot_be_written_by_mistake(settings: Settings, warehouse: Callable) -> None:
    warehouse()
    _publish(settings)
    modes = {file.stat().st_mode & 0o777 for file in current_version_dir(settings).iterdir()}
    assert modes == {0o444}


def test_refusals_are_kept_and_the_version_in_force_stays(settings: Settings, warehouse: Callable) -> None:
    assert status(settings).current is None
    with pytest.raises(PublicationError, match="nothing is published"):
        current_version_dir(settings)
    early = record_refusal(settings, "run-0", ["item: 3 rows without a description"])
    assert status(settings).refused_since == early
    assert early.version_in_force is None

    warehouse()
    result = _publish(settings)
    assert status(settings).refused_since is None

    late = record_refusal(settings, "run-2", ["a", "b"])
    state = status(settings)
    assert state.current is not None
    assert state.current.version == late.version_in_force == result.version
    assert state.refused_since == late
    assert state.refusals == (late, early)


def test_no_warehouse_is_said_plainly(settings: Settings) -> None:
    with pytest.raises(PublicationError, match="no warehouse to publish"):
        _publish(settings)


def test_the_hash_depends_on_neither_threads_nor_memory(settings: Settings, warehouse: Callable) -> None:
    warehouse("insert into canonical.item select 'X' || range, 'y', range from range(200000)")
    first = _publish(settings)
    small = settings.model_copy(update={"threads": 1, "memory_limit": "200MB"})
    assert _publish(small) == PublicationResult(first.version, first.content_hash, "unchanged")


def test_the_documented_way_to_read_works_across_versions(
    settings: Settings, warehouse: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs the Python of docs/publication.md while another reader holds the version before."""
    code = (PROJECT_ROOT / "docs" / "publication.md").read_text().split("```python\n")[1].split("```")[0]
    warehouse("create table marts.inventory_finding as select 1 as finding_id, 'unexplained' as finding_class")
    tables = [PublishedTable("inventory_finding", "marts.inventory_finding", ("finding_id",))]
    _publish(settings, tables)
    settings.home_path.rename(settings.home_path.with_name(".mfg"))
    moved = settings.model_copy(update={"home": settings.home_path.with_name(".mfg")})
    monkeypatch.chdir(moved.home_path.parent)

    def read() -> int:
        scope: dict[str, Any] = {}
        exec(code, scope)  # noqa: S102 - our own documentation
        return int(scope["findings"]["count_star()"].sum())

    with duckdb.connect(str(current_version_dir(moved) / "marts.duckdb"), read_only=True) as held:
        assert read() == 1
        with duckdb.connect(str(moved.warehouse_path)) as connection:
            connection.execute("insert into marts.inventory_finding values (2, 'unexplained')")
        _publish(moved, tables)
        assert read() == 2
        assert held.execute("select count(*) from inventory_finding").fetchone() == (1,)
