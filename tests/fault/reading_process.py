"""Reads `published/current` again and again until standard input closes: `python reading_process.py PUBLISHED`.

Resolves the link once, then reads every table's Parquet file and `marts.duckdb`, and opens `current/marts.duckdb`
through the link too. Ends with one JSON line: how often it read, which versions it saw, everything that was wrong.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import duckdb

TABLES = [f"table_{n}" for n in range(4)]


def _generations(connection: duckdb.DuckDBPyConnection, relation: str) -> set[tuple[int, int]]:
    query = f"select generation, count(*) from {relation} group by generation"
    return set(connection.execute(query).fetchall())


def inspect(folder: Path) -> list[str]:
    """What is wrong with a version: more than one generation in it, rows missing, or files that disagree."""
    wrong: list[str] = []
    manifest = json.loads((folder / "manifest.json").read_text())
    if manifest["version"] != folder.name:
        wrong.append(f"{folder.name} calls itself {manifest['version']}")
    seen: set[tuple[int, int]] = set()
    with duckdb.connect() as connection:
        for table in TABLES:
            found = _generations(connection, f"read_parquet('{folder}/{table}.parquet')")
            if {rows for _, rows in found} != {manifest["tables"][table]["rows"]}:
                wrong.append(f"{folder.name}: {table} holds {found}")
            seen |= found
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as connection:
        for table in TABLES:
            seen |= _generations(connection, table)
        newest = connection.execute("select max(version) from publication").fetchone()
    if newest != (folder.name,):
        wrong.append(f"{folder.name}: its history ends with {newest}")
    if len(seen) != 1:
        wrong.append(f"{folder.name} mixes generations {sorted(seen)}")
    return wrong


def _through_the_link(published: Path) -> list[str]:
    with duckdb.connect(str(published / "current" / "marts.duckdb"), read_only=True) as connection:
        seen = set().union(*(_generations(connection, table) for table in TABLES))
    return [] if len(seen) == 1 else [f"current/marts.duckdb mixes generations {sorted(seen)}"]


def main() -> None:
    published = Path(sys.argv[1])
    stopped = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()
    report: dict[str, Any] = {"reads": 0, "versions": [], "wrong": []}
    while not stopped.is_set():
        try:
            folder = Path(os.path.realpath(published / "current", strict=True))
        except FileNotFoundError:
            # Before the first version there is nothing; once there was one, there always is.
            if report["versions"]:
                report["wrong"].append("current vanished")
            continue
        try:
            report["wrong"] += inspect(folder) + _through_the_link(published)
        except (OSError, duckdb.Error) as error:
            report["wrong"].append(f"{folder.name}: {error}")
        report["reads"] += 1
        if folder.name not in report["versions"]:
            report["versions"].append(folder.name)
        stopped.wait(0.02)
    print(json.dumps(report))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
