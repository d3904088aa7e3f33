"""Kill -9 before each step of an observation, an act and a replay: nothing lost, nothing doubled, all or none."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mfg_assets.audit.facts import verify_all
from mfg_assets.ledger import open_ledger
from mfg_assets.settings import PROJECT_ROOT, Settings
from tests.ingest_feed import GOOD, Feed
from tests.ledger_rows import see, sighting

HERE = Path(__file__).parent
UNKNOWN = ["4,FRAME,7,KAR,2025-03-05T08:00:00", "5,WHEEL,8,KAR,2025-03-05T08:00:00"]
Order = Callable[[str], str]
# A replay has hundreds of steps, each half a second with what is checked after it.
SAMPLES = [pytest.param(5, id="some-steps"), pytest.param(60, id="many-steps", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def order() -> Iterator[Order]:
    with subprocess.Popen(
        [sys.executable, str(HERE / "acting_process.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
    ) as process:

        def give(text: str) -> str:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{text}\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        yield give
        process.kill()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A ledger that has seen A and B, and a feed with two records refused for a unit that nobody knows."""
    root = tmp_path / "base"
    root.mkdir()
    settings = Settings(home=root / "home")
    feed = Feed(root, settings)
    feed.deliver([*GOOD, *UNKNOWN])
    feed.batch()
    with open_ledger(settings) as ledger:
        see(ledger, [sighting("A"), sighting("B")], inputs="first")
    return root


def _ledger(root: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that the ledger says but the numbers and instants of a repetition."""
    queries = {
        "exception": "select exception_id, state, assignee, version, last_seen_at, evidence from exception",
        "event": "select exception_id, version, act, state, actor, reason from exception_event",
        "letter": "select dead_letter_id, act, outcome, batch_id from dead_letter_act",
        "audit": "select kind, actor, count(*) from audit_log group by 1, 2",
    }
    with closing(sqlite3.connect(root / "home" / "exceptions" / "ledger.sqlite")) as connection:
        return {name: sorted(connection.execute(sql).fetchall(), key=str) for name, sql in queries.items()}


def _landed(root: Path) -> list[tuple[Any, ...]]:
    return sorted(Feed(root, Settings(home=root / "home")).rows("event_id, quantity, correlation_id"))


def _problems(root: Path) -> tuple[str, ...]:
    settings = Settings(home=root / "home")
    with open_ledger(settings) as ledger:
        return verify_all(settings, ledger).problems


def _copy(base: Path, name: str) -> Path:
    return shutil.copytree(base, base.parent / name)


@pytest.mark.parametrize("work", ["observe", "act", "replay"])
@pytest.mark.parametrize("samples", SAMPLES)
def test_killed_before_any_step_it_happened_or_not_and_again_makes_it_whole(
    base: Path, order: Order, work: str, samples: int
) -> None:
    before = _ledger(base), _landed(base)
    whole = _copy(base, "whole")
    ended = re.fullmatch(r"ended 0 after (\d+) steps", answer := order(f"0 {work} {whole}"))
    assert ended is not None, answer
    steps, after = int(ended[1]), (_ledger(whole), _landed(whole))
    assert steps > 8, "fewer steps than it should have: are they still counted?"
    assert after != before
    assert order(f"0 {work} {whole}").startswith("ended 0")
    assert (_ledger(whole), _landed(whole)) == after, "a repetition does nothing"

    seen = set()
    for step in sorted({*range(1, steps + 1, max(1, steps // samples)), *range(steps - 4, steps + 1)}):
        root = _copy(base, f"killed-{step}")
        assert order(f"{step} {work} {root}") == "killed"
        assert _problems(root) == (), f"killed before step {step}"
        ledger, landed = _ledger(root), _landed(root)
        assert ledger in (before[0], after[0]), f"half of the act, killed before step {step}"
        assert landed in (before[1], after[1]), f"half of the records, killed before step {step}"
        assert landed == after[1] or ledger == before[0], "the ledger never says what has not landed"
        seen.add((ledger == after[0], landed == after[1]))
        assert order(f"0 {work} {root}").startswith("ended 0")
        assert (_ledger(root), _landed(root)) == after, f"killed before step {step}, then done again"
        assert _problems(root) == ()
        shutil.rmtree(root)
    assert (False, before[1] == after[1]) in seen, "no kill came before the end"
