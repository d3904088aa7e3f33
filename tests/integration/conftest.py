"""One real pass over AdventureWorks, shared by all tests that only read what it left behind."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from mfg_assets.settings import PROJECT_ROOT, Settings
from tests.mini import ESTATE, write, write_mini


@dataclass(frozen=True)
class Pass:
    """A finished `mfg run`: its settings, what it printed, and its summary as JSON."""

    settings: Settings
    output: str
    environment: dict[str, str]


def mfg(environment: dict[str, str], *arguments: str, timeout: int = 300) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person does."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "mfg"), *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        cwd=PROJECT_ROOT,
    )


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


@pytest.fixture(scope="session")
def mini_pass(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small estate of `tests.mini` and its home after one `mfg run`, once for all workers.

    ERP is believed before PLM, which names what ERP doesn't know; at P1 stock is mended within two hours. Tests must
    not write into it: who goes on from here takes a copy.
    """
    base = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        base = base.parent
    folder = base / "mini-pass"
    folder.mkdir(exist_ok=True)
    with (base / "mini-pass.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").is_file():
            estate = write_mini(folder)
            write(
                estate / "ownership.yaml",
                ESTATE["ownership.yaml"].replace("owners: [plm, erp]", "owners: [erp, plm]"),
            )
            rule = '{finding: "inventory.*", plants: [P1], service_level: 2h, escalate_to: engineering}'
            with (estate / "estate.yaml").open("a") as file:
                file.write(f"exception_rules:\n  - {rule}\n")
            done = mfg({"MFG_HOME": str(folder / "home"), "MFG_ESTATE": str(estate)}, "run", timeout=900)
            assert done.returncode == 0, done.stdout + done.stderr
            (folder / "done").touch()
    return folder
