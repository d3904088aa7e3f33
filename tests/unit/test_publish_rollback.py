"""Going back to an older version: a version of its own, which no run undoes by itself; and what differs between two."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from mfg_assets.audit import entries
from mfg_assets.errors import PublicationError, UsageError
from mfg_assets.publish import (
    PublicationResult,
    PublishedTable,
    current_version_dir,
    differences,
    find_version,
    publish,
    rollback,
    row_differences,
    status,
)
from mfg_assets.settings import Settings

TABLES = [
    PublishedTable("item", "marts.item", ("item_number", "plant_id"), "One row per item.", {"item_number": "Number"}),
    PublishedTable("exception", "marts.exception", ("exception_id",), is_ledger=True),
]
AS_OF = datetime(2026, 11, 21, 6, tzinfo=UTC)


def _build(settings: Settings, *statements: str) -> PublicationResult:
    """Change the warehouse as a run would, and publish it."""
    first = not settings.warehouse_path.exists()
    settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        if first:
            connection.execute("""
                create schema marts;
                create table marts.item as
                select 'I' || range as item_number, case when range > 0 then 'P1' end as plant_id,
                    1.5::decimal(9, 1) as cost
                from range(3);
                create table marts.exception as select 'x' as exception_id, 'open' as state
            """)
        for statement in statements:
            connection.execute(statement)
    return publish(settings, TABLES, run_id="run", as_of=AS_OF)


def _read(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(current_version_dir(settings) / "marts.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _costs(settings: Settings) -> list[float]:
    return [float(str(row[0])) for row in _read(settings, "select cost from item order by item_number")]


@pytest.fixture
def rolled_back(settings: Settings) -> tuple[Settings, str, str]:
    """Version 1, a bad version 2, an act since, and the rollback to 1."""
    first = _build(settings)
    second = _build(settings, "update marts.item set cost = 99", "insert into marts.exception values ('y', 'open')")
    rollback(settings, "1", published_by="ana", reason="wrong prices")
    return settings, first.version, second.version


def test_a_rollback_is_a_new_version_with_the_old_data_and_the_present_acts(
    rolled_back: tuple[Settings, str, str],
) -> None:
    settings, first, second = rolled_back
    now = status(settings)
    assert [v.version.partition("-")[0] for v in now.versions] == ["000003", "000002", "000001"]
    current = now.versions[0]
    assert (current.rollback_of, current.published_by, current.reason) == (first, "ana", "wrong prices")
    assert (current.tables_changed, current.rows_changed) == (("item",), 3)
    assert _costs(settings) == [1.5] * 3
    assert _read(settings, "select count(*) from exception") == [(2,)], "what people did since is not taken back"
    assert _read(settings, "select rollback_of, published_by from publication order by version") == [
        (None, None),
        (None, None),
        (first, "ana"),
    ]
    folder = current_version_dir(settings)
    assert (folder / "item.parquet").samefile(folder.parent / first / "item.parquet")
    assert json.loads((folder.parent / second / "manifest.json").read_text())["rollback_of"] is None


def test_no_run_undoes_it_but_acts_still_reach_readers(rolled_back: tuple[Settings, str, str]) -> None:
    settings, first, second = rolled_back
    third = status(settings).versions[0].version
    again = _build(settings)
    assert (again.state, again.version) == ("unchanged", third), "the warehouse still holds what was withdrawn"
    acted = _build(settings, "update marts.exception set state = 'assigned'")
    assert (acted.state, acted.tables_changed) == ("published", ("exception",))
    assert _costs(settings) == [1.5] * 3
    current = status(settings).versions[0]
    assert (current.rollback_of, current.published_by) == (first, None)
    # A mended build is a state of its own, and so is the withdrawn one when somebody asks for it.
    assert _build(settings, "update marts.item set cost = 2").state == "published"
    assert _costs(settings) == [2.0] * 3
    assert status(settings).versions[0].rollback_of is None
    rollback(settings, second, published_by="ana", reason="it was right after all")
    assert _costs(settings) == [99.0] * 3


def test_rolling_forward_again_ends_the_hold(rolled_back: tuple[Settings, str, str]) -> None:
    settings, _, second = rolled_back
    rollback(settings, second, published_by="ana", reason="it was right after all")
    assert _costs(settings) == [99.0] * 3
    assert _build(settings).state == "unchanged"
    same = rollback(settings, second, published_by="ana", reason="twice")
    assert same.state == "unchanged"


def test_a_version_is_named_as_people_name_it(rolled_back: tuple[Settings, str, str]) -> None:
    settings, first, second = rolled_back
    assert find_version(settings, "2") == find_version(settings, second) == find_version(settings, second[:9]) == second
    assert find_version(settings, "previous") == second
    assert find_version(settings, "000001") == first
    for wrong in ("9", "", "00000", "../000001"):
        with pytest.raises(UsageError, match="version"):
            find_version(settings, wrong)
    with pytest.raises(UsageError, match="reason"):
        rollback(settings, "1", published_by="ana", reason=" ")


def test_a_damaged_version_is_not_put_back(rolled_back: tuple[Settings, str, str]) -> None:
    settings, _, second = rolled_back
    (settings.published_dir / "versions" / second / "item.parquet").unlink()
    with pytest.raises(PublicationError, match="item of version 000002"):
        rollback(settings, second, published_by="ana", reason="back")
    assert _costs(settings) == [1.5] * 3
    assert not list(settings.published_dir.rglob(".tmp-*"))


def test_a_history_of_an_older_program_goes_on(rolled_back: tuple[Settings, str, str]) -> None:
    settings, _, _ = rolled_back
    file = current_version_dir(settings) / "publication.parquet"
    aside = Path(f"{file}.aside")
    duckdb.sql(
        f"copy (select * exclude (rollback_of, published_by, reason) from '{file}') to '{aside}' (format parquet)"
    )
    file.chmod(0o644)
    aside.replace(file)
    assert len(status(settings).versions) == 3
    _build(settings, "update marts.item set cost = 2")
    assert [v.rollback_of for v in status(settings).versions] == [None] * 4


def test_what_differs_is_told_by_table_row_and_value(settings: Settings) -> None:
    old = _build(settings).version
    new = _build(
        settings,
        "update marts.item set cost = 2.5 where item_number = 'I0'",
        "delete from marts.item where item_number = 'I1'",
        "insert into marts.item values ('=1+1', 'P1', null)",
    ).version
    (only,) = differences(settings, old, new)
    assert (only.table, only.rows_added, only.rows_removed, only.rows_changed, only.columns) == ("item", 1, 1, 1, ())
    rows = list(row_differences(settings, old, new, "item"))
    assert [(r.change, r.key, r.column, r.old, r.new) for r in rows] == [
        ("added", {"item_number": "=1+1", "plant_id": "P1"}, None, None, None),
        ("changed", {"item_number": "I0", "plant_id": None}, "cost", "1.5", "2.5"),
        ("removed", {"item_number": "I1", "plant_id": "P1"}, None, None, None),
    ]
    assert differences(settings, old, old) == []
    back = differences(settings, new, old)
    assert (back[0].rows_added, back[0].rows_removed) == (1, 1)
    wider = _build(settings, "alter table marts.item add column colour varchar").version
    (change,) = differences(settings, new, wider)
    assert change.columns == ("+colour",)
    assert list(row_differences(settings, new, wider, "item")) == []
    with pytest.raises(UsageError, match="no table"):
        list(row_differences(settings, old, new, "nothing"))


def test_rollbacks_are_in_the_audit_log_under_the_name_of_who_did_it(rolled_back: tuple[Settings, str, str]) -> None:
    from mfg_assets.audit.facts import note_publications
    from mfg_assets.estate.loader import load_estate
    from mfg_assets.ledger import open_ledger
    from tests.mini import write_mini

    settings, first, _ = rolled_back
    estate = load_estate(write_mini(settings.home_path))
    with open_ledger(settings) as ledger:
        # Also by the next run, had the process been killed before it could enter it.
        note_publications(settings, ledger, estate, at=AS_OF)
        note_publications(settings, ledger, estate, at=AS_OF)
        (entry,) = entries(ledger, kind="rollback")
        assert len(entries(ledger, kind="publication")) == 2
    assert (entry.actor, entry.details["rollback_of"], entry.details["reason"]) == ("ana", first, "wrong prices")
