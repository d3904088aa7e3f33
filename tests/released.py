"""An outbox, a network that loses, doubles and disorders, and a receiver: what random tests of releases play with.

Belongs here: acts, as small as a crash can cut them. Doesn't belong here: what has to hold (the tests).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
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
State = dict[Part, Any]
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
    """Takes messages as a deliverer does; what it took arrives whenever the test says, as often as it says."""

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


class World:
    """Versions are published and rolled back, messages travel, and extracts of the receiver land now and then."""

    template: Path | None = None

    def open(self) -> None:
        """An empty outbox. The ledger's tables are made once and copied."""
        self.folder = Path(tempfile.mkdtemp(prefix="mfg-outbox-"))
        path = self.folder / "ledger.sqlite"
        if World.template is None:
            made = Path(tempfile.mkdtemp(prefix="mfg-outbox-")) / "ledger.sqlite"
            Ledger(f"sqlite:///{made}").close()
            World.template = made
        shutil.copy(World.template, path)
        self.ledger = Ledger(f"sqlite:///{path}")
        # No power fails here: waiting for the disk would be most of the test.
        event.listen(
            self.ledger.engine, "connect", lambda connection, _: connection.execute("pragma synchronous = off")
        )
        self.network, self.receiver = Network(), Receiver()
        self.now = START
        self.wanted: dict[int, State] = {}
        self.asked: dict[int, list[Asked]] = {}
        self.rollbacks: list[tuple[int, int]] = []
        self.seen: State = {}

    def close(self) -> None:
        """The folder goes."""
        self.ledger.close()
        shutil.rmtree(self.folder)

    def begin_with(self, held: State) -> None:
        """The receiver holds something, which is seen and wanted."""
        self.receiver.held = {("item", *part): value for part, value in held.items() if value is not None}
        self.see()
        self.put_out({part: self.seen.get(part) for part in PARTS}, set())

    def see(self) -> None:
        """An extract of the receiver's system lands."""
        self.seen = self.holds()

    def holds(self) -> State:
        """What the receiver holds."""
        return {(key, name): value for (_, key, name), value in self.receiver.held.items()}

    def put_out(self, wanted: State, held: set[Part]) -> int:
        """A version: each part that the target isn't seen to hold as wanted is asked for, open or held."""
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

    def put_back(self, version: int) -> int:
        """An older version comes back as a new one."""
        number = max(self.asked) + 1
        self.asked[number], self.wanted[number] = self.asked[version], self.wanted[version]
        self.rollbacks.append((version, number))
        return number

    def catch_up(self) -> None:
        """What every pass does first, for the version in force."""
        for target, number in self.rollbacks:
            keys = outbox.since(self.ledger, target, number)
            if keys:
                outbox.undo(self.ledger, keys, name_of(number), self.occasion(), reason="rolled back")
        number = max(self.asked)
        outbox.prepare(self.ledger, self.asked[number], name_of(number), self.occasion(), ["erp"])

    def pass_over(self, fates: list[str], minutes: int) -> None:
        """Time passes, and what is due is sent, each with its fate."""
        self.now += timedelta(minutes=minutes)
        self.network.fates = list(fates)
        with suppress(Killed):
            send_due(self.ledger, TARGET, self.network, lambda: self.now)
        self.network.fates = []

    def prepare_dead_letters(self) -> None:
        """Somebody prepares dead letters anew."""
        dead = inspect.find(self.ledger, MessageFilter(states=("dead_letter",)))
        outbox.retry(self.ledger, [one["idempotency_key"] for one in dead], self.occasion(), reason="mended")

    def heal(self) -> None:
        """Nothing fails any more; everything under way comes, the newest first, and once more."""
        self.catch_up()
        for _ in range(3):
            self.prepare_dead_letters()
            self.pass_over([], 3000)
        for message in [*reversed(self.network.under_way), *self.network.under_way]:
            self.receiver.take(message)
        self.network.under_way = []
        states = {one["state"] for one in inspect.find(self.ledger, MessageFilter())}
        assert states <= {"delivered", "compensated", "withdrawn"}

    def occasion(self) -> Occasion:
        """Now, by the platform."""
        return Occasion(self.now, self.now)


def name_of(number: int) -> str:
    """A version's name."""
    return f"{number:06d}-00000000"
