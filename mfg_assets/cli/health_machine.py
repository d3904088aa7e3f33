"""Health of what surrounds the platform: Python, packages, configuration, connections, disk, locks.

Belongs here: looking, without changing anything. Doesn't belong here: the platform's own state (`health_state`).
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mfg_assets.cli.health import Finding
from mfg_assets.errors import MfgError

if TYPE_CHECKING:
    from mfg_assets.settings import Settings

_NAME = "mfg-assets"
# Why a version is held back, for those where another one seems to work at first.
_REASONS = {
    "dbt-core": "1.12 downloads a binary when it is installed",
    "duckdb": "extensions load only on the exact version, and 2.0 writes files that 1.5 can't open",
    "sqlalchemy": "2.1 makes psycopg 3 the default driver, and dagster-postgres fails with it",
}
# Variables that other parts of this repository read.
_OTHER_VARIABLES = ("MFG_TEST_DATA",)
_OTHER_PREFIXES = ("MFG_DBT_",)
_LEAST_FREE = 1 << 30
_LOW_FREE = 5 << 30
_CONNECT_SECONDS = 5
_CREDENTIALS = re.compile(r"//[^@/\s]*@")


def versions() -> Iterator[Finding]:
    """Python and every required package."""
    running = ".".join(str(part) for part in sys.version_info[:3])
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        yield Finding("versions", "python", "ok", running)
    else:
        yield Finding("versions", "python", "wrong", running, "use Python 3.11, 3.12 or 3.13")
    yield from _packages()


def _packages() -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    try:
        requirements = [Requirement(text) for text in requires(_NAME) or []]
    except PackageNotFoundError:
        yield Finding("versions", _NAME, "wrong", "isn't installed", "make setup")
        return
    wrong = 0
    for requirement in requirements:
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            installed = ""
        if installed and requirement.specifier.contains(installed, prereleases=True):
            continue
        wrong += 1
        reason = _REASONS.get(requirement.name.lower())
        detail = f"{installed or 'not installed'}, needed {requirement.specifier}{f' ({reason})' if reason else ''}"
        yield Finding("versions", requirement.name, "wrong", detail, "make setup")
    if not wrong:
        shown = ", ".join(f"{name} {version(name)}" for name in ("dagster", "dbt-core", "duckdb", "great-expectations"))
        yield Finding("versions", "packages", "ok", f"all {len(requirements)} as required ({shown})")


def configuration(settings: Settings) -> Iterator[Finding]:
    """Every variable with its value, secrets masked; variables that nobody reads."""
    from difflib import get_close_matches

    from mfg_assets.settings import environment

    fields = type(settings).model_fields
    known = [f"MFG_{name}".upper() for name in fields]
    values = environment()
    for name, variable in zip(fields, known, strict=True):
        value = getattr(settings, name)
        origin = "" if variable in values else " (default)"
        yield Finding("configuration", variable, "ok", _shown(value) + origin)
    for variable in sorted(values):
        if not variable.startswith("MFG_") or variable in (*known, *_OTHER_VARIABLES):
            continue
        if variable.startswith(_OTHER_PREFIXES):
            continue
        near = get_close_matches(variable, known, n=1)
        fix = f"did you mean {near[0]}?" if near else "unset it"
        yield Finding("configuration", variable, "wrong", "is set, and nothing reads it", fix)


def _shown(value: object) -> str:
    from pydantic import SecretStr

    if value is None:
        return "not set"
    if isinstance(value, SecretStr):
        return _without_secrets(value.get_secret_value())
    return str(value)


def _without_secrets(url: str) -> str:
    """Host and database of a URL; nothing of it when it can't be read as one."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "set, and not a URL"
    if not parts.scheme or not host:
        return "set, and not a URL"
    return f"{parts.scheme}://***@{host}{f':{port}' if port else ''}{parts.path}"


