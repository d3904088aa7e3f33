"""`make dashboards`: Superset with the bundle, over an embedded PostgreSQL that holds the published state of a home.

Belongs here: starting both on loopback, generated secrets, stopping both. Doesn't belong here: what Superset shows.

Everything made here lives in a temporary folder that goes with the process: the database, Superset's metadata, the key
that signs its sessions and both passwords. Ctrl-C ends it all.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

# The server that the tests use; it comes with the development packages, as this page does.
from dashboards.in_superset import ADMINISTRATOR
from mfg_assets.errors import MfgError
from mfg_assets.serving import sync
from mfg_assets.settings import PROJECT_ROOT, Settings
from tests.postgres import Server, postgres_server

FOLDER = Path(__file__).parent
BUNDLE = FOLDER / "bundle"
ENVIRONMENT = PROJECT_ROOT / ".mfg-superset"
PORT = 8088
# What Superset logs in as: it may read the schema `mfg` and nothing else.
ACCOUNT = "mfg_dashboards"
PATIENCE = 300
# Loopback answers only this process's own question, and no proxy of the machine is asked.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Superset:
    """A running Superset: where it is, and who may log in. The password is in no file and in no representation."""

    address: str
    user: str
    password: str = field(repr=False)


@contextmanager
def superset(home: Path, *, port: int = PORT, environment: Path = ENVIRONMENT) -> Iterator[Superset]:
    """Serve a home's published state and start Superset over it; both end with the block.

    Args:
        home: the home whose version in force is shown.
        port: where Superset listens on 127.0.0.1; 0 takes a free one.
        environment: the virtual environment with Superset.

    Raises:
        RuntimeError: Superset could not be prepared or did not come up; says what it wrote.
    """
    _free(port)
    # Superset works in a folder of its own.
    environment = environment.absolute()
    folder = Path(tempfile.mkdtemp(prefix="mfg-superset-"))
    try:
        with postgres_server() as server:
            _say(f"loading the published state of {home} into PostgreSQL")
            sync(Settings(home=home), server.url, now=datetime.now(UTC))
            password = secrets.token_urlsafe(12)
            known = _variables(folder, make_account(server), password)
            _say("preparing Superset and importing the bundle (about a minute)")
            _prepare(environment, known, folder)
            with _serving(environment, known, folder, port or _any_port()) as address:
                yield Superset(address, ADMINISTRATOR, password)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_account(server: Server) -> str:
    """Make the role that Superset logs in as, which may read what is published; the URL to log in with."""
    password = secrets.token_urlsafe(24)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create role {} login password {} in role mfg_reader").format(
                sql.Identifier(ACCOUNT), sql.Literal(password)
            )
        )
    return f"postgresql://{ACCOUNT}:{password}@127.0.0.1:{server.port}/postgres"


def _variables(folder: Path, database: str, password: str) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    return inherited | {
        # Only the configuration, not the project: Superset has packages of its own.
        "SUPERSET_CONFIG_PATH": str(FOLDER / "superset_config.py"),
        "SUPERSET_HOME": str(folder),
        "SUPERSET_SECRET_KEY": secrets.token_urlsafe(48),
        "SUPERSET_METADATA_URI": f"sqlite:///{folder / 'superset.db'}",
        "FLASK_APP": "superset.app:create_app()",
        "SCARF_ANALYTICS": "false",
        "MFG_DASHBOARDS_URL": database.replace("postgresql:", "postgresql+psycopg2:", 1),
        "MFG_DASHBOARDS_PASSWORD": password,
    }


def _prepare(environment: Path, known: dict[str, str], folder: Path) -> None:
    log = folder / "prepare.log"
    with log.open("w") as written:
        done = subprocess.run(  # noqa: S603 - the project's own script
            [str(environment / "bin" / "python"), str(FOLDER / "in_superset.py"), str(BUNDLE)],
            env=known,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"Superset could not be prepared:\n{_end_of(log)}")


@contextmanager
def _serving(environment: Path, known: dict[str, str], folder: Path, port: int) -> Iterator[str]:
    """Gunicorn with one worker and threads. In a session of its own, so that Ctrl-C reaches us first."""
    log = folder / "superset.log"
    with log.open("w") as written:
        process = subprocess.Popen(  # noqa: S603 - the project's own environment
            [
                str(environment / "bin" / "gunicorn"),
                *("--bind", f"127.0.0.1:{port}", "--workers", "1", "--worker-class", "gthread", "--threads", "8"),
                *("--timeout", "120", "--graceful-timeout", "5", "--no-control-socket", "superset.app:create_app()"),
            ],
            env=known,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(f"{address}/health", process, log)
        yield address
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for sign, patience in ((signal.SIGTERM, 15), (signal.SIGKILL, 15)):
        try:
            os.killpg(process.pid, sign)
            process.wait(patience)
            return
        except ProcessLookupError:
            process.wait(patience)
            return
        except subprocess.TimeoutExpired:
            continue


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with _DIRECT.open(url, timeout=10):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"Superset did not come up:\n{_end_of(log)}")


def _end_of(log: Path, lines: int = 30) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise RuntimeError(f"port {port} is taken; choose another: make dashboards PORT=8089") from error


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Start, say where, and wait for Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m dashboards.start", description="Superset over a home's published state, on loopback."
    )
    parser.add_argument("--home", type=Path, default=Settings().home, help="home whose published state is shown")
    parser.add_argument("--port", type=int, default=PORT, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--environment", type=Path, default=ENVIRONMENT, help="virtual environment with Superset")
    chosen = parser.parse_args()

    def _stop(*_: object) -> None:
        raise KeyboardInterrupt

    # An end that a supervisor asks for is as clean as Ctrl-C.
    signal.signal(signal.SIGTERM, _stop)
    try:
        with superset(chosen.home, port=chosen.port, environment=chosen.environment) as running:
            _say(
                f"\nDashboards: {running.address}/dashboard/list/"
                f"\nUser:       {running.user}\nPassword:   {running.password}   (for this start only)"
                "\n\nCtrl-C ends Superset and its database."
            )
            signal.pause()
    except KeyboardInterrupt:
        _say("\nstopped")
    except (MfgError, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
