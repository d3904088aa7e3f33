"""The dashboards' queries on a real PostgreSQL that serves a published state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from dashboards import datasets
from dashboards.model import Dataset, kind
from dashboards.start import make_account
from mfg_assets.serving import sync
from mfg_assets.settings import Settings
from tests.postgres import postgres_server

pytestmark = pytest.mark.postgres
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NUMBERS = {"numeric", "int2", "int4", "int8", "float8"}
OTHERS = {"timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMP", "bool": "BOOLEAN"}


@pytest.fixture(scope="module")
def url(mini_pass: Path) -> Iterator[str]:
    """As the account that Superset logs in as."""
    with postgres_server() as server:
        sync(Settings(home=mini_pass / "home"), server.url, now=NOW)
        yield make_account(server)


@pytest.mark.parametrize("dataset", datasets.ALL, ids=lambda one: one.name)
def test_a_query_runs_and_its_columns_are_what_the_bundle_says(url: str, dataset: Dataset) -> None:
    with psycopg.connect(url) as connection:
        described = connection.execute(f"select * from ({dataset.sql}) as q".encode()).description or []
        assert [column.name for column in described] == dataset.columns
        found = {column.name: _kind(connection, column.type_code) for column in described}
        assert found == {name: kind(name) for name in dataset.columns}
        metrics = ", ".join(metric.sql for metric in dataset.metrics.values())
        connection.execute(f"select {metrics} from ({dataset.sql}) as q".encode())


def _kind(connection: psycopg.Connection[tuple[object, ...]], code: int) -> str:
    known = connection.adapters.types.get(code)
    name = known.name if known else str(code)
    return "NUMERIC" if name in NUMBERS else OTHERS.get(name, "TEXT")


def test_parts_of_a_kpi_add_up_to_the_whole(url: str) -> None:
    """Whatever is chosen, the rate of the dashboards is that of what is left; of everything it is the plant's own."""
    with psycopg.connect(url) as connection:
        wrong = connection.execute(
            f"""
            with shown as (
                select kpi, plant_id, sum(numerator) as numerator, sum(denominator) as denominator
                from ({datasets.KPI_DAY.sql}) as q group by kpi, plant_id
            )
            select k.kpi, k.plant_id, k.numerator, s.numerator, k.denominator, s.denominator
            from mfg.kpi as k
            left join shown as s on s.kpi = k.kpi and s.plant_id is not distinct from k.plant_id
            where
                k.breakdown is null and k.product_family is null and k.unit in ('ratio', 'count')
                and (k.numerator is distinct from s.numerator or k.denominator is distinct from s.denominator)
            """.encode()
        ).fetchall()
    assert wrong == []


def test_the_account_of_the_dashboards_may_only_read(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("select count(*) > 0 from mfg.kpi").fetchone() == (True,)
        for refused in ("delete from mfg.kpi", "create table mfg.mine ()", "select * from mfg_private.served"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(refused)
