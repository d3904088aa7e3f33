"""Kill -9 of a publishing process at many of its steps, while other processes read: whole versions only, always."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

HERE = Path(__file__).parent
FIRST, SECOND, THIRD = -3, -2, -1


class Publisher:
    """The forking publisher of `publishing_process.py`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def order(self, order: str | int) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


@contextmanager
def _process(script: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(HERE / script), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def _publisher(home: Path) -> Iterator[Publisher]:
    with _process("publishing_process.py", home) as process:
        yield Publisher(process)


@contextmanager
def _readers(published: Path, count: int = 2) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Reading processes; calling what is yielded ends them and gives their reports."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_process("reading_process.py", published)) for _ in range(count)]
        yield lambda: [json.loads(process.communicate(timeout=60)[0]) for process in processes]


def _build(home: Path, generation: int, rows: int) -> None:
    """Stand in for a run: all four tables carry the same generation."""
    (home / "warehouse").mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(home / "warehouse" / "mfg.duckdb")) as connection:
        connection.execute("create schema if not exists marts")
        for n in range(4):
            connection.execute(
                f"create or replace table marts.table_{n} as "
                f"select range as k, {generation} as generation, 'value ' || range as v from range({rows})"
            )


def _generation(published: Path) -> int | None:
    """The generation that readers see now, None before the first version. Fails on anything but a whole version."""
    sys.path.insert(0, str(HERE))
    try:
        from reading_process import inspect
    finally:
        sys.path.remove(str(HERE))
    if not (published / "current").is_symlink():
        return None
    folder = (published / "current").resolve(strict=True)
    assert inspect(folder) == []
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as connection:
        row = connection.execute("select min(generation) from table_0").fetchone()
    assert row is not None
    return row[0]


def _kill_at_each(home: Path, steps: Iterable[int], before_each: Callable[[int], int | None]) -> int:
    """Kill one publication before each of the steps, publish again after each; returns how many were killed.

    `before_each` prepares a new generation, the step's number, and says which one readers see until it is published.
    """
    published = home / "published"
    killed = 0
    with _publisher(home) as publisher:
        for step in steps:
            old = before_each(step)
            answer = publisher.order(step)
            assert _generation(published) in (old, step), f"killed before step {step}"
            if answer == "killed":
                killed += 1
                answer = publisher.order(0)
            assert answer.startswith("ended 0"), f"killed before step {step}, the next publication {answer}"
            assert _generation(published) == step
            assert not list(published.rglob(".tmp-*"))
    return killed


def _steps_of_one(home: Path) -> int:
    """How many steps a publication of the warehouse as it stands takes; it is published."""
    with _publisher(home) as publisher:
        ended = re.fullmatch(r"ended 0 after (\d+) steps", answer := publisher.order(0))
    assert ended is not None, answer
    return int(ended[1])


# A publication has some 400 steps, each a second with what is checked after it: some while writing, and those around
# the two commits at the end, are enough for every day.
SAMPLES = [pytest.param(4, id="some-steps"), pytest.param(60, id="many-steps", marks=pytest.mark.slow)]


def _sample(steps: int, samples: int) -> list[int]:
    assert steps > 60, "the publisher has fewer steps than it should: are they still counted?"
    return sorted({*range(1, steps, steps // samples), *range(steps - 17, steps + 2, 2)})


@pytest.mark.parametrize("samples", SAMPLES)
def test_killed_while_an_older_version_is_read(tmp_path: Path, samples: int) -> None:
    home = tmp_path / "home"
    _build(home, FIRST, rows=500)
    _steps_of_one(home)
    _build(home, SECOND, rows=500)
    steps = _sample(_steps_of_one(home), samples)
    latest = SECOND

    def next_generation(step: int) -> int:
        nonlocal latest
        old, latest = latest, step
        _build(home, step, rows=500)
        return old

    with _readers(home / "published") as reports:
        killed = _kill_at_each(home, steps, next_generation)
        time.sleep(0.2)
        seen = reports()

    assert killed >= len(steps) - 2
    for report in seen:
        assert report["wrong"] == []
        assert report["reads"] >= len(report["versions"]) > 3


@pytest.mark.parametrize("samples", SAMPLES)
def test_killed_in_the_first_publication(tmp_path: Path, samples: int) -> None:
    home = tmp_path / "home"
    _build(home, FIRST, rows=500)
    steps = _sample(_steps_of_one(home), samples)

    def fresh(step: int) -> None:
        shutil.rmtree(home / "published")
        _build(home, step, rows=500)

    assert _kill_at_each(home, steps, fresh) >= len(steps) - 2


def test_killed_while_retention_removes_old_versions(tmp_path: Path) -> None:
    home = tmp_path / "home"
    versions = home / "published" / "versions"
    latest = FIRST

    def age(step: int) -> int:
        nonlocal latest
        old, latest = latest, step
        _build(home, step, rows=10)
        if versions.is_dir():
            for folder in versions.iterdir():
                os.utime(folder, (0, 0))
        return old

    steps = 0
    for generation in (FIRST, SECOND, THIRD):
        age(generation)
        steps = _steps_of_one(home)
    # Removal of the one version too many is what comes last.
    assert _kill_at_each(home, range(steps - 12, steps + 2), age) > 8
    age(steps + 2)
    _steps_of_one(home)
    assert len(list(versions.iterdir())) == 2


def test_killed_at_any_moment_while_large_files_are_written(tmp_path: Path) -> None:
    home = tmp_path / "home"
    published = home / "published"
    _build(home, FIRST, rows=60_000)
    outcomes: list[str] = []
    with _publisher(home) as publisher:
        assert publisher.order(0).startswith("ended 0")
        with _readers(published) as reports:
            for generation in range(1, 13):
                old = _generation(published)
                _build(home, generation, rows=60_000)
                outcomes.append(publisher.order(f"t{generation * 37 % 12 * 40 + 20}"))
                assert _generation(published) in (old, generation)
            assert publisher.order(0).startswith("ended 0")
            assert _generation(published) == 12
            seen = reports()
    assert outcomes.count("killed") > 3
    for report in seen:
        assert report["wrong"] == []
        assert report["reads"] > 0
