"""The dbt models' compiled SQL, to be run on small tables without dbt.

Belongs here: compiling once a session, and running models over given inputs. Doesn't belong here: expectations.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from mfg_assets.settings import PROJECT_ROOT, Settings
from mfg_assets.warehouse.dbt import ensure_parsed, environment


def compile_models(settings: Settings, target: Path, selection: str) -> dict[str, str]:
    """SQL by model name, without the database's name, so that it runs in any DuckDB database."""
    ensure_parsed(settings)
    settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "dbt"), "--quiet", "--no-use-colors", "compile"),
            *("--select", selection, "--no-introspect"),
            *("--project-dir", str(settings.dbt_project_dir), "--target-path", str(target)),
            *("--log-path", str(target / "logs")),
        ],
        env=os.environ | environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    database = f'"{settings.warehouse_path.stem}".'
    return {
        path.stem: path.read_text().replace(database, "")
        for path in (target / "compiled" / "mfg" / "models").rglob("*.sql")
    }


def all_models() -> dict[str, str]:
    """SQL of all models by name, compiled once for all processes and kept until the project changes.

    Most of a compilation is dbt's reading of the project, whatever it is asked for.
    """
    cache = Path(os.environ.get("MFG_CACHE", PROJECT_ROOT / ".mfg-tests" / "cache"))
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "compiled-models.lock").open("w") as lock, tempfile.TemporaryDirectory() as folder:
        fcntl.flock(lock, fcntl.LOCK_EX)
        settings = Settings(home=Path(folder) / "home", memory_limit="500MB", threads=1)
        stamp = hashlib.sha256(ensure_parsed(settings).read_bytes()).hexdigest()
        kept = cache / f"compiled-models-{stamp[:16]}.json"
        if not kept.is_file():
            for old in cache.glob("compiled-models-*.json"):
                old.unlink()
            sql = compile_models(settings, Path(folder) / "target", "resource_type:model")
            whole = cache / "compiled-models.part"
            whole.write_text(json.dumps(sql))
            whole.replace(kept)
        return json.loads(kept.read_text())


class Models:
    """Compiled models that run in one connection."""

    def __init__(self, sql: dict[str, str], connection: duckdb.DuckDBPyConnection) -> None:
        self.sql = sql
        self.connection = connection

    def build(self, relations: Iterable[str]) -> None:
        """Create the named relations (`schema.model`), in the given order."""
        for relation in relations:
            schema, _, name = relation.partition(".")
            self.connection.execute(f"create schema if not exists {schema}")
            self.connection.execute(f"create or replace table {relation} as {self.sql[name]}")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.connection.execute(query).fetchall()

    def fill(self, table: str, rows: list[list[Any]]) -> None:
        """Replace a table's rows."""
        self.connection.execute(f"delete from {table}")
        if rows:
            self.connection.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)
