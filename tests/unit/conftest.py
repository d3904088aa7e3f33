"""A ledger on SQLite and on a real PostgreSQL: a test that takes `ledger` runs on both. What systems hold.

Belongs here: fixtures of several unit tests. Doesn't belong here: what only one file needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from mfg_assets.ledger import Ledger
from tests.held_world import LATER, OPTIONS, shared_world
from tests.postgres import Server, postgres_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres_server() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "sqlite":
        opened = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    else:
        opened = Ledger(request.getfixturevalue("server").url)
    yield opened
    if opened.is_postgres:
        with opened.engine.begin() as connection:
            connection.execute(text("drop schema public cascade"))
            connection.execute(text("create schema public"))
    opened.close()


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the systems of a small simulated manufacturer hold; to plant in it, take a copy."""
    return shared_world(tmp_path_factory, OPTIONS)


@pytest.fixture(scope="session")
def small_later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same some days later."""
    return shared_world(tmp_path_factory, LATER)
