"""Suites and models agree: every canonical and published table has a suite, every suite a table with its columns."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from ruamel.yaml import YAML

from mfg_assets.quality import Suite, load_suites
from mfg_assets.settings import PROJECT_ROOT

MODELS = PROJECT_ROOT / "dbt_project" / "models"
SUITES = load_suites(PROJECT_ROOT / "expectations")


@dataclass(frozen=True)
class Model:
    table: str
    columns: frozenset[str]
    is_published: bool


def _models() -> dict[str, Model]:
    """Every described model that has a SQL file, under `schema.name`; the schema is the layer's folder."""
    models: dict[str, Model] = {}
    reader = YAML(typ="safe")
    for path in MODELS.rglob("*.yml"):
        for model in (reader.load(path) or {}).get("models", []):
            table = f"{path.relative_to(MODELS).parts[0]}.{model['name']}"
            meta = (model.get("config") or {}).get("meta") or {}
            columns = frozenset(column["name"] for column in model.get("columns", []))
            models[table] = Model(table, columns, "published" in meta)
    files = {f"{path.relative_to(MODELS).parts[0]}.{path.stem}" for path in MODELS.rglob("*.sql")}
    return {table: model for table, model in models.items() if table in files}


MODEL = _models()


def test_every_canonical_model_has_a_suite() -> None:
    canonical = {f"canonical.{path.stem}" for path in (MODELS / "canonical").rglob("*.sql")}
    assert canonical - {suite.table for suite in SUITES} == set()


def test_every_published_table_has_a_suite() -> None:
    published = {table for table, model in MODEL.items() if model.is_published}
    assert published - {suite.table for suite in SUITES} == set()


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.table)
def test_every_suite_has_a_table_with_its_columns(suite: Suite) -> None:
    assert suite.table in MODEL, f"no model makes {suite.table}"
    used = {column for expectation in suite.expectations for column in expectation.columns_used}
    assert used - MODEL[suite.table].columns == set()


def test_some_of_it_stops_a_publication() -> None:
    """A gate in which nothing is blocking is no gate."""
    severities = [expectation.severity for suite in SUITES for expectation in suite.expectations]
    assert severities.count("blocking") > 50
    assert severities.count("warning") > 50


@pytest.mark.parametrize(
    "suite", [s for s in SUITES if s.table.startswith("canonical.")], ids=lambda suite: suite.table
)
def test_what_would_make_results_wrong_stops_a_publication(suite: Suite) -> None:
    assert any(expectation.severity == "blocking" for expectation in suite.expectations)
