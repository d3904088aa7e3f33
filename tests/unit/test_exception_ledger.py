"""The exception ledger on SQLite and on a real PostgreSQL: what observations and acts do, one after another."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from mfg_assets import audit
from mfg_assets.errors import UsageError
from mfg_assets.exceptions import ExceptionFilter, act, count, find, show
from mfg_assets.exceptions.model import Act
from mfg_assets.ledger import ConflictError, Ledger, LedgerError
from mfg_assets.ledger.schema import metadata
from mfg_assets.ledger.store import HEAD, migrate, revision
from tests.ledger_rows import day, identity, see, sighting

A, B = identity("A"), identity("B")


def _state(ledger: Ledger, exception_id: str = A) -> str:
    return show(ledger, exception_id)[0].state


def _do(ledger: Ledger, name: Act, at: float, exception_id: str = A, **arguments: object) -> None:
    wanted = ExceptionFilter(ids=(exception_id,))
    act(ledger, name, wanted, actor="ana", reason="because", at=day(at), **arguments)  # type: ignore[arg-type]


def test_what_is_seen_again_is_not_doubled_but_seen_later(ledger: Ledger) -> None:
    see(ledger, [sighting("A"), sighting("B")])
    result = see(ledger, [sighting("A"), sighting("B", value_at_stake=7.5)], at=day(0.5))
    assert (result.opened, result.changed) == (0, 0)
    row = show(ledger, B)[0]
    assert (row.first_seen_at, row.last_seen_at, row.value_at_stake) == (day(0), day(0.5), 7.5)
    assert count(ledger, ExceptionFilter(any_state=True)) == 2


def test_a_rebuild_from_the_same_inputs_is_no_new_sighting(ledger: Ledger) -> None:
    see(ledger, [sighting("A")], inputs="same")
    before = find(ledger, ExceptionFilter())
    assert see(ledger, [sighting("A")], at=day(0.5), inputs="same").changed == 0
    assert find(ledger, ExceptionFilter()) == before


def test_it_resolves_itself_when_gone_and_reopens_when_back(ledger: Ledger) -> None:
    see(ledger, [sighting("A")])
    assert see(ledger, [], at=day(1)).resolved == 1
    gone = show(ledger, A)[0]
    assert (gone.state, gone.resolution, gone.resolved_at) == ("resolved", "no longer observed", day(1))
    assert see(ledger, [sighting("A")], at=day(2)).reopened == 1
    back, events = show(ledger, A)
    assert (back.state, back.resolved_at, back.first_seen_at, back.due_at) == ("reopened", None, day(0), day(3))
    assert [e.act for e in events if e.act != "escalated"] == ["opened", "resolved", "reopened"]


def test_what_was_not_judged_anew_does_not_resolve(ledger: Ledger) -> None:
    see(ledger, [sighting("A"), sighting("S", domain="inventory")], evaluated=("bom", "inventory"))
    result = see(ledger, [], at=day(0.1), evaluated=("inventory",))
    assert (result.resolved, _state(ledger)) == (1, "open")


def test_resolved_by_hand_waits_for_new_inputs_before_it_reopens(ledger: Ledger) -> None:
    see(ledger, [sighting("A")], inputs="monday")
    _do(ledger, "resolve", 0.1)
    see(ledger, [sighting("A")], at=day(0.2), inputs="monday")
    assert _state(ledger) == "resolved"
    see(ledger, [sighting("A")], at=day(1), inputs="tuesday")
    assert _state(ledger) == "reopened"


def test_a_snooze_ends_by_itself_and_leads_back_to_whom_it_was_assigned(ledger: Ledger) -> None:
    see(ledger, [sighting("A"), sighting("B")])
    _do(ledger, "assign", 0.1, assignee="bert")
    _do(ledger, "snooze", 0.2, until=day(3))
    _do(ledger, "snooze", 0.2, B, until=day(3))
    assert see(ledger, [sighting("A"), sighting("B")], at=day(2)).escalated == 0
    assert _state(ledger) == "snoozed"
    assert see(ledger, [sighting("A"), sighting("B")], at=day(3)).escalated == 2
    assert (_state(ledger), _state(ledger, B)) == ("assigned", "open")


def test_an_acceptance_holds_until_it_expires(ledger: Ledger) -> None:
    see(ledger, [sighting("A")])
    _do(ledger, "accept", 0.1, until=day(30))
    see(ledger, [sighting("A")], at=day(29))
    assert _state(ledger) == "accepted"
    assert see(ledger, [sighting("A")], at=day(30)).reopened == 1
    assert show(ledger, A)[0].accepted_until is None


def test_overdue_is_passed_on_once(ledger: Ledger) -> None:
    see(ledger, [sighting("A", escalate_to="plant_manager")])
    assert see(ledger, [sighting("A", escalate_to="plant_manager")], at=day(0.9)).escalated == 0
    late = see(ledger, [sighting("A", escalate_to="plant_manager")], at=day(1))
    assert (late.escalated, late.counts[0].overdue) == (1, 1)
    assert see(ledger, [sighting("A", escalate_to="plant_manager")], at=day(2)).escalated == 0
    assert show(ledger, A)[1][-1].reason == "overdue, passed to plant_manager"
    assert count(ledger, ExceptionFilter(overdue_at=day(2))) == 1


def test_a_severity_that_rises_shortens_the_time_left(ledger: Ledger) -> None:
    see(ledger, [sighting("A", severity="low", service_seconds=14 * 86_400)])
    see(ledger, [sighting("A", severity="critical", service_seconds=4 * 3600)], at=day(1))
    row = show(ledger, A)[0]
    assert (row.severity, row.due_at, row.state) == ("critical", day(1 + 4 / 24), "open")
    see(ledger, [sighting("A", severity="low", service_seconds=14 * 86_400)], at=day(1.1))
    assert show(ledger, A)[0].due_at == day(1 + 4 / 24)


def test_a_bulk_act_changes_all_that_match_and_passes_over_what_it_does_not_fit(ledger: Ledger) -> None:
    see(ledger, [sighting(item, plant_id=plant) for item, plant in (("A", "P1"), ("B", "P1"), ("C", "P2"))])
    _do(ledger, "acknowledge", 0.1)
    wanted = ExceptionFilter(classes=("bom.quantity",), plants=("P1",))
    done = act(ledger, "acknowledge", wanted, actor="ana", reason="seen", at=day(0.2))
    assert (done.changed, done.skipped) == ((B,), (A,))
    assert _state(ledger, identity("C")) == "open"


def test_an_act_that_makes_no_sense_is_refused_and_leaves_no_trace(ledger: Ledger) -> None:
    see(ledger, [sighting("A")])
    with pytest.raises(LedgerError, match="reopen makes no sense"):
        _do(ledger, "reopen", 0.1)
    with pytest.raises(LedgerError, match="no exception 'nobody'"):
        _do(ledger, "comment", 0.1, "nobody")
    assert len(show(ledger, A)[1]) == 1


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("comment", {"reason": "  "}, "the reason is missing"),
        ("comment", {"reason": "a\x00b"}, "NUL"),
        ("comment", {"actor": ""}, "the actor is missing"),
        ("assign", {}, "the assignee is missing"),
        ("snooze", {}, "needs an end"),
        ("accept", {"until": day(-1)}, "has passed"),
    ],
)
def test_an_act_says_what_it_lacks(tmp_path: Path, name: Act, arguments: dict[str, object], words: str) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    see(ledger, [sighting("A")])
    given = {"actor": "ana", "reason": "because", "at": day(0.1)} | arguments
    with pytest.raises(UsageError, match=words):
        act(ledger, name, ExceptionFilter(ids=(A,)), **given)  # type: ignore[arg-type]
    assert len(show(ledger, A)[1]) == 1


def test_the_same_request_twice_acts_once(ledger: Ledger) -> None:
    see(ledger, [sighting("A")])
    wanted = ExceptionFilter(ids=(A,))
    first = act(ledger, "comment", wanted, actor="ana", reason="hm", at=day(0.1), request_id="r1")
    again = act(ledger, "comment", wanted, actor="ana", reason="hm", at=day(0.2), request_id="r1")
    assert (first.already_done, again.already_done, again.changed) == (False, True, (A,))
    assert [e.act for e in show(ledger, A)[1]] == ["opened", "comment"]


def test_who_acts_on_an_old_version_is_told(ledger: Ledger) -> None:
    see(ledger, [sighting("A")])
    _do(ledger, "acknowledge", 0.1, expected_version=1)
    with pytest.raises(ConflictError, match="version 2, not 1"):
        _do(ledger, "assign", 0.2, assignee="bert", expected_version=1)


@pytest.mark.parametrize(
    "text_value", ["'; drop table exception; --", "\x1b[2J", "=cmd|' /C calc'!A0", "\u202etxt", "%s :x"]
)
def test_texts_of_people_and_extracts_are_only_texts(ledger: Ledger, text_value: str) -> None:
    see(ledger, [sighting("A", plant_id=text_value, evidence=text_value)])
    wanted = ExceptionFilter(plants=(text_value,))
    act(ledger, "comment", wanted, actor=text_value, reason=text_value, at=day(0.1))
    row, events = show(ledger, A)
    assert (row.plant_id, row.evidence, events[-1].reason, events[-1].actor) == (text_value,) * 4


@pytest.mark.parametrize(
    "change",
    [
        "update exception_event set reason = 'x'",
        "delete from exception_event",
        "delete from audit_log",
        "update audit_log set actor = 'x'",
    ],
)
def test_the_database_itself_refuses_to_rewrite_history(ledger: Ledger, change: str) -> None:
    see(ledger, [sighting("A")])
    with pytest.raises(DBAPIError, match="append-only"), ledger.engine.begin() as connection:
        connection.execute(text(change))


def test_the_database_itself_refuses_a_second_exception_of_a_key(ledger: Ledger) -> None:
    see(ledger, [sighting("A")])
    doubled = (
        "insert into exception select 'other', "
        + ", ".join(c.name for c in metadata.tables["exception"].c if c.name != "exception_id")
        + " from exception"
    )
    with pytest.raises(IntegrityError), ledger.engine.begin() as connection:
        connection.execute(text(doubled))


def test_migrations_lead_to_the_shape_that_the_program_expects(ledger: Ledger) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with ledger.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "mfg_ledger_version"})
        assert context.get_current_revision() == HEAD
        differences = compare_metadata(context, metadata)
    assert [d for d in differences if "mfg_ledger_version" not in str(d)] == []


def test_migrating_again_keeps_what_is_there(ledger: Ledger) -> None:
    see(ledger, [sighting("A")])
    migrate(ledger.engine)
    assert (revision(ledger.engine), _state(ledger)) == (HEAD, "open")


def test_a_ledger_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    ledger = Ledger(url)
    with ledger.engine.begin() as connection:
        connection.execute(text("update mfg_ledger_version set version_num = '9999'"))
    with pytest.raises(LedgerError, match="9999"):
        Ledger(url)


def test_each_change_of_the_ledger_is_in_the_audit_log(ledger: Ledger) -> None:
    see(ledger, [sighting("A"), sighting("B")])
    _do(ledger, "acknowledge", 0.1)
    found = audit.entries(ledger)
    assert [(e.kind, e.actor, e.details["events"]) for e in found] == [
        ("act", "ana", 1),
        ("observation", "platform", 2),
    ]
    with ledger.read() as connection:
        assert audit.verify(connection) == []
