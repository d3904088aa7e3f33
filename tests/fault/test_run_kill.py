"""Kill -9 in landing, in dbt and in publication: the next run succeeds, and readers never saw half a version."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from mfg_assets.settings import PROJECT_ROOT, Settings
from mfg_assets.summary_facts import publication_facts
from tests.mini import DATA, write
from tests.running import Home, mfg

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


@pytest.fixture(scope="module")
def home(mini_copy: Callable[[str], Home]) -> Home:
    """A published mini estate. The tests of this module change its data one after another."""
    return mini_copy("kill")


# `test_landing_kill` and `test_publication_kill` stop at every step; what is left for every day is the phase between.
@pytest.mark.parametrize(
    "phase", ["dbt", *(pytest.param(phase, marks=pytest.mark.slow) for phase in ("landing", "publication"))]
)
def test_a_run_killed_at_any_phase_is_made_good_by_the_next(phase: str, home: Home) -> None:
    folder, environment = home
    root = folder / "home"
    before = publication_facts(Settings(home=root))
    assert before is not None
    number = list(PHASES).index(phase) + 2
    write(
        folder / "data" / "erp" / f"stock_2025030{number}.csv",
        DATA["erp/stock_20250301.csv"].replace("17,0", f"{number},0"),
    )
    present = _traces(root, phase)
    reader = _Reader(root / "published")
    reader.start()
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
    if phase != "publication":
        assert publication_facts(Settings(home=root)) == before, "nothing half-built was published"
    done = mfg(environment, "run")
    reader.stop.set()
    reader.join()
    assert done.returncode == 0, done.stdout + done.stderr
    assert reader.reads > 0
    assert reader.torn == []
    with duckdb.connect(str(root / "published" / "current" / "marts.duckdb"), read_only=True) as connection:
        wheels = connection.execute(
            "select erp_quantity from inventory_comparison where item_number = 'WHEEL'"
        ).fetchall()
    assert [float(w[0]) for w in wheels] == [float(number)]
