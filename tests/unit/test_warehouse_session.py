"""Connections: limits hold, and a closed door stays closed."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from mfg_assets.errors import WarehouseError
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect


def test_a_connection_has_the_settings_of_the_process(settings: Settings) -> None:
    with connect(settings) as connection:
        row = connection.execute(
            "select current_setting('threads'), current_setting('TimeZone'), current_setting('memory_limit')"
        ).fetchone()
    assert row == (2, "UTC", "953.6 MiB")


def test_a_second_process_is_told_who_holds_the_file(settings: Settings) -> None:
    path = settings.home_path / "one.duckdb"
    with connect(settings, path) as connection:
        connection.execute("create table t (a integer)")
    path.write_bytes(b"this is not a database, whatever its name says" * 200)
    with pytest.raises(WarehouseError, match=r"one\.duckdb"), connect(settings, path):
        pass


def test_only_allowed_folders_can_be_read_and_that_cannot_be_undone(settings: Settings, tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "a.csv").write_text("a\n1\n")
    (inside / "link.csv").symlink_to(outside / "a.csv")
    with connect(settings, allowed_directories=(inside,)) as connection:
        assert connection.execute("select a from read_csv(?)", [str(inside / "a.csv")]).fetchall() == [(1,)]
        for path in (outside / "a.csv", inside / "link.csv", inside / ".." / "out" / "a.csv"):
            with pytest.raises(duckdb.Error):
                connection.execute("select a from read_csv(?)", [str(path)]).fetchall()
        with pytest.raises(duckdb.Error):
            connection.execute("set enable_external_access = true")
