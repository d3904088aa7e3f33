"""A run that is killed in one of its phases, while somebody reads what is published.

Belongs here: starting it, seeing that a phase is under way, the reader. Doesn't belong here: what the next run has to
make good (test_run_kill, test_run_story).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from mfg_assets.settings import PROJECT_ROOT

# Which file or folder of MFG_HOME appears when a phase is under way; of dbt, its log must also tell of models built. A
# small file lands in an instant that a busy machine may miss, so the batch that it has become counts too: the next step
# after it is the warehouse's. (`test_landing_kill` kills at each single step of landing.)
PHASES = {
    "landing": ("tmp/landing-*", "landing/*/*/*/manifest.json"),
    "dbt": ("logs/dbt-*.log",),
    "publication": ("published/versions/*/*.parquet",),
}
MODELS_BUILT = 20


def _traces(root: Path, phase: str) -> set[Path]:
    return {path for pattern in PHASES[phase] for path in root.glob(pattern)}


def _under_way(root: Path, phase: str, present: set[Path]) -> bool:
    new = _traces(root, phase) - present
    if phase != "dbt":
        return bool(new)
    return any(path.read_text(errors="replace").count("OK created sql table") >= MODELS_BUILT for path in new)


def _start(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [str(Path(sys.executable).parent / "mfg"), "run"],
        env=os.environ | environment,
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


class _Reader(threading.Thread):
    """Reads two tables of `current` again and again and notes whether they belong to one version."""

    def __init__(self, published: Path) -> None:
        super().__init__(daemon=True)
        self.published, self.stop, self.reads, self.torn = published, threading.Event(), 0, []

    def run(self) -> None:
        while not self.stop.is_set():
            current = self.published / "current"
            if not current.exists():
                continue
            version = current.resolve()
            with duckdb.connect() as connection:
                files = sorted(version.glob("*.parquet"))
                counts = [
                    connection.execute("select count(*) from read_parquet(?)", [str(f)]).fetchone() for f in files
                ]
                publications = connection.execute(
                    "select max(version) from read_parquet(?)", [str(version / "publication.parquet")]
                ).fetchone()
            if publications != (version.name,) or None in counts:
                self.torn.append((version.name, publications))
            self.reads += 1
            # the run that is watched needs the processors too
            self.stop.wait(0.1)


@contextmanager
def reading(root: Path) -> Iterator[None]:
    """Read the published state meanwhile; afterwards it must have been whole each time."""
    reader = _Reader(root / "published")
    reader.start()
    try:
        yield
    finally:
        reader.stop.set()
        reader.join()
    assert reader.reads > 0
    assert reader.torn == []


def kill_a_run(environment: dict[str, str], phase: str) -> None:
    """Start `mfg run` and kill it with all that it has started once the phase is under way."""
    root = Path(environment["MFG_HOME"])
    present = _traces(root, phase)
    process = _start(environment)
    try:
        deadline = time.monotonic() + 240
        while not _under_way(root, phase, present):
            assert process.poll() is None, f"the run ended before {phase} was seen"
            assert time.monotonic() < deadline, f"{phase} was never seen"
            time.sleep(0.001)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
