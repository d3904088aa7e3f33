"""Which messages follow from what is asked and what was sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mfg_assets.release.model import Asked, ObjectId, Plan, Sent
from mfg_assets.release.plan import plan, take_back
from tests.receiver import wants

OBJECT = ObjectId("erp", "item", "100")


def _sent(sequence: int, values: dict[str, tuple[Any, Any]], **facts: Any) -> Sent:
    payload = {
        "target_system": "erp",
        "target_kind": "erp",
        "plant_id": None,
        "item_number": "100",
        "correlation_id": "c0ffee",
        "changes": [{"key": key, "before": before, "after": after} for key, (before, after) in values.items()],
    }
    message = Sent(f"{sequence:064x}", OBJECT, sequence, "release", "delivered", 1, False, "000001-aaaaaaaa", payload)
    return replace(message, **facts)


def _drafted(found: Plan) -> list[dict[str, Any]]:
    return [{change.key: change.after for change in draft.changes} for draft in found.drafts]


def test_what_is_asked_for_the_first_time_becomes_a_message() -> None:
    assert _drafted(plan([wants({"unit": ("EA", "KGM")})], [])) == [{"unit": "KGM"}]


def test_what_the_gate_holds_does_not() -> None:
    asked = wants({"unit": ("EA", "KGM"), "text": ("a", "b")}, held={"unit": "deferred"})
    assert _drafted(plan([asked], [])) == [{"text": "b"}]
    assert plan([wants({"unit": ("EA", "KGM")}, held={"unit": "bom_cycle"})], []) == Plan()


def test_what_was_sent_is_not_sent_again_while_it_stands() -> None:
    for state in ("prepared", "delivered", "acknowledged", "dead_letter"):
        assert plan([wants({"unit": ("EA", "KGM")})], [_sent(1, {"unit": ("EA", "KGM")}, state=state)]) == Plan()


def test_another_value_is_a_new_message() -> None:
    found = plan([wants({"unit": ("EA", "GRM")})], [_sent(1, {"unit": ("EA", "KGM")})])
    assert _drafted(found) == [{"unit": "GRM"}]
    assert found.settled == (f"{1:064x}",)


def test_a_message_of_which_nothing_is_asked_any_more_is_settled_and_the_same_may_be_asked_again() -> None:
    sent = _sent(1, {"unit": ("EA", "KGM"), "text": ("a", "b")})
    assert plan([wants({"text": ("a", "b")})], [sent]).settled == ()
    assert plan([], [sent]).settled == (sent.idempotency_key,)


def test_what_is_held_later_does_not_settle_what_was_sent() -> None:
    asked = wants({"unit": ("EA", "KGM")}, held={"unit": "open_orders_on_old_revision"})
    assert plan([asked], [_sent(1, {"unit": ("EA", "KGM")})]) == Plan()


def test_what_never_left_is_withdrawn_when_it_is_no_longer_asked_or_held() -> None:
    waiting = _sent(1, {"unit": ("EA", "KGM")}, state="prepared", attempts=0)
    assert plan([], [waiting]).withdrawn == (waiting.idempotency_key,)
    held = wants({"unit": ("EA", "KGM")}, held={"unit": "deferred"})
    assert plan([held], [waiting]) == Plan(withdrawn=(waiting.idempotency_key,))


def test_what_may_have_left_is_never_withdrawn() -> None:
    assert plan([], [_sent(1, {"unit": ("EA", "KGM")}, state="prepared", attempts=1)]) == Plan()


def test_the_rest_of_a_withdrawn_message_is_asked_anew() -> None:
    waiting = _sent(1, {"unit": ("EA", "KGM"), "text": ("a", "b")}, state="prepared", attempts=0)
    found = plan([wants({"text": ("a", "b")})], [waiting])
    assert (found.withdrawn, _drafted(found)) == ((waiting.idempotency_key,), [{"text": "b"}])


def test_all_open_changes_of_an_object_travel_together() -> None:
    asked = wants({"unit": ("EA", "KGM"), "text": ("a", "b")})
    assert _drafted(plan([asked], [_sent(1, {"unit": ("EA", "KGM")})])) == [{"unit": "KGM", "text": "b"}]


def test_targets_and_objects_are_apart() -> None:
    other: Asked = wants({"unit": ("EA", "KGM")}, target="other")
    assert len(plan([other], [_sent(1, {"unit": ("EA", "KGM")})]).drafts) == 1


def _back(sent: list[Sent], *sequences: int) -> Plan:
    return take_back(sent, {f"{number:064x}" for number in sequences})


def test_taking_back_puts_back_what_was_held_before_the_first_message() -> None:
    found = _back([_sent(1, {"unit": ("EA", "KGM")}), _sent(2, {"unit": ("KGM", "GRM"), "text": (None, "b")})], 1, 2)
    assert _drafted(found) == [{"unit": "EA", "text": None}]
    assert found.drafts[0].compensates == (f"{1:064x}", f"{2:064x}")
    assert found.drafts[0].kind == "compensation"


def test_taking_back_the_second_of_two_under_way_puts_back_the_first() -> None:
    found = _back([_sent(1, {"unit": ("EA", "KGM")}), _sent(2, {"unit": ("EA", "GRM")})], 2)
    assert _drafted(found) == [{"unit": "KGM"}]


def test_taking_back_after_a_settled_one_puts_back_what_was_seen() -> None:
    found = _back([_sent(1, {"unit": ("EA", "KGM")}, is_settled=True), _sent(2, {"unit": ("TNE", "GRM")})], 2)
    assert _drafted(found) == [{"unit": "TNE"}]


def test_taking_back_puts_back_the_last_word_where_the_target_was_not_seen_since() -> None:
    """The second was asked while the target still looked as before the first, which counts as settled by then."""
    found = _back([_sent(1, {"unit": ("EA", "KGM")}, is_settled=True), _sent(2, {"unit": ("EA", "GRM")})], 2)
    assert _drafted(found) == [{"unit": "KGM"}]


def test_taking_back_puts_back_the_last_word_where_only_an_earlier_one_was_seen() -> None:
    told = [
        _sent(1, {"unit": ("EA", "KGM")}, is_settled=True),
        _sent(2, {"unit": ("EA", "GRM")}, is_settled=True),
        _sent(3, {"unit": ("KGM", "TNE")}),
    ]
    assert _drafted(_back(told, 3)) == [{"unit": "GRM"}]


def test_what_never_left_needs_no_compensation() -> None:
    waiting = _sent(1, {"unit": ("EA", "KGM")}, state="prepared", attempts=0)
    assert _back([waiting], 1) == Plan(withdrawn=(waiting.idempotency_key,))


def test_taking_back_further_goes_back_past_the_first_rollback() -> None:
    """A compensation repeats what stood when it was made; that is undone now as well."""
    told = [
        _sent(1, {"unit": ("EA", "KGM")}),
        _sent(2, {"unit": ("KGM", "GRM")}, state="compensated"),
        _sent(3, {"unit": ("GRM", "KGM")}, kind="compensation"),
    ]
    assert _drafted(_back(told, 1)) == [{"unit": "EA"}]


def test_what_was_published_before_a_rollback_was_seen_is_taken_back_to_what_was_put_back() -> None:
    told = [
        _sent(1, {"unit": ("EA", "KGM")}, state="compensated"),
        _sent(2, {"unit": ("KGM", "EA")}, kind="compensation"),
        _sent(3, {"unit": ("KGM", "GRM")}),
    ]
    assert _drafted(_back(told, 3)) == [{"unit": "EA"}]


def test_an_older_message_that_waits_for_another_part_is_no_word_about_one_that_was_settled_since() -> None:
    told = [
        _sent(1, {"unit": ("EA", "KGM"), "text": ("a", "b")}),
        _sent(2, {"unit": ("KGM", "GRM")}, is_settled=True),
        _sent(3, {"unit": ("GRM", "TNE")}),
    ]
    assert _drafted(_back(told, 3)) == [{"unit": "GRM"}]


def test_taking_back_an_earlier_one_leaves_what_a_later_one_says() -> None:
    told = [_sent(1, {"unit": ("EA", "KGM"), "text": ("a", "b")}), _sent(2, {"unit": ("KGM", "GRM")})]
    assert _drafted(_back(told, 1)) == [{"text": "a", "unit": "GRM"}]


def test_going_back_past_a_compensation_that_was_itself_of_what_is_gone_now() -> None:
    told = [
        _sent(1, {"unit": ("EA", "KGM")}, state="compensated"),
        _sent(2, {"unit": ("KGM", "GRM")}, state="compensated"),
        _sent(3, {"unit": ("GRM", "KGM")}, kind="compensation"),
        _sent(4, {"unit": ("KGM", "TNE")}),
        _sent(5, {"unit": ("KGM", "TNE")}, kind="compensation"),
    ]
    assert _drafted(_back(told, 4)) == [{"unit": "EA"}]
