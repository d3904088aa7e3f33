"""The outbox in the ledger, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from mfg_assets import audit
from mfg_assets.errors import UsageError
from mfg_assets.ledger import Ledger
from mfg_assets.ledger.store import migrate, revision
from mfg_assets.release import inspect, outbox
from mfg_assets.release.inspect import MessageFilter
from mfg_assets.release.model import Acknowledgement, Asked, Sent
from mfg_assets.release.outbox import Result
from tests.receiver import START, at, wants

V1, V2, V3 = "000001-aaaaaaaa", "000002-bbbbbbbb", "000003-cccccccc"


def _prepare(ledger: Ledger, version: str, *asked: Asked, minutes: float = 0) -> outbox.Prepared:
    return outbox.prepare(ledger, asked, version, at(minutes), ["erp"])


def _due(ledger: Ledger, minutes: float = 0) -> list[Sent]:
    return outbox.due(ledger, "erp", at(minutes).at, 100)


def _deliver(ledger: Ledger) -> list[Sent]:
    sent = _due(ledger)
    outbox.begin(ledger, [one.idempotency_key for one in sent])
    outbox.note(ledger, "erp", [Result(one, "delivered", START) for one in sent], 0, None)
    return sent


def _states(ledger: Ledger) -> list[tuple[int, str, str]]:
    found = inspect.find(ledger, MessageFilter())
    return sorted((one["sequence"], one["kind"], one["state"]) for one in found)


def _answer(state: str, version: str = "1", **values: Any) -> Acknowledgement:
    return Acknowledgement("erp", "item", "100", version, state, values.get("detail"), values.get("event_at", START))


def test_preparing_twice_is_preparing_once(ledger: Ledger) -> None:
    first = _prepare(ledger, V1, wants({"unit": ("EA", "KGM")}))
    assert (len(first.made), len(_prepare(ledger, V1, wants({"unit": ("EA", "KGM")})).made)) == (1, 0)
    assert len(audit.entries(ledger, kind="release")) == 1


def test_messages_of_an_object_are_numbered_without_gaps(ledger: Ledger) -> None:
    for number, value in enumerate(("KGM", "GRM", "TNE"), start=1):
        _prepare(ledger, V1, wants({"unit": ("EA", value)}), wants({"unit": ("EA", value)}, key="200"))
        _deliver(ledger)
        assert next(one["sequence"] for one in inspect.find(ledger, MessageFilter(object_key="100"))) == number
    assert _states(ledger) == [(n, "release", "delivered") for n in (1, 1, 2, 2, 3, 3)]


def test_a_message_is_kept_as_it_was_made(ledger: Ledger) -> None:
    key = _prepare(ledger, V1, wants({"unit": ("EA", "KGM")})).made[0]
    row, payload, events = inspect.show(ledger, key[:10])
    message = json.loads(payload)
    assert message["idempotency_key"] == key == row["idempotency_key"]
    assert message["changes"][0]["before"] == "EA"
    assert [one["act"] for one in events] == ["prepared"]


def test_the_gate_closing_before_a_message_left_withdraws_it(ledger: Ledger) -> None:
    _prepare(ledger, V1, wants({"unit": ("EA", "KGM")}))
    _prepare(ledger, V2, wants({"unit": ("EA", "KGM")}, held={"unit": "deferred"}))
    assert (_states(ledger), _due(ledger)) == ([(1, "release", "withdrawn")], [])


def test_an_attempt_that_was_killed_is_made_again_under_the_same_key(ledger: Ledger) -> None:
    _prepare(ledger, V1, wants({"unit": ("EA", "KGM")}))
    before = _due(ledger)
    outbox.begin(ledger, [before[0].idempotency_key])
    _prepare(ledger, V2)
    again = _due(ledger)
    assert [(one.idempotency_key, one.attempts) for one in again] == [(before[0].idempotency_key, 1)]


def test_what_was_withdrawn_meanwhile_does_not_leave(ledger: Ledger) -> None:
    _prepare(ledger, V1, wants({"unit": ("EA", "KGM")}))
    key = _due(ledger)[0].idempotency_key
    _prepare(ledger, V2)
    assert outbox.begin(ledger, [key]) == set()


def test_rollback_withdraws_what_never_left_and_compensates_the_rest(ledger: Ledger) -> None:
    _prepare(ledger, V1, wants({"unit": ("EA", "KGM")}))
    _deliver(ledger)
    _prepare(ledger, V2, wants({"unit": ("EA", "GRM")}), wants({"unit": ("EA", "GRM")}, key="200"))
    outbox.begin(ledger, [one.idempotency_key for one in _due(ledger) if one.object.object_key == "100"])
    keys = outbox.since(ledger, 1, 3)
    done = outbox.undo(ledger, keys, V3, at(), reason="wrong extract")
    assert (len(keys), len(done.made), len(done.withdrawn)) == (2, 1, 1)
    compensation = next(one for one in _due(ledger) if one.kind == "compensation")
    # back to the last word that stands; that the target was seen with EA is explained by its not having heard it yet
    assert (compensation.after, compensation.before, compensation.sequence) == ({"unit": "KGM"}, {"unit": "GRM"}, 3)
    assert outbox.since(ledger, 1, 3) == []
    assert outbox.undo(ledger, keys, V3, at(), reason="wrong extract") == outbox.Prepared()


def test_a_compensated_message_is_not_sent_any_more(ledger: Ledger) -> None:
    key = _prepare(ledger, V1, wants({"unit": ("EA", "KGM")})).made[0]
    outbox.begin(ledger, [key])
    outbox.undo(ledger, [key], V1, at(), reason="no")
    assert [one.kind for one in _due(ledger)] == ["compensation"]


def test_answers_make_messages_acknowledged_or_dead(ledger: Ledger) -> None:
    _prepare(ledger, V1, wants({"unit": ("EA", "KGM")}))
    assert inspect.acknowledge(ledger, [_answer("processed")], START) == 0, "nothing was sent yet"
    _deliver(ledger)
    assert inspect.acknowledge(ledger, [_answer("received"), _answer("processed", "7")], START) == 0
    assert inspect.acknowledge(ledger, [_answer("processed")], START) == 1
    assert inspect.acknowledge(ledger, [_answer("processed")], START) == 0
    assert _states(ledger) == [(1, "release", "acknowledged")]


def test_rule_35_an_acknowledgement_settles_nothing(ledger: Ledger) -> None:
    asked = wants({"unit": ("EA", "KGM")})
    _prepare(ledger, V1, asked)
    _deliver(ledger)
    inspect.acknowledge(ledger, [_answer("processed")], START)
    assert _prepare(ledger, V2, asked).settled == 0
    assert _prepare(ledger, V3).settled == 1


def test_the_latest_answer_counts_and_a_refusal_is_a_dead_letter_that_can_be_tried_again(ledger: Ledger) -> None:
    _prepare(ledger, V1, wants({"unit": ("EA", "KGM")}))
    key = _deliver(ledger)[0].idempotency_key
    answers = [_answer("rejected", detail="locked", event_at=at(5).at), _answer("processed")]
    inspect.acknowledge(ledger, answers, START)
    assert inspect.find(ledger, MessageFilter(states=("dead_letter",)))[0]["last_error"] == "locked"
    assert _prepare(ledger, V1, wants({"unit": ("EA", "KGM")})).made == (), "the same is not asked beside it"
    assert outbox.retry(ledger, [key], at(), reason="unlocked") == 1
    assert outbox.retry(ledger, [key], at(), reason="unlocked") == 0
    assert [one.idempotency_key for one in _due(ledger)] == [key]


def test_what_happened_to_a_message_cannot_be_changed(ledger: Ledger) -> None:
    _prepare(ledger, V1, wants({"unit": ("EA", "KGM")}))
    for change in ("update release_event set actor = 'x'", "delete from release_event"):
        with pytest.raises(DBAPIError), ledger.engine.begin() as connection:
            connection.execute(text(change))


def test_a_key_has_to_be_clear(ledger: Ledger) -> None:
    _prepare(ledger, V1, *(wants({"unit": ("EA", "KGM")}, key=str(number)) for number in range(20)))
    for start in ("", "zz", "%"):
        with pytest.raises(UsageError):
            inspect.key_of(ledger, start)


def test_targets_of_other_estates_are_left_alone(ledger: Ledger) -> None:
    _prepare(ledger, V1, wants({"unit": ("EA", "KGM")}))
    outbox.prepare(ledger, [], V2, at(), ["another"])
    assert len(_due(ledger)) == 1


def test_a_ledger_of_the_first_shape_gets_the_outbox_and_keeps_its_rows(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    engine = create_engine(url)
    migrate(engine, "0001")
    assert revision(engine) == "0001"
    with engine.begin() as connection:
        connection.execute(
            text("insert into audit_log values (1, :at, 'ana', 'act', 's', '{}', null, 'a', 'b')"),
            {"at": "2026-01-01T00:00:00.000000Z"},
        )
    engine.dispose()
    upgraded = Ledger(url)
    _prepare(upgraded, V1, wants({"unit": ("EA", "KGM")}))
    assert [entry.sequence for entry in audit.entries(upgraded)] == [2, 1]
    upgraded.close()
