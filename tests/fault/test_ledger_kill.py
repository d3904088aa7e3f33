"""Kill -9 while acts are written, and two processes on one exception: on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mfg_assets.audit.log import verify
from mfg_assets.exceptions import ExceptionFilter, act, show
from mfg_assets.ledger import Ledger
from mfg_assets.settings import PROJECT_ROOT
from tests.ledger_rows import day, identity, see, sighting
from tests.postgres import postgres_server

A = identity("A")
WORKER = Path(__file__).with_name("ledger_process.py")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    else:
        with postgres_server() as server:
            yield server.url


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(WORKER), *arguments],
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_process_loses_no_answered_act_and_its_repetition_doubles_none(url: str) -> None:
    ledger = Ledger(url)
    see(ledger, [sighting("A")])
    answered = 0
    for attempt in range(4):
        worker = _start("comment", url, A)
        assert worker.stdout is not None
        for line in worker.stdout:
            answered = max(answered, int(line) + 1)
            # The worker begins at 0 again: the requests of the last one are answered as done.
            if int(line) >= 5 * (attempt + 1):
                break
        time.sleep(0.006 * attempt)  # at another point of the act each time
        worker.kill()
        answered = max([answered, *(int(line) + 1 for line in worker.communicate()[0].splitlines())])
    comments = [int(e.reason or "") for e in show(ledger, A)[1] if e.act == "comment"]
    assert comments == list(range(len(comments))), "doubled or out of order"
    assert len(comments) in (answered, answered + 1), "only the act that was under way may be unanswered"
    with ledger.read() as connection:
        assert verify(connection) == []
    ledger.close()


def test_two_processes_on_one_exception_never_overwrite_each_other(url: str) -> None:
    ledger = Ledger(url)
    see(ledger, [sighting("A")])
    times = 15
    workers = [_start("race", url, A, name, str(times)) for name in ("ana", "bert")]
    results = [worker.communicate(timeout=120) for worker in workers]
    assert [out.strip() for out, _ in results] == [str(times)] * 2, results
    row, events = show(ledger, A)
    acts = [e for e in events if e.act == "assign"]
    assert len(acts) == 2 * times
    assert row.version == 1 + 2 * times
    # Each act was decided on the version just before its own, so none was done on what somebody else had changed.
    assert [e.reason for e in acts] == [f"{e.actor} saw {e.version - 1}" for e in acts]
    with ledger.read() as connection:
        assert verify(connection) == []
    ledger.close()


def test_an_observation_and_acts_of_another_process_wait_for_each_other(url: str) -> None:
    ledger = Ledger(url)
    see(ledger, [sighting(item) for item in "AB"])
    worker = _start("race", url, A, "ana", "10")
    for number in range(10):
        see(ledger, [sighting("A"), *([sighting("B")] if number % 2 else [])], at=day(0.01 * number))
        act(ledger, "comment", ExceptionFilter(ids=(A,)), actor="cleo", reason=str(number), at=day(0.01 * number))
    out, errors = worker.communicate(timeout=120)
    assert out.strip() == "10", errors
    events = show(ledger, A)[1]
    assert [e.version for e in events] == list(range(1, len(events) + 1))
    assert sum(e.actor == "ana" for e in events) == 10
    assert sum(e.actor == "cleo" for e in events) == 10
    ledger.close()
