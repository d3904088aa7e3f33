"""Any crash, loss, redelivery and reordering leaves the receiver with exactly what was released.

The machine publishes, rolls back, is killed at every step, sends through a network that loses, doubles and disorders,
and looks at the receiver only now and then. What has to hold is worked out here by other means than the outbox's own.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import event

from mfg_assets.estate.releases import ReleaseTarget
from mfg_assets.ledger import Ledger
from mfg_assets.release import inspect, outbox
from mfg_assets.release.deliver import RefusedError, UnreachableError
from mfg_assets.release.inspect import MessageFilter
from mfg_assets.release.model import Asked, Sent
from mfg_assets.release.outbox import Occasion
from mfg_assets.release.send import send_due
from tests.receiver import START, Receiver, as_received, wants

Part = tuple[str, str]
PARTS: list[Part] = [(key, name) for key in ("100", "200") for name in ("text", "unit")]
VALUES = st.sampled_from(["a", "b", "c", None])
STATES = st.fixed_dictionaries({part: VALUES for part in PARTS})
FATES = st.lists(st.sampled_from(["ok", "lost", "unanswered", "refused", "killed before", "killed after"]), max_size=8)
TARGET = ReleaseTarget.model_validate(
    {
        "id": "erp",
        "system": "erp",
        "deliver": {"type": "folder", "path": "unused"},
        "max_attempts": 6,
        "breaker_failures": 4,
    }
)


class Killed(BaseException):
    """The process is gone."""


class Network:
    """Takes messages as a deliverer does; what it took arrives whenever the machine says, as often as it says."""

    def __init__(self) -> None:
        self.fates: list[str] = []
        self.under_way: list[Mapping[str, Any]] = []

    def deliver(self, sent: Sent) -> None:
        fate = self.fates.pop(0) if self.fates else "ok"
        if fate == "killed before":
            raise Killed
        if fate == "refused":
            raise RefusedError("not now")
        if fate == "lost":
            raise UnreachableError("lost")
        self.under_way.append(as_received(sent))
        if fate == "unanswered":
            raise UnreachableError("no answer")
        if fate == "killed after":
            raise Killed

    def close(self) -> None:
        """Nothing is held."""


class Outbox(RuleBasedStateMachine):
    """An outbox, its network and its receiver."""

    versions = Bundle("versions")
    template: Path | None = None

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="mfg-outbox-"))
        path = self.folder / "ledger.sqlite"
        if Outbox.template is None:
            made = Path(tempfile.mkdtemp(prefix="mfg-outbox-")) / "ledger.sqlite"
            Ledger(f"sqlite:///{made}").close()
            Outbox.template = made
        shutil.copy(Outbox.template, path)
        self.ledger = Ledger(f"sqlite:///{path}")
        # No power fails here: waiting for the disk would be most of the test.
        event.listen(
            self.ledger.engine, "connect", lambda connection, _: connection.execute("pragma synchronous = off")
        )
        self.network, self.receiver = Network(), Receiver()
        self.now = START
        self.wanted: dict[int, dict[Part, Any]] = {}
        self.asked: dict[int, list[Asked]] = {}
        self.rollbacks: list[tuple[int, int]] = []
        self.seen: dict[Part, Any] = {}
        self.looks = 0
        self.first_seen: dict[Part, Any] = {}

    def teardown(self) -> None:
        self._heal()
        self._holds_what_was_released()
        self._holds_what_it_held_before()
        self._holds_what_is_wanted()
        self.ledger.close()
        shutil.rmtree(self.folder)

    @initialize(held=STATES)
    def begin(self, held: dict[Part, Any]) -> None:
        self.receiver.held = {("item", *part): value for part, value in held.items() if value is not None}
        self.look()
        self.first_seen = self.seen
        self._publish({part: self.seen.get(part) for part in PARTS}, set())

    @rule()
    def look(self) -> None:
        """An extract of the receiver's system lands."""
        self.seen = {(key, name): value for (_, key, name), value in self.receiver.held.items()}
        self.looks += 1

    @rule(target=versions, wanted=STATES, held=st.sets(st.sampled_from(PARTS)), is_killed=st.booleans())
    def publish(self, wanted: dict[Part, Any], held: set[Part], is_killed: bool) -> int:
        """A version is published; the process may be killed before the outbox hears of it."""
        number = self._publish(wanted, held)
        if not is_killed:
            self.prepare()
        return number

    @rule(version=versions, is_killed=st.booleans())
    def roll_back(self, version: int, is_killed: bool) -> None:
        """An older version comes back as a new one."""
        number = max(self.asked) + 1
        self.asked[number], self.wanted[number] = self.asked[version], self.wanted[version]
        self.rollbacks.append((version, number))
        if not is_killed:
            self.prepare()

    @rule()
    def prepare(self) -> None:
        """What every pass does first, for the version in force."""
        for target, number in self.rollbacks:
            keys = outbox.since(self.ledger, target, number)
            if keys:
                outbox.undo(self.ledger, keys, _name(number), self._occasion(), reason="rolled back")
        number = max(self.asked)
        outbox.prepare(self.ledger, self.asked[number], _name(number), self._occasion(), ["erp"])

    @rule(fates=FATES, minutes=st.sampled_from([0, 1, 15, 3000]))
    def send(self, fates: list[str], minutes: int) -> None:
        """Time passes, and a pass is made."""
        self.now += timedelta(minutes=minutes)
        self.network.fates = list(fates)
        with suppress(Killed):
            send_due(self.ledger, TARGET, self.network, self._clock)
        self.network.fates = []

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
        """Somebody prepares dead letters anew."""
        dead = inspect.find(self.ledger, MessageFilter(states=("dead_letter",)))
        outbox.retry(self.ledger, [one["idempotency_key"] for one in dead], self._occasion(), reason="mended")

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

    def _publish(self, wanted: dict[Part, Any], held: set[Part]) -> int:
        """What dbt does: each part that the target isn't seen to hold as wanted is asked for, open or held."""
        number = max(self.asked, default=0) + 1
        asked = []
        for key in ("100", "200"):
            values = {
                name: (self.seen.get((key, name)), wanted[key, name])
                for name in ("text", "unit")
                if self.seen.get((key, name)) != wanted[key, name]
            }
            if values:
                reasons = {name: "deferred" for name in values if (key, name) in held}
                asked.append(wants(values, key=key, held=reasons))
        self.asked[number], self.wanted[number] = asked, wanted
        return number

    def _heal(self) -> None:
        """Nothing fails any more; everything under way comes, the newest first, and once more."""
        self.prepare()
        for _ in range(3):
            self.retry()
            self.send([], 3000)
        for message in [*reversed(self.network.under_way), *self.network.under_way]:
            self.receiver.take(message)
        self.network.under_way = []
        states = {one["state"] for one in inspect.find(self.ledger, MessageFilter())}
        assert states <= {"delivered", "compensated", "withdrawn"}

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

    def _holds_what_it_held_before(self) -> None:
        """Where all that was released about a part was taken back, and nothing was seen in between."""
        if self.looks > 1:
            return
        standing = {
            (row["object_key"], name)
            for row in inspect.find(self.ledger, MessageFilter(states=("delivered",)))
            if row["kind"] == "release"
            for change in json.loads(inspect.show(self.ledger, row["idempotency_key"])[1])["changes"]
            for name in [change["key"]]
        }
        for part in set(PARTS) - standing:
            assert self.receiver.held.get(("item", *part)) == self.first_seen.get(part), part

    def _holds_what_is_wanted(self) -> None:
        """Seen as it is and with an open gate, the receiver comes to hold all that is wanted; then nothing is sent."""
        wanted = self.wanted[max(self.wanted)]
        for _ in range(2):
            self.look()
            self._publish(wanted, set())
            self._heal()
        expected = {("item", *part): value for part, value in wanted.items() if value is not None}
        assert self.receiver.held == expected
        self.look()
        number = self._publish(wanted, set())
        assert self.asked[number] == []
        done = outbox.prepare(self.ledger, [], _name(number), self._occasion(), ["erp"])
        assert (done.made, done.withdrawn) == ((), ())

    def _clock(self) -> datetime:
        return self.now

    def _occasion(self) -> Occasion:
        return Occasion(self.now, self.now)


def _name(number: int) -> str:
    return f"{number:06d}-00000000"


class TestOutbox(Outbox.TestCase):
    settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
