"""Any crash, loss, redelivery and reordering leaves the receiver with exactly what was released.

The machine publishes, rolls back, is killed at every step, sends through a network that loses, doubles and disorders,
and looks at the receiver only now and then. What has to hold is worked out here by other means than the outbox's own.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from mfg_assets.release import inspect, outbox
from mfg_assets.release.inspect import MessageFilter
from tests.released import FATES, PARTS, STATES, VALUES, Part, State, World, name_of


class Outbox(World, RuleBasedStateMachine):
    """Anything, in any order."""

    versions = Bundle("versions")

    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        self.open()

    def teardown(self) -> None:
        self.heal()
        self._holds_what_was_released()
        self._holds_what_is_wanted()
        self.close()

    @initialize(held=STATES)
    def begin(self, held: State) -> None:
        self.begin_with(held)

    @rule()
    def look(self) -> None:
        self.see()

    @rule(target=versions, wanted=STATES, held=st.sets(st.sampled_from(PARTS)), is_killed=st.booleans())
    def publish(self, wanted: State, held: set[Part], is_killed: bool) -> int:
        """The process may be killed before the outbox hears of the version."""
        number = self.put_out(wanted, held)
        if not is_killed:
            self.catch_up()
        return number

    @rule(version=versions, is_killed=st.booleans())
    def roll_back(self, version: int, is_killed: bool) -> None:
        self.put_back(version)
        if not is_killed:
            self.catch_up()

    @rule()
    def prepare(self) -> None:
        self.catch_up()

    @rule(fates=FATES, minutes=st.sampled_from([0, 1, 15, 3000]))
    def send(self, fates: list[str], minutes: int) -> None:
        self.pass_over(fates, minutes)

    @rule(data=st.data(), again=st.booleans())
    def arrive(self, data: st.DataObject, again: bool) -> None:
        """Any of the messages under way comes in, and may come again."""
        if self.network.under_way:
            index = data.draw(st.integers(0, len(self.network.under_way) - 1))
            self.receiver.take(self.network.under_way[index])
            if not again:
                del self.network.under_way[index]

    @rule()
    def retry(self) -> None:
        self.prepare_dead_letters()

    @invariant()
    def numbers_have_no_gap(self) -> None:
        numbers: dict[str, list[int]] = {}
        for one in inspect.find(self.ledger, MessageFilter()):
            numbers.setdefault(one["object_key"], []).append(one["sequence"])
        assert all(sorted(found) == list(range(1, len(found) + 1)) for found in numbers.values())

    @invariant()
    def what_never_left_is_nowhere(self) -> None:
        gone = {one["idempotency_key"] for one in inspect.find(self.ledger, MessageFilter(states=("withdrawn",)))}
        assert not gone & {message["idempotency_key"] for message in self.network.under_way}

    def _holds_what_was_released(self) -> None:
        """The last word about each part, over all that wasn't withdrawn; and whatever is open in the version in force.

        A compensated message may or may not have come: a later one speaks of all its parts.
        """
        last: dict[tuple[str, str, str], tuple[int, Any]] = {}
        for row in inspect.find(self.ledger, MessageFilter(states=("delivered",))):
            message = json.loads(inspect.show(self.ledger, row["idempotency_key"])[1])
            for change in message["changes"]:
                part = ("item", message["object_key"], change["key"])
                last[part] = max(
                    last.get(part, (0, None)), (message["sequence"], change["after"]), key=lambda one: one[0]
                )
        for part, (_, after) in last.items():
            assert self.receiver.held.get(part) == after, part
        for one in self.asked[max(self.asked)]:
            for change in one.changes:
                if change.is_open:
                    assert self.receiver.held.get(("item", one.object.object_key, change.key)) == change.after

    def _holds_what_is_wanted(self) -> None:
        """Seen as it is and with an open gate, the receiver comes to hold all that is wanted; then nothing is sent."""
        wanted = self.wanted[max(self.wanted)]
        for _ in range(2):
            self.see()
            self.put_out(wanted, set())
            self.heal()
        assert self.holds() == {part: value for part, value in wanted.items() if value is not None}
        self.see()
        number = self.put_out(wanted, set())
        assert self.asked[number] == []
        done = outbox.prepare(self.ledger, [], name_of(number), self.occasion(), ["erp"])
        assert (done.made, done.withdrawn) == ((), ())


class TestOutbox(Outbox.TestCase):
    settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


# What another version wants differently, what its gate holds, what becomes of its messages, and whether the receiver is
# looked at: not at all, as it then is, or when all has come.
CHANGED = st.dictionaries(st.sampled_from(PARTS), VALUES, min_size=1, max_size=3)
PUBLICATION = st.tuples(
    CHANGED, st.sets(st.sampled_from(PARTS), max_size=1), FATES, st.sampled_from(["", "as is", "all"])
)


@settings(max_examples=100, deadline=None)
@given(
    held=STATES,
    before=st.lists(PUBLICATION, max_size=3),
    rounds=st.lists(st.lists(PUBLICATION, min_size=1, max_size=4), min_size=1, max_size=2),
    data=st.data(),
)
def test_a_rollback_puts_back_exactly_what_was_held_when_its_version_was_in_force(
    held: State, before: list[Any], rounds: list[list[Any]], data: st.DataObject
) -> None:
    """Taken by looking into the receiver then, which no message's content has a part in.

    The platform itself may not have seen the receiver since: its messages are then all that it knows.
    """
    world = World()
    world.open()
    try:
        world.begin_with(held)
        held_at: dict[int, State] = {}
        for publication in before:
            _publish(world, *publication)
        for publications in rounds:
            _settle_down(world, held_at, is_seen=data.draw(st.booleans()))
            for publication in publications:
                _publish(world, *publication)
                if publication[-1] == "all":
                    _settle_down(world, held_at, is_seen=data.draw(st.booleans()))
            # Once, or further back when the first rollback proves not to be far enough.
            chosen = data.draw(st.sets(st.sampled_from(sorted(held_at)), min_size=1, max_size=2))
            for version in sorted(chosen, reverse=True):
                world.put_back(version)
                if data.draw(st.booleans()):
                    world.catch_up()
                    world.pass_over(data.draw(FATES), 3000)
                if version == min(chosen) or data.draw(st.booleans()):
                    world.heal()
                    assert world.holds() == held_at[version]
            held_at = {version: state for version, state in held_at.items() if version <= min(chosen)}
    finally:
        world.close()


def _publish(world: World, changed: State, shut: set[Part], fates: list[str], look: str) -> None:
    world.put_out(world.wanted[max(world.wanted)] | changed, shut)
    world.catch_up()
    world.pass_over(fates, 3000)
    if look == "as is":
        for message in world.network.under_way[::2]:
            world.receiver.take(message)
        world.see()


def _settle_down(world: World, held_at: dict[int, State], *, is_seen: bool) -> None:
    world.heal()
    if is_seen:
        world.see()
    held_at[max(world.asked)] = world.holds()
