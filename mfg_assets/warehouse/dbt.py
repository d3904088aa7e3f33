"""The dbt project: preparing its manifest, and the environment its profile reads.

Belongs here: everything dbt needs that isn't SQL. Doesn't belong here: Dagster's wrapping of dbt (defs).

`python -m mfg_assets.warehouse.dbt parse|lint` is what the Makefile calls.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mfg_assets.contracts import derive
from mfg_assets.errors import Problem, WarehouseError
from mfg_assets.settings import Settings, get_settings
from mfg_assets.warehouse import lint
from mfg_assets.warehouse.state import source_files

# dbt itself, started in the home: see there.
EXECUTABLE = str(Path(sys.executable).parent / "mfg-dbt")


def environment(settings: Settings) -> dict[str, str]:
    """Variables that `profiles.yml` reads, for a dbt started from anywhere.

    The paths carry dbt's prefix for secrets not because they are, but because dbt compares all other variables of the
    profile with those of the last parse and parses everything anew when one differs.
    """
    return {
        "DBT_ENV_SECRET_MFG_DUCKDB_PATH": str(settings.warehouse_path),
        "DBT_ENV_SECRET_MFG_SPILL_PATH": str(_spill_path(settings)),
        "MFG_DBT_MEMORY_LIMIT": settings.memory_limit,
        "MFG_DBT_THREADS": str(settings.threads),
        # What dbt says goes to MFG_HOME/logs; its own file would repeat it with megabytes of every statement's steps.
        "DBT_LOG_LEVEL_FILE": "none",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_PROFILES_DIR": str(settings.dbt_project_dir),
    }


def environment_in_home(settings: Settings) -> dict[str, str]:
    """The same for `EXECUTABLE`, which starts in MFG_HOME: paths are the same words for each home."""
    home = settings.home_path
    return environment(settings) | {
        "DBT_ENV_SECRET_MFG_DUCKDB_PATH": settings.warehouse_path.relative_to(home).as_posix(),
        "DBT_ENV_SECRET_MFG_SPILL_PATH": _spill_path(settings).relative_to(home).as_posix(),
        "MFG_HOME": str(home),
    }


def _spill_path(settings: Settings) -> Path:
    return settings.home_path / "tmp"


def manifest_path(settings: Settings) -> Path:
    """Where the manifest of the last parse is."""
    return settings.dbt_project_dir / "target" / "manifest.json"


def ensure_parsed(settings: Settings) -> Path:
    """The manifest of the project as it stands, parsed anew only when a file changed.

    Safe to call from several processes at once. Raises WarehouseError with dbt's own words when it doesn't parse.
    """
    project = settings.dbt_project_dir
    target = project / "target"
    target.mkdir(exist_ok=True)
    derive.write_dbt_sources(project)
    with (target / ".parse.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, current = target / ".parsed", _fingerprint(project)
        manifest = manifest_path(settings)
        if not manifest.is_file() or not stamp.is_file() or stamp.read_text() != current:
            _parse(settings)
            stamp.write_text(current)
    return manifest


def _parse(settings: Settings) -> None:
    project = settings.dbt_project_dir
    command = [EXECUTABLE, "--quiet", "--no-use-colors", "parse"]
    settings.home_path.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(  # noqa: S603 - a fixed command
        [*command, "--project-dir", str(project), "--target-path", str(project / "target")],
        env=os.environ | environment_in_home(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise WarehouseError(Problem(f"dbt can't parse the project:\n{done.stdout}{done.stderr}", project))


def _sqlfluff(settings: Settings, paths: Sequence[str]) -> int:
    command = [str(Path(sys.executable).parent / "sqlfluff"), "lint", "--disable-progress-bar", "--processes", "2"]
    # The templater opens the database, so it gets an empty one: the real one may not exist yet, or a run may hold it.
    # It also parses anew, which must not meet another process that parses into the project's target folder.
    with tempfile.TemporaryDirectory() as home:
        empty = settings.model_copy(update={"home": Path(home)})
        empty.warehouse_dir.mkdir(parents=True)
        return subprocess.run(  # noqa: S603 - a fixed command, paths of the project's own
            [*command, *paths],
            cwd=settings.dbt_project_dir,
            env=os.environ | environment(empty) | {"DBT_TARGET_PATH": str(Path(home) / "target")},
            check=False,
        ).returncode


def _fingerprint(project: Path) -> str:
    digest = hashlib.sha256()
    for path in source_files(project):
        digest.update(path.relative_to(project).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def main(arguments: list[str]) -> int:
    """`parse` or `lint`. Returns the exit code."""
    settings = get_settings()
    try:
        ensure_parsed(settings)
    except WarehouseError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line
        return 1
    if arguments == ["lint"]:
        return lint.lint(settings.dbt_project_dir, lambda paths: _sqlfluff(settings, paths))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
