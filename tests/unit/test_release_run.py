"""From a published version to the receiver and back: versions, rollbacks, kills in between, and the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest
from typer.testing import CliRunner

from mfg_assets import audit
from mfg_assets.cli.app import app
from mfg_assets.estate.loader import load_estate
from mfg_assets.estate.models import Estate
from mfg_assets.ledger import open_ledger
from mfg_assets.publish import PublishedTable, publish, rollback
from mfg_assets.release import Outcome, inspect, release
from mfg_assets.release.inspect import MessageFilter
from mfg_assets.release.message import schema
from mfg_assets.settings import Settings, get_settings
from tests.mini import ESTATE, write, write_mini
from tests.receiver import Receiver

AS_OF = datetime(2026, 11, 21, 6, tzinfo=UTC)
TABLES = [
    PublishedTable("plant_release", "marts.plant_release", ("target_system", "object_type", "object_key")),
    PublishedTable("sync_acknowledgement", "marts.sync_acknowledgement", ("event_id",)),
]

_COLUMNS = {
    "plant_release": "target_system varchar, target_kind varchar, plant_id varchar, object_type varchar, "
    "object_key varchar, item_number varchar, correlation_id varchar, changes_json varchar",
    "sync_acknowledgement": "event_id varchar, target_system varchar, object_type varchar, object_key varchar, "
    "version varchar, acknowledgement_state varchar, detail varchar, event_at timestamptz",
}


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    """The small estate, whose ERP gets messages into a folder of the home."""
    path = write_mini(tmp_path / "mini")
    target = "{id: inbox, system: erp, deliver: {type: folder, path: releases}}"
    write(path / "estate.yaml", ESTATE["estate.yaml"])
    with (path / "estate.yaml").open("a") as file:
        file.write(f"releases:\n  - {target}\n")
    return load_estate(path)


def _publish(settings: Settings, asked: dict[str, Any], answers: tuple[tuple[Any, ...], ...] = ()) -> str:
    """A version that asks the ERP for these descriptions of items, as dbt would."""
    settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("create schema if not exists marts")
        for table, columns in _COLUMNS.items():
            connection.execute(f"create or replace table marts.{table} ({columns})")
        for item, after in asked.items():
            change = {
                "key": "description",
                "cause": "correction",
                "change_numbers": [],
                "attributes": ["description"],
                "effective_from": None,
                "hold_reasons": [],
                "before": "old",
                "after": after,
            }
            row = ["erp", "erp", None, "item", item, item, "c0ffee", json.dumps([change])]
            connection.execute("insert into marts.plant_release values (?, ?, ?, ?, ?, ?, ?, ?)", row)
        for answer in answers:
            connection.execute("insert into marts.sync_acknowledgement values (?, ?, ?, ?, ?, ?, ?, ?)", answer)
    return publish(settings, TABLES, run_id="run", as_of=AS_OF).version


def _release(settings: Settings, estate: Estate, *, deliver: bool = True) -> Outcome:
    with open_ledger(settings) as ledger:
        return release(settings, estate, ledger, as_of=AS_OF, deliver=deliver)


def _received(settings: Settings) -> dict[str, Any]:
    """What a receiver holds that reads the folder in whatever order the file system gives."""
    receiver = Receiver()
    for path in settings.home_path.glob("releases/*.json"):
        receiver.take(json.loads(path.read_bytes()))
    return {key: value for (_, key, _), value in receiver.held.items()}


def test_a_version_reaches_the_receiver_and_a_second_pass_adds_nothing(settings: Settings, estate: Estate) -> None:
    _publish(settings, {"100": "new", "200": "newer"})
    first, second = _release(settings, estate), _release(settings, estate)
    assert (first.prepared, first.delivered, second.prepared, second.delivered) == (2, 2, 0, 0)
    assert _received(settings) == {"100": "new", "200": "newer"}


def test_a_rollback_puts_back_what_held_before_also_when_nobody_tells(settings: Settings, estate: Estate) -> None:
    one = _publish(settings, {"100": "new"})
    _release(settings, estate)
    _publish(settings, {"100": "wrong", "200": "wrong"})
    _release(settings, estate)
    assert _received(settings) == {"100": "wrong", "200": "wrong"}
    rollback(settings, one, published_by="ana", reason="wrong extract")
    # the process that rolled back was killed here: any later pass finds out from the history of versions
    done = _release(settings, estate)
    assert (done.compensations, _received(settings)) == (2, {"100": "new", "200": "old"})
    assert _release(settings, estate).compensations == 0
    with open_ledger(settings) as ledger:
        taken_back = inspect.find(ledger, MessageFilter(states=("compensated",)))
        entry = next(e for e in audit.entries(ledger, kind="release") if e.details["reason"])
    assert {one["object_key"] for one in taken_back} == {"100", "200"}
    assert "by ana: wrong extract" in entry.details["reason"]


def test_a_rollback_before_anything_left_sends_nothing_of_it(settings: Settings, estate: Estate) -> None:
    one = _publish(settings, {"100": "new"})
    _publish(settings, {"100": "new", "200": "wrong"})
    _release(settings, estate, deliver=False)
    rollback(settings, one, published_by="ana", reason="wrong extract")
    assert _release(settings, estate).compensations == 0
    assert _received(settings) == {"100": "new"}


def test_going_forward_again_asks_anew(settings: Settings, estate: Estate) -> None:
    one = _publish(settings, {})
    two = _publish(settings, {"100": "new"})
    _release(settings, estate)
    for version, expected in ((one, "old"), (two, "new")):
        rollback(settings, version, published_by="ana", reason="again")
        _release(settings, estate)
        assert _received(settings) == {"100": expected}


def test_answers_land_with_a_version_and_prove_nothing(settings: Settings, estate: Estate) -> None:
    _publish(settings, {"100": "new"})
    _release(settings, estate)
    answer = ("e1", "erp", "item", "100", "1", "processed", None, AS_OF)
    _publish(settings, {"100": "new"}, (answer,))
    done = _release(settings, estate)
    assert (done.acknowledged, done.settled, done.prepared) == (1, 0, 0)


def test_an_older_version_without_the_table_asks_nothing(settings: Settings, estate: Estate) -> None:
    settings.warehouse_dir.mkdir(parents=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("create schema marts; create table marts.item as select 1 as item_number")
    publish(settings, [PublishedTable("item", "marts.item", ("item_number",))], run_id="run", as_of=AS_OF)
    assert _release(settings, estate).prepared == 0


def _mfg(*arguments: str) -> str:
    get_settings.cache_clear()
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_line_shows_acts_and_takes_back(
    settings: Settings, estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MFG_ESTATE", str(estate.path))
    one = _publish(settings, {})
    _publish(settings, {"100": "=1+1"})
    assert "1 prepared" in _mfg("release", "deliver")
    listed = json.loads(_mfg("release", "list", "--format", "json", "--state", "delivered"))
    key = listed[0]["idempotency_key"]
    assert "delivered by platform" in _mfg("release", "show", key[:8])
    message = json.loads(_mfg("release", "show", key, "--as", "json"))
    jsonschema.validate(message, schema())
    assert "'=1+1" in _mfg("release", "show", key, "--as", "csv")
    assert json.loads(_mfg("release", "schema")) == schema()
    assert "1 compensations" in _mfg("release", "compensate", key, "--reason", "wrong", "--by", "ana")
    assert "0 prepared" in _mfg("release", "retry", key, "--reason", "no dead letter")
    assert "In force" in _mfg("publish", "rollback", one, "--reason", "wrong", "--yes")
    assert _received(settings) == {"100": "old"}


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("{id: a, system: erb, deliver: {type: folder, path: x}}", "there is no system 'erb'"),
        ("{id: a, system: plm, deliver: {type: folder, path: x}}", "'plm' is a plm"),
        ("{id: a, system: erp, plants: [P9], deliver: {type: folder, path: x}}", "erp doesn't serve 'P9'"),
        ("{id: a, system: erp, deliver: {type: http, url: 'http://example.com', secret_env: X}}", "unencrypted"),
        ("{id: a, system: erp, deliver: {type: http, url: 'https://u:p@example.com', secret_env: X}}", "password"),
        ("{id: a, system: erp, deliver: {type: http, url: 'ftp://example.com', secret_env: X}}", "no address"),
        (
            "{id: a, system: erp, deliver: {type: folder, path: x}}\n"
            "  - {id: b, system: erp, deliver: {type: folder, path: y}}",
            "two targets",
        ),
    ],
)
def test_a_wrong_target_is_reported(tmp_path: Path, settings: Settings, target: str, problem: str) -> None:
    from mfg_assets.estate.check import collect_problems

    path = write_mini(tmp_path / "mini")
    with (path / "estate.yaml").open("a") as file:
        file.write(f"releases:\n  - {target}\n")
    found = collect_problems(path, settings, environ={})
    assert [problem in one.message for one in found] == [True], found
    assert found[0].line is not None
