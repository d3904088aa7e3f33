"""Any interleaving of observations, acts, replays and crashes: one open exception per key, and no act is lost."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import event, func, select

from mfg_assets.audit.facts import _histories, _states
from mfg_assets.audit.log import verify
from mfg_assets.exceptions import ExceptionFilter, act
from mfg_assets.exceptions.model import TRANSITIONS, Act
from mfg_assets.ledger import Ledger, LedgerError
from mfg_assets.ledger.schema import audit_log, exception, exception_event
from tests.ledger_rows import day, identity, see, sighting

ITEMS = ("A", "B", "C", "D")
KEYS = st.sets(st.sampled_from(ITEMS))
ACTS = st.sampled_from(sorted(TRANSITIONS))


class CrashError(RuntimeError):
    """The process ends here."""


class LedgerMachine(RuleBasedStateMachine):
    """The ledger beside a model that a person would keep on paper."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.ledger = Ledger(f"sqlite:///{Path(self.folder.name) / 'ledger.sqlite'}")
        self.hours = 0.0
        # Every act that was answered, as item → reasons in order; a reason is unique.
        self.acts: dict[str, list[str]] = {item: [] for item in ITEMS}
        self.known: set[str] = set()
        self.last_seen: set[str] = set()
        self.inputs = self.last_inputs = 0
        self.number = 0

    def teardown(self) -> None:
        self.ledger.close()
        self.folder.cleanup()

    def _now(self) -> datetime:
        self.hours += 1
        return day(self.hours / 24)

    def _see(self, items: set[str], inputs: int) -> None:
        rows = [sighting(item) for item in sorted(items)]
        see(self.ledger, rows, at=self._now(), inputs=str(inputs))

    @initialize(items=KEYS)
    def first_run(self, items: set[str]) -> None:
        self.observe(items)

    @rule(items=KEYS)
    def observe(self, items: set[str]) -> None:
        self.inputs += 1
        self._see(items, self.inputs)
        self.last_inputs = self.inputs
        self.known |= items
        self.last_seen = items

    @rule()
    def replay(self) -> None:
        """The same inputs once more: a rebuild, or a run after one that was killed."""
        before = self._resolved()
        self._see(self.last_seen, self.last_inputs)
        assert before <= self._resolved(), "a replay reopened what was resolved"

    def _resolved(self) -> set[str]:
        with self.ledger.read() as connection:
            rows = connection.execute(select(exception.c.exception_id).where(exception.c.state == "resolved"))
            return set(rows.scalars())

    def _act(self, name: Act, item: str, request_id: str | None = None) -> None:
        self.number += 1
        reason, now = f"{name} {self.number}", self._now()
        more: dict[str, Any] = {}
        if name == "assign":
            more["assignee"] = "bert"
        if name in ("snooze", "accept"):
            more["until"] = day(self.hours / 24 + 0.2)
        try:
            wanted = ExceptionFilter(ids=(identity(item),))
            act(self.ledger, name, wanted, actor="ana", reason=reason, at=now, request_id=request_id, **more)
        except LedgerError:
            return
        self.acts[item].append(reason)

    @rule(name=ACTS, item=st.sampled_from(ITEMS))
    def act_on_one(self, name: Act, item: str) -> None:
        self._act(name, item)

    @rule(name=ACTS, item=st.sampled_from(ITEMS))
    def act_twice_by_the_same_request(self, name: Act, item: str) -> None:
        request = f"request-{self.number}"
        before = len(self.acts[item])
        self._act(name, item, request)
        if len(self.acts[item]) > before:
            self._act(name, item, request)
            # The second one was answered as done, and must have left nothing behind.
            self.acts[item].pop()

    @rule(after=st.integers(0, 30), items=KEYS)
    def crash_in_an_observation(self, after: int, items: set[str]) -> None:
        self._crash(after, lambda: self.observe(items))

    @precondition(lambda self: self.known)
    @rule(after=st.integers(0, 9), name=ACTS, item=st.sampled_from(ITEMS))
    def crash_in_an_act(self, after: int, name: Act, item: str) -> None:
        self._crash(after, lambda: self._act(name, item))

    def _crash(self, after: int, work: Callable[[], None]) -> None:
        """Run something whose process ends before its nth statement, if it has that many."""
        left = after

        def count_down(*_: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise CrashError

        event.listen(self.ledger.engine, "before_cursor_execute", count_down)
        try:
            work()
        except CrashError:
            pass
        finally:
            event.remove(self.ledger.engine, "before_cursor_execute", count_down)

    @invariant()
    def one_exception_per_key(self) -> None:
        with self.ledger.read() as connection:
            keys = connection.execute(
                select(func.count(), func.count(exception.c.business_key.distinct())).select_from(exception)
            ).one()
            rows = set(connection.execute(select(exception.c.exception_id)).scalars())
        assert keys[0] == keys[1]
        assert rows >= {identity(item) for item in self.known}

    @invariant()
    def no_act_is_lost_or_doubled(self) -> None:
        with self.ledger.read() as connection:
            rows = connection.execute(
                select(exception_event.c.exception_id, exception_event.c.reason)
                .where(exception_event.c.actor == "ana")
                .order_by(exception_event.c.event_id)
            ).all()
        found = {item: [r.reason for r in rows if r.exception_id == identity(item)] for item in ITEMS}
        assert found == self.acts

    @invariant()
    def log_and_histories_agree(self) -> None:
        with self.ledger.read() as connection:
            assert [*verify(connection), *_histories(connection), *_states(connection)] == []
            acts = connection.execute(select(func.count()).where(audit_log.c.kind == "act")).scalar_one()
        assert acts == sum(len(reasons) for reasons in self.acts.values())


TestLedger = LedgerMachine.TestCase
# Without shrinking: each step is a transaction on disk, and minutes of shrinking would say little more.
TestLedger.settings = hypothesis_settings(
    max_examples=20, stateful_step_count=20, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)
