"""A publication that can't write says so plainly and leaves the version in force."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

# Prepares the process in the way the test names, publishes, and prints what came of it.
SCRIPT = """
import ctypes, json, os, resource, sys
from datetime import UTC, datetime
from pathlib import Path
from mfg_assets.errors import PublicationError
from mfg_assets.publish import PublishedTable, publish, status
from mfg_assets.settings import Settings

home, way = Path(sys.argv[1]), sys.argv[2]
settings = Settings(home=home, threads=1, memory_limit="300MB")
libc = ctypes.CDLL(None, use_errno=True)
if way == "file size":
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
if way == "full disk":
    CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000
    target = str(settings.published_dir / "versions")
    keep = {file: file.read_bytes() for file in Path(target).rglob("*") if file.is_file()}
    if libc.unshare(CLONE_NEWNS) or libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) or libc.mount(
        b"tmpfs", target.encode(), b"tmpfs", 0, b"size=2m"
    ):
        print(json.dumps({"cannot": os.strerror(ctypes.get_errno())}))
        sys.exit(0)
    for file, content in keep.items():
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
if way == "read-only" and os.geteuid() == 0:
    os.seteuid(65534)
before = status(settings).current
try:
    result = publish(settings, [PublishedTable("t", "marts.t", ("k",))], run_id="r", as_of=datetime.now(UTC))
    said = result.state
except PublicationError as error:
    said = str(error)
left = [str(path) for path in (settings.published_dir / "versions").glob(".tmp-*")]
print(json.dumps({"said": said, "same": status(settings).current == before, "left": left}))
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that another user may enter: pytest's own folders are for their owner only."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "home"


def _build(home: Path, rows: int) -> None:
    (home / "warehouse").mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(home / "warehouse" / "mfg.duckdb")) as connection:
        connection.execute("create schema if not exists marts")
        connection.execute(
            f"create or replace table marts.t as select range as k, md5(range::varchar) as v from range({rows})"
        )


def _publish(home: Path, way: str = "") -> dict:
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(home), way], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("way", ["file size", "full disk", "read-only"])
def test_what_cannot_be_written_leaves_the_version_in_force(home: Path, way: str) -> None:
    _build(home, 10)
    assert _publish(home)["said"] == "published"
    _build(home, 100_000)
    (home / "tmp").chmod(0o777)
    (home / "published" / ".lock").chmod(0o666)

    answer = _publish(home, way)
    if "cannot" in answer:
        pytest.skip(f"a small file system can't be mounted here: {answer['cannot']}")

    assert answer["said"].startswith(f"{home / 'published'}: the publication could not be made: ")
    assert "Fix: free disk space or correct the folder's permissions" in answer["said"]
    assert "\n" not in answer["said"]
    assert answer["same"]
    assert answer["left"] == []
    assert _publish(home)["said"] == "published"


def test_two_publications_at_once_the_second_is_told(home: Path) -> None:
    _build(home, 10)
    assert _publish(home)["said"] == "published"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from mfg_assets.publish.store import Store\n"
            "with Store(Path(sys.argv[1])).locked():\n    print('held', flush=True); sys.stdin.read()",
            str(home / "published"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert "another publication is under way" in _publish(home)["said"]
        holder.kill()
    assert _publish(home)["said"] == "unchanged"
