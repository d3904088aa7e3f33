"""Run after run of the small estate, from what is found to what is mended, killed, refused, mended again and rebuilt.

A run costs most of a minute, so each is looked at from all sides, and each test goes on where the one before has
stopped. What the first run leaves behind is in `test_main_job`.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from mfg_assets import publish
from mfg_assets.settings import PROJECT_ROOT, Settings
from tests.killing import kill_a_run, reading
from tests.mini import DATA, write
from tests.running import Home, mfg

STOCK = DATA["erp/stock_20250301.csv"]


@pytest.fixture(scope="module")
def mini(mini_copy: Callable[[str], Home]) -> Home:
    """A home after its first run, with a service level of two hours for stock at P1."""
    folder, environment = mini_copy("story")
    return folder, environment | {"MFG_ACTOR": "ana"}


def _run(environment: dict[str, str], expected: int = 0) -> dict[str, Any]:
    done = mfg(environment, "run", "--format", "json")
    assert done.returncode == expected, done.stdout + done.stderr
    return json.loads(done.stdout)


def _published(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / "home" / "published" / "current" / "marts.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _versions(folder: Path) -> tuple[publish.Publication, int]:
    """The version in force, and how many are kept."""
    current = publish.status(Settings(home=folder / "home")).current
    assert current is not None
    return current, len(list((folder / "home" / "published" / "versions").iterdir()))


def _listed(environment: dict[str, str], *arguments: str) -> list[dict[str, Any]]:
    done = mfg(environment, "exceptions", "list", "--format", "json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _wheel(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    found = [r for r in _listed(environment, "--class", "inventory.*", *arguments) if "WHEEL" in str(r["business_key"])]
    assert len(found) == 1
    return found[0]


def _stock_exceptions(summary: dict[str, Any]) -> dict[str, Any]:
    (counts,) = (c for c in summary["exceptions"] if (c["domain"], c["severity"]) == ("inventory", "high"))
    return counts


def _failed_evaluations(folder: Path) -> set[str]:
    with dg.DagsterInstance.from_config(str(folder / "home" / "dagster")) as instance:
        records = instance.get_event_records(dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION))
        evaluations = [r.event_log_entry.asset_check_evaluation for r in records]
    return {e.check_name for e in evaluations if e is not None and not e.passed}


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


def test_a_run_killed_in_dbt_publishes_nothing_and_the_next_makes_it_good(mini: Home) -> None:
    """And what is good then is that a changed file changes what depends on it, and resolves what it mends."""
    folder, environment = mini
    before, version = _wheel(environment), _versions(folder)
    write(folder / "data" / "erp" / "stock_20250302.csv", STOCK.replace("17,0", "20,0"))
    with reading(folder / "home"):
        kill_a_run(environment, "dbt")
        assert _versions(folder) == version
        assert _stock_exceptions(_run(environment))["resolved"] == 1
    mended = _wheel(environment, "--state", "resolved")
    assert (mended["exception_id"], mended["resolution"]) == (before["exception_id"], "no longer observed")
    changed = set(_versions(folder)[0].tables_changed)
    assert {"inventory_comparison", "inventory_state", "batch_manifest"} <= changed
    assert not changed & {"item", "bom_line", "reconciled_bom_line", "item_requirement", "procurement_finding"}


def test_rule_33_of_a_broken_and_a_refused_balance_the_broken_one_holds_and_reopens_the_exception(mini: Home) -> None:
    folder, environment = mini
    write(folder / "data" / "erp" / "stock_20250303.csv", STOCK)
    refused = STOCK.replace("10,0", "ten").replace("17,0", "seventeen")
    write(folder / "data" / "erp" / "stock_20250304.csv", refused)
    summary = _run(environment, expected=1)
    assert _stock_exceptions(summary)["reopened"] == 1
    assert _published(folder, "select state from batch_manifest where rows_rejected = 3") == [("refused",)]
    held = "select erp_quantity from inventory_comparison where item_number = 'WHEEL'"
    assert [float(quantity) for (quantity,) in _published(folder, held)] == [17.0], "yesterday's, not none"
    assert "refused_batch" in {r["class"] for r in _listed(environment)}
    shown = mfg(environment, "exceptions", "show", _wheel(environment)["exception_id"], "--format", "json")
    history = json.loads(shown.stdout)[0]["history"]
    assert [e["act"] for e in history] == ["opened", "assign", "resolved", "reopened"]
    assert history[1]["actor"] == "ana"


def _refused(mini: Home, setting: str, source: Path, check: str) -> None:
    """Run with one setting pointing elsewhere; the version in force must stay, and the check is on record."""
    folder, environment = mini
    before = _versions(folder)
    done = mfg({**environment, setting: str(source)}, "run")
    assert done.returncode == 1, done.stdout + done.stderr
    assert _versions(folder) == before
    status = mfg(environment, "publish", "status").stdout
    assert "\x1b[" not in status
    for printed in (done.stdout, status):
        assert "refused" in printed.lower()
        assert check in printed
    assert "Traceback" not in done.stdout
    assert check.rpartition(".")[2] in _failed_evaluations(folder)
    assert "refused_publication" in {r["class"] for r in _listed(environment)}
    assert _wheel(environment)["state"] == "reopened", "a build that was refused resolves no finding"


def test_a_blocking_expectation_that_fails_refuses_the_publication(mini: Home, tmp_path: Path) -> None:
    folder, environment = mini
    suites = shutil.copytree(PROJECT_ROOT / "expectations", tmp_path / "expectations")
    with (suites / "item.yaml").open("a") as suite:
        suite.write(
            "  - {name: no_bikes, type: unexpected_rows, severity: blocking, description: Bikes are not allowed., "
            "query: \"select * from {batch} where item_number = 'BIKE'\"}\n"
        )
    # the mended balance reaches nobody yet
    mended = STOCK.replace("17,0", "20,0").replace("five", "500,0")
    write(folder / "data" / "erp" / "stock_20250305.csv", mended)
    _refused(mini, "MFG_EXPECTATIONS", suites, "canonical.item.no_bikes")
    (bikes,) = (r for r in _listed(environment) if "no_bikes" in str(r["business_key"]))
    assert (bikes["domain"], bikes["class"], bikes["severity"]) == ("check", "failed_check", "critical")


def test_a_blocking_dbt_test_that_fails_refuses_the_publication(mini: Home, tmp_path: Path) -> None:
    project = shutil.copytree(
        PROJECT_ROOT / "dbt_project", tmp_path / "dbt_project", ignore=shutil.ignore_patterns("target", "logs")
    )
    (project / "tests" / "no_frames.sql").write_text("select * from {{ ref('item') }} where item_number = 'FRAME'\n")
    _refused(mini, "MFG_DBT_PROJECT", project, "no_frames")


def test_what_was_refused_is_no_exception_any_more_once_it_is_mended(mini: Home) -> None:
    _, environment = mini
    assert _run(environment)["state"] == "published"
    found = _listed(environment)
    assert not {r["class"] for r in found} & {"refused_publication", "refused_batch", "not_castable"}
    assert not [r for r in found if "no_bikes" in str(r["business_key"]) or "no_frames" in str(r["business_key"])]
    assert _wheel(environment, "--state", "resolved")["resolution"] == "no longer observed"


def test_the_audit_log_tells_it_all_and_holds(mini: Home) -> None:
    folder, environment = mini
    kinds = {e["kind"] for e in json.loads(mfg(environment, "audit", "list", "--format", "json").stdout)}
    assert {"act", "observation", "publication", "configuration"} <= kinds
    assert mfg(environment, "audit", "verify").returncode == 0
    entries = json.loads(mfg(environment, "audit", "list", "--kind", "publication", "--format", "json").stdout)
    versions = [v.version for v in publish.status(Settings(home=folder / "home")).versions]
    assert [e["subject"] for e in entries] == versions


@pytest.mark.slow
def test_the_ledger_outlives_the_warehouse_and_a_rebuild_publishes_the_same(mini: Home) -> None:
    folder, environment = mini
    before = _listed(environment, "--state", "all", "--limit", "0")
    content = _versions(folder)[0].content_hash
    shutil.rmtree(folder / "home" / "warehouse")
    _run(environment)
    assert _listed(environment, "--state", "all", "--limit", "0") == before
    assert _versions(folder)[0].content_hash == content
