"""Fixtures that more than one kind of test uses. Folder-specific ones live in that folder's conftest."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from mfg_assets.settings import PROJECT_ROOT, Settings, get_settings
from tests.mini import ESTATE, write, write_mini
from tests.running import Home, mfg

# Examples are new on every run of a developer; continuous integration takes the same ones, so that main's colour says
# something about the change and not about luck.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("developer", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "developer")

# All homes of the tests share what follows from the project alone, and so does the next `make test`.
os.environ.setdefault("MFG_CACHE", str(PROJECT_ROOT / ".mfg-tests" / "cache"))

SHARED_DATA = Path(os.environ.get("MFG_TEST_DATA", PROJECT_ROOT.parent / "shared" / "data"))


@pytest.fixture(autouse=True)
def _settings_read_anew() -> Iterator[None]:
    """No test meets settings that another one's environment made: which runs before it is the scheduler's choice."""
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty MFG_HOME for one test."""
    path = tmp_path / "home"
    monkeypatch.setenv("MFG_HOME", str(path))
    return path


@pytest.fixture
def settings(home: Path) -> Settings:
    """Settings with an empty home, no estate and little memory."""
    return Settings(home=home, memory_limit="1GB", threads=2)


def _data(folder: str) -> Path:
    path = SHARED_DATA / folder
    if not path.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{path} is missing; in CI the real data is expected")
        pytest.skip(f"real data is not at {path}; set MFG_TEST_DATA to the folder that holds {folder}/")
    return path


@pytest.fixture(scope="session")
def adventureworks() -> Path:
    """Folder with `parquet/` and `tsv/` of the AdventureWorks sample."""
    return _data("adventureworks")


@pytest.fixture(scope="session")
def photon_feeder() -> Path:
    """Folder with the four releases of the photon feeder's bill."""
    return _data("photon_feeder")


@pytest.fixture(scope="session")
def mini_pass(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small estate of `tests.mini` and its home after one `mfg run`, once for all workers.
    `run.json` has what that printed.

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
            (folder / "run.json").write_text(json.dumps({"out": done.stdout, "err": done.stderr}))
            (folder / "done").touch()
    return folder


@pytest.fixture(scope="session")
def mini_copy(mini_pass: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Home]:
    """Makes a copy of `mini_pass` to go on from: a run costs most of a minute, a copy nothing."""

    def copy(name: str) -> Home:
        folder = tmp_path_factory.mktemp(name) / "mini"
        shutil.copytree(mini_pass, folder, symlinks=True)
        return folder, {"MFG_HOME": str(folder / "home"), "MFG_ESTATE": str(folder / "estate")}

    return copy
