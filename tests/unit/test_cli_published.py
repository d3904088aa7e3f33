"""What commands say of a version that another release has published."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from mfg_assets.cli import query
from mfg_assets.errors import PublicationError


@pytest.mark.usefixtures("home")
def test_a_table_that_an_older_release_did_not_publish_is_told_with_what_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "marts.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create table item as select 1 as item_number")
    monkeypatch.setattr(query, "published_database", lambda _: database)
    with query.published() as connection:
        assert connection.execute("select * from item").fetchall() == [(1,)]
    with (
        pytest.raises(PublicationError, match="engineering_change_run_out") as told,
        query.published() as connection,
    ):
        connection.execute("select * from engineering_change_run_out")
    assert "mfg run" in str(told.value)
