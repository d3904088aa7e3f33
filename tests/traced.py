"""Walking published values back, for every column of one row of every table.

Belongs here: choosing the rows. Doesn't belong here: expectations (the tests have them).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb

from mfg_assets import publish
from mfg_assets.estate.loader import load_estate
from mfg_assets.lineage import Trace, trace
from mfg_assets.settings import Settings

# What the platform publishes of itself; no system delivered it.
OWN = {"batch_manifest", "dead_letter", "exception", "expectation_failure"}


def traced(home: Path, estate: Path, table: str, *key: str, column: str | None = None) -> list[Trace]:
    """Values of one row."""
    return trace(Settings(home=home), load_estate(estate), table, key, column)


def every_value(home: Path, estate: Path) -> Iterator[Trace]:
    """Every column of the first row of every published table that has one."""
    version = publish.current_version_dir(Settings(home=home))
    for table, entry in json.loads((version / "manifest.json").read_text())["tables"].items():
        with duckdb.connect() as connection:
            keys = ", ".join(f"coalesce(\"{name}\"::varchar, '')" for name in entry["key"])
            row = connection.execute(
                f"select {keys} from read_parquet('{version / entry['file']}') order by all limit 1"
            ).fetchone()
        if row is not None:
            yield from traced(home, estate, table, *row)


def systems_reached(values: Iterator[Trace]) -> dict[str, set[str]]:
    """Table → the systems that its values lead to; asserts that each leads somewhere."""
    reached: dict[str, set[str]] = {}
    for one in values:
        assert one.origins or one.made_by, f"{one.table}.{one.column} leads nowhere"
        reached.setdefault(one.table, set()).update(origin.source_system for origin in one.origins)
        if one.table in OWN:
            assert one.made_by, f"{one.table}.{one.column}"
    return reached
