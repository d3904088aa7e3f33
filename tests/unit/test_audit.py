"""The audit log finds every way of tampering that a person with the database's password has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from mfg_assets import audit
from mfg_assets.audit import facts
from mfg_assets.exceptions import ExceptionFilter, act
from mfg_assets.ledger import Ledger, open_ledger
from mfg_assets.settings import Settings
from tests.ledger_rows import day, identity, see, sighting

A = identity("A")


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    with open_ledger(settings) as opened:
        see(opened, [sighting("A"), sighting("B")])
        for number, name in enumerate(("acknowledge", "comment", "comment")):
            act(opened, name, ExceptionFilter(ids=(A,)), actor="ana", reason="because", at=day(0.1 + number / 100))
        facts.keep_head(settings, opened)
        yield opened


def _as_administrator(ledger: Ledger, *changes: str) -> None:
    """Change the tables as somebody may who can also drop the triggers."""
    with ledger.engine.begin() as connection:
        triggers = connection.execute(text("select name from sqlite_master where type = 'trigger'")).scalars().all()
        for trigger in triggers:
            connection.execute(text(f"drop trigger {trigger}"))
        for change in changes:
            connection.execute(text(change))


def test_an_untouched_log_holds(settings: Settings, ledger: Ledger) -> None:
    found = facts.verify_all(settings, ledger)
    assert (found.entries, found.problems) == (4, ())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("update audit_log set actor = 'eve' where sequence = 2", "entry 2 was changed"),
        ("update audit_log set at = '2026-01-01T00:00:00.000000Z' where sequence = 3", "entry 3 was changed"),
        ("update audit_log set details = '{}' where sequence = 2", "entry 2 was changed"),
        ("delete from audit_log where sequence = 2", "entry 2 is missing"),
        ("delete from audit_log where sequence = 4", "its end was cut off"),
        ("update exception_event set reason = 'x' where act = 'acknowledge'", "entry 2 stands for was changed"),
        ("delete from exception_event where version = 3", "entry 3 stands for was changed"),
        ("update exception set state = 'resolved' where state = 'acknowledged'", "does not stand where its history"),
        (
            "insert into exception_event (exception_id, version, act, state, at, actor, reason, audit_sequence) "
            "select exception_id, 9, 'resolve', 'resolved', at, 'eve', 'x', 99 from exception_event where version = 3",
            "names entry 99",
        ),
    ],
)
def test_tampering_is_found(settings: Settings, ledger: Ledger, change: str, words: str) -> None:
    _as_administrator(ledger, change)
    problems = facts.verify_all(settings, ledger).problems
    assert any(words in problem for problem in problems), problems


def test_who_rewrites_an_entry_with_its_hash_breaks_the_next_one(settings: Settings, ledger: Ledger) -> None:
    _as_administrator(ledger, f"update audit_log set actor = 'eve', hash = '{'a' * 64}' where sequence = 2")
    assert "entry 3 does not continue entry 2" in facts.verify_all(settings, ledger).problems


def test_a_fact_is_entered_once(ledger: Ledger) -> None:
    for expected in (True, False):
        fact = {"kind": "publication", "subject": "v1", "actor": "platform", "at": day(1), "details": {"a": 1}}
        assert audit.record(ledger, **fact, request_id="publication:v1") is expected  # type: ignore[arg-type]
    assert [e.subject for e in audit.entries(ledger, kind="publication")] == ["v1"]