def connections(settings: Settings) -> Iterator[Finding]:
    """Whether the configured databases answer."""
    for variable, secret, where in (
        ("MFG_DAGSTER_URL", settings.dagster_url, "Dagster keeps its state in SQLite"),
        ("MFG_LEDGER_URL", settings.ledger_url, "exceptions are kept in SQLite"),
        ("MFG_SERVING_URL", settings.serving_url, "tables stay in files"),
    ):
        if secret is None:
            yield Finding("connections", variable, "ok", f"not set: {where}")
        else:
            yield _reach(variable, secret.get_secret_value())


def _reach(variable: str, url: str) -> Finding:
    import psycopg

    # SQLAlchemy's form names a driver, which libpq doesn't know.
    plain = re.sub(r"^postgres(ql)?\+\w+:", "postgresql:", url)
    try:
        with psycopg.connect(plain, connect_timeout=_CONNECT_SECONDS) as connection:
            version = connection.execute("show server_version").fetchone()
    except (psycopg.Error, ValueError) as error:
        message = _CREDENTIALS.sub("//***@", " ".join(str(error).split()))
        password = urlsplit(plain).password if "//" in plain else None
        if password:
            message = message.replace(password, "***")
        fix = f"start the server, or correct {variable}"
        return Finding("connections", variable, "wrong", f"{_without_secrets(url)}: {message}", fix)
    return Finding(
        "connections", variable, "ok", f"{_without_secrets(url)}: PostgreSQL {version[0] if version else '?'}"
    )


def disk(settings: Settings) -> Iterator[Finding]:
    """Whether MFG_HOME can be written, and how much room there is."""
    home = settings.home_path
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        yield Finding("disk", str(home), "wrong", f"{existing} can't be written", "correct its permissions or MFG_HOME")
        return
    usage = shutil.disk_usage(existing)
    used = _size_of(home)
    detail = f"{_bytes(usage.free)} free, {_bytes(used)} used by {home}"
    # A run writes the warehouse and a published version beside what is there.
    if usage.free < _LEAST_FREE:
        yield Finding("disk", str(home), "wrong", detail, "free some space: a run needs room to write aside")
    elif usage.free < max(_LOW_FREE, used):
        yield Finding("disk", str(home), "note", detail, "little room for a run that writes everything anew")
    else:
        yield Finding("disk", str(home), "ok", detail)


def locks(settings: Settings) -> Iterator[Finding]:
    """Who is working in this home: a run, or another process that holds the warehouse file."""
    from mfg_assets.warehouse import lock
    from mfg_assets.warehouse.session import connect

    if not settings.home_path.is_dir():
        yield Finding("locks", "run", "ok", "no run has been here yet")
        return
    try:
        # Held while the file is tried, so that no run can begin and find it taken by this look.
        with lock.held(settings):
            yield Finding("locks", "run", "ok", "no run is under way")
            if not settings.warehouse_path.is_file():
                yield Finding("locks", "warehouse", "ok", "no warehouse yet; a run builds it from what has landed")
                return
            try:
                with connect(settings, settings.warehouse_path, read_only=True):
                    pass
            except MfgError as error:
                detail = error.problems[0].message
                holder = re.search(r"PID (\d+)", detail)
                fix = f"end process {holder[1]}: the next run can't write" if holder else "delete it; a run rebuilds it"
                yield Finding("locks", "warehouse", "wrong", detail, fix)
            else:
                size = _bytes(settings.warehouse_path.stat().st_size)
                yield Finding("locks", "warehouse", "ok", f"{settings.warehouse_path} ({size}) is free")
    except MfgError as error:
        problem = error.problems[0]
        yield Finding("locks", "run", "note", problem.message, problem.fix or "")


def _size_of(folder: Path) -> int:
    total = 0
    seen: set[tuple[int, int]] = set()
    for root, _, files in os.walk(folder):
        for name in files:
            status = (Path(root) / name).lstat() if (Path(root) / name).exists() else None
            # Published versions share files by hard links.
            if status is not None and (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_size
    return total


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
