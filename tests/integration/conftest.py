"""One real pass over AdventureWorks, shared by all tests that only read what it left behind."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from mfg_assets.settings import PROJECT_ROOT, Settings
from tests.running import mfg


@dataclass(frozen=True)
class Pass:
    """A finished `mfg run`: its settings, what it printed, and its summary as JSON."""

    settings: Settings
    output: str
    environment: dict[str, str]


@pytest.fixture(scope="session")
def adventureworks_pass(adventureworks: Path, tmp_path_factory: pytest.TempPathFactory) -> Pass:
    """`mfg run` on AdventureWorks, once for all workers. Tests must not write into its home."""
    base = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        base = base.parent
    folder = base / "adventureworks-pass"
    environment = {
        "MFG_HOME": str(folder / "home"),
        "MFG_ESTATE": str(PROJECT_ROOT / "estates" / "adventureworks"),
        "ADVENTUREWORKS": str(adventureworks / "parquet"),
    }
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        record = folder / "pass.json"
        if not record.is_file():
            done = mfg(environment, "run")
            record.write_text(json.dumps({"code": done.returncode, "out": done.stdout, "err": done.stderr}))
        result = json.loads(record.read_text())
    assert result["code"] == 0, result["out"] + result["err"]
    return Pass(Settings(home=folder / "home", estate=Path(environment["MFG_ESTATE"])), result["out"], environment)
