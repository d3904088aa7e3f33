"""`mfg exceptions` and `mfg audit` as a person types them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mfg_assets.cli.app import app
from mfg_assets.ledger import Ledger, open_ledger
from mfg_assets.settings import get_settings
from tests.ledger_rows import identity, see, sighting

A, B = identity("A"), identity("B")
FORMULA = "=cmd|' /C calc'!A0"


@pytest.fixture
def ledger(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    monkeypatch.delenv("MFG_ESTATE", raising=False)
    monkeypatch.setenv("MFG_ACTOR", "ana")
    get_settings.cache_clear()
    with open_ledger(get_settings()) as opened:
        see(
            opened, [sighting("A", value_at_stake=1234.5, currency="EUR"), sighting("B", plant_id="P2", severity="low")]
        )
        yield opened


def _mfg(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result


def _listed(*arguments: str) -> list[dict[str, object]]:
    return json.loads(_mfg("exceptions", "list", "--format", "json", *arguments).stdout)


def test_a_queue_is_filtered_and_most_urgent_first(ledger: Ledger) -> None:
    assert [r["exception_id"] for r in _listed()] == [A, B]
    assert [r["exception_id"] for r in _listed("--plant", "P2")] == [B]
    assert [r["exception_id"] for r in _listed("--class", "bom.*", "--severity", "high")] == [A]
    assert _listed("--role", "nobody") == []
    assert "1,234 EUR" in _mfg("exceptions", "list").stdout


def test_an_act_needs_a_reason_and_says_who_did_it(ledger: Ledger) -> None:
    assert "--reason is missing" in _mfg("exceptions", "ack", A, code=2).stderr
    _mfg("exceptions", "ack", A, "--reason", "looking")
    _mfg("exceptions", "assign", A, "--to", "bert", "--reason", "his", "--by", "cleo")
    _mfg("exceptions", "comment", A, "--reason", "called")
    shown = json.loads(_mfg("exceptions", "show", A, "--format", "json").stdout)[0]
    assert (shown["state"], shown["assignee"]) == ("assigned", "bert")
    assert [(e["act"], e["actor"]) for e in shown["history"]] == [
        ("opened", "platform"),
        ("acknowledge", "ana"),
        ("assign", "cleo"),
        ("comment", "ana"),
    ]


def test_a_bulk_act_is_shown_first_and_done_with_yes(ledger: Ledger) -> None:
    shown = _mfg("exceptions", "resolve", "--plant", "P1", "--reason", "mended")
    assert A in shown.stdout
    assert "1 match. Nothing was done" in shown.stderr
    assert len(_listed()) == 2
    _mfg("exceptions", "resolve", "--plant", "P1", "--reason", "mended", "--yes")
    assert [r["exception_id"] for r in _listed()] == [B]
    _mfg("exceptions", "reopen", "--class", "quantity", "--reason", "not mended", "--yes")
    assert [(r["exception_id"], r["state"]) for r in _listed()] == [(A, "reopened"), (B, "open")]
    assert "nothing says which" in _mfg("exceptions", "resolve", "--reason", "x", "--yes", code=2).stderr


def test_putting_aside_takes_an_end(ledger: Ledger) -> None:
    _mfg("exceptions", "snooze", A, "--reason", "later", code=2)
    _mfg("exceptions", "snooze", A, "--until", "3d", "--reason", "later")
    _mfg("exceptions", "accept", B, "--until", "2999-01-01", "--reason", "agreed")
    assert [(r["exception_id"], r["state"]) for r in _listed("--state", "all")] == [(A, "snoozed"), (B, "accepted")]
    assert "has passed" in _mfg("exceptions", "accept", A, "--until", "2001-01-01", "--reason", "x", code=2).stderr


def test_who_was_slower_is_told_and_a_repeated_request_does_nothing(ledger: Ledger) -> None:
    _mfg("exceptions", "ack", A, "--reason", "x", "--version", "1", "--request-id", "r1")
    assert "nothing was done again" in _mfg("exceptions", "ack", A, "--reason", "x", "--request-id", "r1").stdout
    assert "was changed meanwhile" in _mfg("exceptions", "resolve", A, "--reason", "x", "--version", "1", code=1).stderr
    assert "there is no exception" in _mfg("exceptions", "show", "nobody", code=1).stderr
    assert "there is no state" in _mfg("exceptions", "list", "--state", "done", code=2).stderr


def test_texts_of_people_drive_neither_terminal_nor_spreadsheet(ledger: Ledger) -> None:
    _mfg("exceptions", "assign", A, "--to", FORMULA, "--reason", "\x1b[2J" + FORMULA)
    rows = list(csv.DictReader(io.StringIO(_mfg("exceptions", "list", "--format", "csv").stdout)))
    assert rows[0]["assignee"] == f"'{FORMULA}"
    shown = _mfg("exceptions", "show", A).stdout
    assert "\x1b" not in shown
    assert "\\x1b[2J" in shown
    assert "\x1b" not in _mfg("audit", "list").stdout


def test_the_audit_log_is_verified(ledger: Ledger) -> None:
    _mfg("exceptions", "ack", A, "--reason", "x")
    assert "2 entries, none changed" in _mfg("audit", "verify").stdout
    entries = json.loads(_mfg("audit", "list", "--kind", "act", "--format", "json").stdout)
    assert [(e["subject"], e["actor"]) for e in entries] == [(A, "ana")]
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql("drop trigger audit_log_no_update")
        connection.exec_driver_sql("update audit_log set actor = 'eve' where sequence = 2")
    assert "entry 2 was changed" in _mfg("audit", "verify", code=1).stdout
