"""Dagster's own storage on a real PostgreSQL: the same run, recorded there, and nothing of it in files."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.mini import write_mini
from tests.postgres import postgres_server
from tests.running import mfg

# One whole run, and each of its events takes its way through the server.
pytestmark = [pytest.mark.postgres, pytest.mark.slow]


def test_runs_are_recorded_in_postgres_and_the_password_nowhere(tmp_path: Path) -> None:
    estate = write_mini(tmp_path)
    with postgres_server() as server:
        environment = {"MFG_HOME": str(tmp_path / "home"), "MFG_ESTATE": str(estate), "MFG_DAGSTER_URL": server.url}
        done = mfg(environment, "run")
        assert done.returncode == 0, done.stdout + done.stderr
        with psycopg.connect(server.url) as connection:
            runs = connection.execute("select pipeline_name, status from runs order by create_timestamp").fetchall()
            materialised = connection.execute(
                "select count(distinct asset_key) from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'"
            ).fetchone()
            texts = connection.execute("select count(*) from event_logs where event like %s", [f"%{server.password}%"])
            leaked = texts.fetchone()
    assert runs == [("extracts", "SUCCESS"), ("warehouse", "SUCCESS")]
    assert materialised is not None
    assert materialised[0] > 50
    assert leaked == (0,)
    assert not list((tmp_path / "home" / "dagster").rglob("*.db")), "SQLite is not used beside it"
    written = [p for p in (tmp_path / "home").rglob("*") if p.is_file()]
    assert [p for p in written if server.password.encode() in p.read_bytes()] == []
