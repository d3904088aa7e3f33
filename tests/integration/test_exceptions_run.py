"""The exception ledger through whole runs of the small estate: each test goes on where the one before has stopped."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mfg_assets import publish
from mfg_assets.settings import PROJECT_ROOT, Settings
from tests.mini import DATA, write
from tests.running import Home, mfg


@pytest.fixture(scope="module")
def mini(mini_copy: Callable[[str], Home]) -> Home:
    """A home after its first run, with a service level of two hours for stock at P1."""
    folder, environment = mini_copy("exceptions")
    return folder, environment | {"MFG_ACTOR": "ana"}


def _run(environment: dict[str, str], expected: int = 0) -> dict[str, Any]:
    done = mfg(environment, "run", "--format", "json")
    assert done.returncode == expected, done.stdout + done.stderr
    return json.loads(done.stdout)


def _published(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / "home" / "published" / "current" / "marts.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _listed(environment: dict[str, str], *arguments: str) -> list[dict[str, Any]]:
    done = mfg(environment, "exceptions", "list", "--format", "json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _wheel(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    found = [r for r in _listed(environment, "--class", "inventory.*", *arguments) if "WHEEL" in str(r["business_key"])]
    assert len(found) == 1
    return found[0]


def test_what_a_run_finds_is_published_once_with_owner_clock_and_records(mini: Home) -> None:
    folder, environment = mini
    rows = _published(
        folder,
        "select domain, class, plant_id, owner_role, escalate_to, state, due_at - first_seen_at, len(correlation_ids) "
        "from exception where business_key ->> 'item_number' = 'WHEEL'",
    )
    two_hours = rows[0][6]
    assert two_hours.total_seconds() == 7200
    assert rows == [("inventory", "unexplained", "P1", "warehouse", "engineering", "open", two_hours, rows[0][7])]
    assert rows[0][7] >= 2, "the balance and the receipt"
    assert {(r["domain"], r["class"]) for r in _listed(environment)} >= {
        ("inventory", "unexplained"),
        ("record", "not_castable"),
        ("check", "failed_check"),
    }


def test_an_act_reaches_readers_without_building_anything_and_then_nothing_is_published(mini: Home) -> None:
    folder, environment = mini
    wheel = _wheel(environment)["exception_id"]
    preview = mfg(environment, "exceptions", "ack", "--class", "inventory.*", "--reason", "seen")
    assert "Nothing was done" in preview.stderr
    assert _wheel(environment)["state"] == "open"
    done = mfg(environment, "exceptions", "assign", wheel, "--to", "bert", "--reason", "his shelf")
    assert done.returncode == 0, done.stderr
    summary = _run(environment)
    assert summary["state"] == "published"
    assert summary["publication"]["tables_changed"] == ["exception"]
    assert "models" not in summary["layer_seconds"]
    rows = _published(folder, f"select state, assignee from exception where exception_id = '{wheel}'")
    assert rows == [("assigned", "bert")]
    started = time.monotonic()
    again = _run(environment)
    assert (again["state"], again["run_id"]) == ("unchanged", "")
    assert time.monotonic() - started < 20


def test_a_mended_balance_resolves_it_and_a_broken_one_reopens_it_with_its_history(mini: Home) -> None:
    folder, environment = mini
    before = _wheel(environment)
    write(folder / "data" / "erp" / "stock_20250302.csv", DATA["erp/stock_20250301.csv"].replace("17,0", "20,0"))
    counts = {(c["domain"], c["severity"]): c for c in _run(environment)["exceptions"]}
    assert counts["inventory", "high"]["resolved"] == 1
    mended = _wheel(environment, "--state", "resolved")
    assert (mended["exception_id"], mended["resolution"]) == (before["exception_id"], "no longer observed")
    write(folder / "data" / "erp" / "stock_20250303.csv", DATA["erp/stock_20250301.csv"])
    counts = {(c["domain"], c["severity"]): c for c in _run(environment)["exceptions"]}
    assert counts["inventory", "high"]["reopened"] == 1
    shown = mfg(environment, "exceptions", "show", before["exception_id"], "--format", "json")
    history = json.loads(shown.stdout)[0]["history"]
    assert [e["act"] for e in history] == ["opened", "assign", "resolved", "reopened"]
    assert history[1]["actor"] == "ana"


def test_the_ledger_outlives_the_warehouse_and_a_rebuild_publishes_the_same(mini: Home) -> None:
    folder, environment = mini
    before = _listed(environment, "--state", "all", "--limit", "0")
    content = publish.status(Settings(home=folder / "home")).current
    shutil.rmtree(folder / "home" / "warehouse")
    _run(environment)
    assert _listed(environment, "--state", "all", "--limit", "0") == before
    after = publish.status(Settings(home=folder / "home")).current
    assert content is not None
    assert after is not None
    assert after.content_hash == content.content_hash


def test_a_refused_publication_and_a_refused_batch_are_exceptions_until_they_are_mended(
    mini: Home, tmp_path: Path
) -> None:
    folder, environment = mini
    suites = shutil.copytree(PROJECT_ROOT / "expectations", tmp_path / "expectations")
    with (suites / "item.yaml").open("a") as suite:
        suite.write(
            "  - {name: no_bikes, type: unexpected_rows, severity: blocking, description: Bikes are not allowed., "
            "query: \"select * from {batch} where item_number = 'BIKE'\"}\n"
        )
    bad = DATA["erp/stock_20250301.csv"].replace("10,0", "ten").replace("17,0", "seventeen")
    write(folder / "data" / "erp" / "stock_20250304.csv", bad)
    _run({**environment, "MFG_EXPECTATIONS": str(suites)}, expected=1)
    found = {(r["domain"], r["class"]): r for r in _listed(environment) if "no_bikes" in str(r["business_key"])}
    assert found["check", "failed_check"]["severity"] == "critical"
    classes = {r["class"] for r in _listed(environment)}
    assert {"refused_publication", "refused_batch"} <= classes
    assert _wheel(environment)["state"] == "reopened", "a build that was refused resolves no finding"
    write(folder / "data" / "erp" / "stock_20250305.csv", DATA["erp/stock_20250301.csv"].replace("five", "500,0"))
    _run(environment)
    assert not {r["class"] for r in _listed(environment)} & {"refused_publication", "refused_batch", "not_castable"}
    assert not [r for r in _listed(environment) if "no_bikes" in str(r["business_key"])]


def test_the_audit_log_tells_it_all_and_holds(mini: Home) -> None:
    folder, environment = mini
    kinds = {e["kind"] for e in json.loads(mfg(environment, "audit", "list", "--format", "json").stdout)}
    assert {"act", "observation", "publication", "configuration"} <= kinds
    assert mfg(environment, "audit", "verify").returncode == 0
    entries = json.loads(mfg(environment, "audit", "list", "--kind", "publication", "--format", "json").stdout)
    versions = [v.version for v in publish.status(Settings(home=folder / "home")).versions]
    assert [e["subject"] for e in entries] == versions
