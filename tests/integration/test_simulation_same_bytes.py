"""The same options give the same bytes whichever supported Python writes them.

Another Python gets an environment of its own with the few packages that a simulation needs, at the versions of
`requirements.lock`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mfg_assets.settings import PROJECT_ROOT

VERSIONS = [version for version in ("3.11", "3.12", "3.13") if version != f"3.{sys.version_info.minor}"]
NEEDED = {
    "annotated-types", "duckdb", "open-data-contract-standard", "psycopg", "psycopg-binary", "pyarrow", "pydantic",
    "pydantic-core", "pydantic-settings", "python-dotenv", "pytz", "pyyaml", "ruamel-yaml", "typing-extensions",
    "typing-inspection",
}  # fmt: skip
WRITES = """
import sys
from pathlib import Path
from mfg_assets.settings import Settings
from mfg_assets.simulate.options import Options
from mfg_assets.simulate.simulation import simulate

out = Path(sys.argv[1])
options = Options.of("small", items=60, days=9, defect_rate=0.05)
simulate(options, out, Settings(home=out.parent / "home", threads=2))
"""


def written(python: Path | str, out: Path, hash_seed: str) -> dict[str, str]:
    """Digest of each file that a process of its own writes."""
    done = subprocess.run(
        [str(python), "-c", WRITES, str(out)],
        env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(PROJECT_ROOT)},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    files = [path for path in out.rglob("*") if path.is_file()]
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def interpreter(version: str) -> str:
    """Where a Python of that version is; skips where there is none that runs."""
    found = shutil.which(f"python{version}")
    if found is None:
        pytest.skip(f"there is no python{version} on this machine's path")
    # pyenv's stand-ins run a version only when it is asked for by name; others don't mind.
    asked = subprocess.run(
        [found, "-c", "import sys; print(sys.executable)"],
        env=os.environ | {"PYENV_VERSION": version},
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode != 0:
        pytest.skip(f"{found} doesn't run: {asked.stderr.strip().splitlines()[0]}")
    return asked.stdout.strip()


@pytest.fixture
def other_python(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A Python of another version with what a simulation needs; skips where it can't be had."""
    place = tmp_path / "environment"
    made = subprocess.run(
        [interpreter(request.param), "-m", "venv", str(place)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"no environment could be made for Python {request.param}: {made.stderr.strip()}")
    pins = [
        line
        for line in (PROJECT_ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
        if re.split(r"[=\s;]", line, maxsplit=1)[0].lower() in NEEDED
    ]
    assert len(pins) == len(NEEDED)
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    installed = subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--no-deps", *[pin.split(";")[0].strip() for pin in pins]],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if installed.returncode != 0:
        pytest.skip(f"packages for Python {request.param} can't be had here: {installed.stderr.strip()[-200:]}")
    return python


@pytest.mark.slow
@pytest.mark.parametrize("other_python", VERSIONS, indirect=True)
def test_another_python_writes_the_same_bytes(other_python: Path, tmp_path: Path) -> None:
    here = written(sys.executable, tmp_path / "here" / "estate", "0")
    there = written(other_python, tmp_path / "there" / "estate", "4711")
    assert here == there
