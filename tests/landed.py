"""A simulated estate that is delivered, published and released again and again, without Dagster.

Belongs here: these steps, and questions to what came of them. Doesn't belong here: `mfg run` (tests/running.py), what
has to hold (the tests).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from mfg_assets import publish as publication
from mfg_assets.estate.loader import load_estate
from mfg_assets.ledger import open_ledger
from mfg_assets.release.inspect import MessageFilter, find
from mfg_assets.release.run import Outcome, release
from mfg_assets.settings import Settings
from mfg_assets.simulate import simulation, truth
from mfg_assets.simulate.options import Options
from mfg_assets.simulate.score import Score, score
from tests.building import build


class Landed:
    """A simulated estate in a folder, with a home in which some tables are published."""

    def __init__(self, folder: Path, options: Options, tables: Sequence[str]) -> None:
        self.out, self.tables = folder / "estate", set(tables)
        self.settings = Settings(home=folder / "home", estate=self.out)
        (folder / "home").mkdir(parents=True)
        self.releases = folder / "home" / "releases"
        simulation.simulate(options, self.out, self.settings)

    def advance(self, days: int = 7) -> None:
        """The next delivery comes; systems have taken over what was released to them."""
        simulation.advance(self.out, days, self.settings, releases=self.releases if self.releases.is_dir() else None)

    def publish(self) -> str:
        """Land what was delivered, build and publish; the version's name."""
        build(self.out, self.settings.home_path, self.tables)
        return publication.current_version_dir(self.settings).name

    def release(self) -> Outcome:
        """A pass over the outbox."""
        with open_ledger(self.settings) as ledger:
            return release(self.settings, load_estate(self.out), ledger, as_of=truth.read_world(self.out).options.cut)

    def roll_back(self, version: str) -> str:
        """An older version comes back; the new version's name."""
        return publication.rollback(self.settings, version, published_by="tests", reason="it was too early").version

    def messages(self, **filters: Any) -> list[dict[str, Any]]:
        """What the outbox has."""
        with open_ledger(self.settings) as ledger:
            return find(ledger, MessageFilter(**filters))

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """From the published tables."""
        path = self.settings.home_path / "published" / "current" / "marts.duckdb"
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(query, list(values)).fetchall()

    def score(self) -> Score:
        """What is published, against the truth."""
        return score(self.settings, self.out)
