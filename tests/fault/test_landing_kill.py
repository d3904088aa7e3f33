"""Landing is killed with SIGKILL at each of its steps and at random moments: the next one is as if nothing had been."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mfg_assets.ingest import list_dead_letters, read_manifests
from mfg_assets.ingest.manifest import ASIDE_PREFIX
from mfg_assets.settings import PROJECT_ROOT, Settings
from tests.fault.landing_process import STEPS
from tests.ingest_feed import GOOD, Feed, check_counts, landed_rows

SCRIPT = Path(__file__).with_name("landing_process.py")
BAD = "9,RIM,many,EA,2025-03-04"


@pytest.fixture
def feed(tmp_path: Path, settings: Settings) -> Feed:
    return Feed(tmp_path, settings)


def start(feed: Feed, step: str | None = None) -> subprocess.Popen[str]:
    feed.estate()
    arguments = [sys.executable, str(SCRIPT), str(feed.root / "estate"), str(feed.settings.home)]
    environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT)}
    return subprocess.Popen([*arguments, *([step] if step else [])], stdout=subprocess.PIPE, text=True, env=environment)


def finish(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=120)
    return process.returncode


def leftovers(settings: Settings) -> list[Path]:
    return [*settings.landing_dir.rglob(f"{ASIDE_PREFIX}*"), *(settings.home_path / "tmp").glob("landing-*")]


def state(settings: Settings) -> tuple[list[tuple], list[tuple], list[tuple]]:
    """All that landing is asked for, without the time of landing."""
    manifests = [(m.batch_id, m.state, m.rows_landed, m.rows_rejected) for m in read_manifests(settings.landing_dir)]
    letters = [(x["dead_letter_id"], x["reasons"], x["payload"]) for x in list_dead_letters(settings)]
    return manifests, letters, landed_rows(settings)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_the_next_landing_completes_it(feed: Feed, step: str, tmp_path: Path) -> None:
    feed.deliver([*GOOD, BAD], age=1_740_000_000)
    undisturbed = Settings(home=tmp_path / "other", memory_limit="1GB", threads=2)
    Feed(feed.root, undisturbed).land()
    assert finish(start(feed, step)) == -signal.SIGKILL
    seen = state(feed.settings)
    assert seen in (([], [], []), state(undisturbed)), "nobody sees half a batch"
    assert (seen[0] != []) == (step == "after the commit")
    result = feed.land()
    assert len(result.batches) == (0 if step == "after the commit" else 1)
    assert state(feed.settings) == state(undisturbed)
    assert leftovers(feed.settings) == []


@pytest.mark.parametrize("step", ["after reading", "before the manifest", "after the manifest"])
def test_killed_in_the_second_of_three_deliveries(feed: Feed, step: str) -> None:
    for number, line in enumerate((*GOOD, BAD)):
        feed.deliver([line], f"{number}.csv", age=1_740_000_000 + number)
    feed.deliver([BAD], "bad.csv")
    assert finish(start(feed)) == 0
    before = state(feed.settings)
    feed.deliver(["7,RIM,1,EA,2025-03-05"], "late.csv")
    assert finish(start(feed, step)) == -signal.SIGKILL
    assert state(feed.settings) == before
    assert [b.rows_landed for b in feed.land().batches] == [1]


@pytest.mark.slow
def test_killed_at_random_moments_nothing_is_lost_and_nothing_comes_twice(feed: Feed, tmp_path: Path) -> None:
    lines = [f"{n},ITEM{n % 97},{n % 13}.25,EA,2025-03-01T08:00:00" for n in range(400_000)]
    lines[1000::50_000] = [BAD.replace("9,", f"bad{i},") for i in range(len(lines[1000::50_000]))]
    feed.deliver(lines, age=1_740_000_000)
    undisturbed = Settings(home=tmp_path / "other", memory_limit="1GB", threads=2)
    Feed(feed.root, undisturbed).land()
    expected = state(undisturbed)
    chance = random.Random(4)  # noqa: S311
    killed = 0
    for _ in range(14):
        process = start(feed)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0.05, 2.5))
        process.send_signal(signal.SIGKILL)
        killed += finish(process) == -signal.SIGKILL
        seen = state(feed.settings)
        assert seen in (([], [], []), expected)
        if seen[0]:
            break
    assert killed
    feed.land()
    assert state(feed.settings) == expected
    assert leftovers(feed.settings) == []


def test_two_processes_at_once_land_it_once(feed: Feed) -> None:
    feed.deliver([*GOOD, BAD])
    processes = [start(feed) for _ in range(3)]
    assert [finish(p) for p in processes] == [0, 0, 0]
    (batch,) = read_manifests(feed.settings.landing_dir)
    check_counts(batch)
    assert len(feed.rows()) == 3
    assert len(feed.letters()) == 1
    assert leftovers(feed.settings) == []


def test_what_another_living_process_is_writing_is_left_alone(feed: Feed) -> None:
    feed.deliver(GOOD)
    place = feed.settings.landing_dir / "inventory_movement" / "src.feed"
    living, dead = place / f"{ASIDE_PREFIX}{os.getppid()}-abc", place / f"{ASIDE_PREFIX}999999999-abc"
    living.mkdir(parents=True)
    dead.mkdir()
    feed.land()
    assert (living.exists(), dead.exists()) == (True, False)


def test_dead_letters_without_a_batch_are_never_shown(feed: Feed) -> None:
    feed.deliver([*GOOD, BAD])
    assert finish(start(feed, "before the manifest")) == -signal.SIGKILL
    assert list(feed.settings.dead_letters_dir.rglob("*.parquet"))
    assert feed.letters() == []
