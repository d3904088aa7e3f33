"""Fixtures that more than one kind of test uses. Folder-specific ones live in that folder's conftest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from mfg_assets.settings import PROJECT_ROOT, Settings, get_settings

# Examples are new on every run of a developer; continuous integration takes the same ones, so that main's colour says
# something about the change and not about luck.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("developer", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "developer")

SHARED_DATA = Path(os.environ.get("MFG_TEST_DATA", PROJECT_ROOT.parent / "shared" / "data"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty MFG_HOME for one test."""
    path = tmp_path / "home"
    monkeypatch.setenv("MFG_HOME", str(path))
    get_settings.cache_clear()
    yield path
    get_settings.cache_clear()


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
