"""The dashboards' bundle without a Superset: files, identifiers, references, queries against the published schema."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlglot
import yaml
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

from dashboards import datasets
from dashboards.model import SCHEMA, Dataset
from dashboards.pages import PAGES
from dashboards.write import BUNDLE, files
from mfg_assets.exceptions.published import EXCEPTION
from mfg_assets.publish.history import TABLE as HISTORY
from mfg_assets.quality.failures import EXPECTATION_FAILURE
from mfg_assets.settings import PROJECT_ROOT

# Tables that no dbt model stands for: made by the ledgers and by serving.
OTHER = {
    "publication": [*HISTORY.columns],
    "exception": [*EXCEPTION.columns],
    "expectation_failure": [*EXPECTATION_FAILURE.columns],
    "serving": ["version", "content_hash", "as_of", "published_at", "served_at"],
}


def _read(text: str) -> Any:
    # The loader in C is ten times as fast and reads the same.
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe


READ = {name: _read(text) for name, text in files().items()}
CHARTS = {name: one for name, one in READ.items() if name.startswith("charts/")}
DASHBOARDS = {name: one for name, one in READ.items() if name.startswith("dashboards/")}
DATASETS = {one["uuid"]: one for name, one in READ.items() if name.startswith("datasets/")}


@cache
def published() -> dict[str, list[str]]:
    """Published table → its columns, as the models' descriptions name them."""
    found: dict[str, list[str]] = {}
    for file in (PROJECT_ROOT / "dbt_project" / "models").rglob("*.yml"):
        content = _read(file.read_text(encoding="utf-8")) or {}
        for model in [*content.get("models", []), *_tables(content)]:
            if "published" in model.get("config", {}).get("meta", {}):
                found[model["name"]] = [column["name"] for column in model["columns"]]
    return found | OTHER


def _tables(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [table for source in content.get("sources", []) for table in source.get("tables", [])]


def test_the_committed_bundle_is_what_its_source_writes() -> None:
    written = {file.relative_to(BUNDLE).as_posix(): file.read_text("utf-8") for file in BUNDLE.rglob("*.yaml")}
    assert written == files(), "run `python -m dashboards.write` and commit what it writes"


def test_the_seven_dashboards_are_there() -> None:
    assert [page.title for page in PAGES] == [
        "Control tower",
        "Engineering change",
        "BOM alignment",
        "Inventory accuracy",
        "Production and confirmations",
        "Procurement and suppliers",
        "Data quality and interfaces",
    ]


def test_identifiers_occur_once() -> None:
    counted = Counter(one["uuid"] for one in READ.values() if "uuid" in one)
    assert [one for one, times in counted.items() if times > 1] == []


def test_no_file_holds_a_secret_or_an_address() -> None:
    for name, text in files().items():
        assert not re.search(r"password|secret|\w+:[^\s/@]+@", text, re.IGNORECASE), name
        assert set(re.findall(r"[\w+]+://[^/\s]*", text)) <= {"postgresql+psycopg2://mfg_dashboards@localhost:5432"}, (
            name
        )


def test_every_query_has_a_dataset_and_every_dataset_is_used() -> None:
    assert {file.stem for file in (PROJECT_ROOT / "dashboards" / "sql").glob("*.sql")} == {d.name for d in datasets.ALL}
    filters = [one for page in DASHBOARDS.values() for one in page["metadata"]["native_filter_configuration"]]
    used = {chart["dataset_uuid"] for chart in CHARTS.values()}
    used |= {target["datasetUuid"] for one in filters for target in one["targets"] if target}
    assert used == set(DATASETS)


@pytest.mark.parametrize("dataset", datasets.ALL, ids=lambda one: one.name)
def test_a_query_reads_published_columns_only(dataset: Dataset) -> None:
    schema: Any = {SCHEMA: {table: dict.fromkeys(columns, "text") for table, columns in published().items()}}
    query = sqlglot.parse_one(dataset.sql, read="postgres")
    # What isn't published, table or column, has no place in the schema and is refused.
    tables = {table.name for table in query.find_all(exp.Table) if table.db}
    assert tables <= set(published()), dataset.name
    qualify(query, schema=schema, dialect="postgres", validate_qualify_columns=True)
    assert len(dataset.columns) == len(set(dataset.columns))
    if dataset.time:
        assert dataset.time in dataset.columns


@pytest.mark.parametrize("dataset", datasets.ALL, ids=lambda one: one.name)
def test_a_metric_reads_columns_of_its_dataset(dataset: Dataset) -> None:
    for name, metric in dataset.metrics.items():
        read = {column.name for column in sqlglot.parse_one(metric.sql, read="postgres").find_all(exp.Column)}
        assert read <= set(dataset.columns), name


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_names_columns_and_metrics_of_its_dataset(name: str) -> None:
    chart = CHARTS[name]
    dataset, params = DATASETS[chart["dataset_uuid"]], chart["params"]
    columns = {one["column_name"] for one in dataset["columns"]}
    metrics = {one["metric_name"] for one in dataset["metrics"]}
    named = _listed(params, "groupby", "all_columns", "groupbyRows", "groupbyColumns")
    assert {*named} <= columns
    assert {*_listed(params, "metrics", "metric", "timeseries_limit_metric")} <= metrics
    assert {*_listed(params, "x_axis")} <= columns
    # Sorting a chart of several series is by a word of Superset's.
    assert {*_listed(params, "x_axis_sort")} <= columns | metrics | {"sum", "name"}
    assert {rule["column"] for rule in params.get("conditional_formatting", [])} <= columns | metrics
    assert set(params.get("column_config", {})) <= columns
    assert {yaml.safe_load(one)[0] for one in params.get("order_by_cols", [])} <= columns
    for condition in params["adhoc_filters"]:
        if condition["expressionType"] == "SIMPLE":
            assert condition["subject"] in columns
        else:
            parsed = sqlglot.parse_one(condition["sqlExpression"], read="postgres")
            assert {column.name for column in parsed.find_all(exp.Column)} <= columns
            # Superset refuses queries within conditions.
            assert not parsed.find(exp.Subquery)


def _listed(params: dict[str, Any], *keys: str) -> list[Any]:
    values = [params.get(key) for key in keys]
    return [one for value in values if value for one in (value if isinstance(value, list) else [value])]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_positions_and_filters_refer_to_what_is_there(name: str) -> None:
    dashboard = DASHBOARDS[name]
    position = {key: one for key, one in dashboard["position"].items() if isinstance(one, dict)}
    charts = {chart["uuid"]: chart for chart in CHARTS.values()}
    placed = [one for one in position.values() if one["type"] == "CHART"]
    assert len({one["meta"]["chartId"] for one in placed}) == len(placed)
    for one in placed:
        assert charts[one["meta"]["uuid"]]["slice_name"] == one["meta"]["sliceName"]
    children = [child for one in position.values() for child in one.get("children", [])]
    assert Counter(children) == Counter(set(position) - {"ROOT_ID", "HEADER_ID"})
    for one in position.values():
        assert {*one.get("parents", [])} <= set(position)
        if one["type"] == "ROW":
            assert sum(position[child]["meta"]["width"] for child in one["children"]) == 12
    filters = {one["name"]: one for one in dashboard["metadata"]["native_filter_configuration"]}
    assert list(filters) == ["Plant", "Family", "Time"]
    for one, column in (("Plant", "plant_id"), ("Family", "product_family")):
        beyond = {*filters[one]["scope"]["excluded"]}
        for chart in placed:
            dataset = DATASETS[charts[chart["meta"]["uuid"]]["dataset_uuid"]]
            has_it = column in {c["column_name"] for c in dataset["columns"]}
            assert (chart["meta"]["chartId"] in beyond) != has_it, (one, chart["meta"]["sliceName"])


def test_the_charts_directory_has_no_strangers() -> None:
    placed = {
        one["meta"]["uuid"]
        for page in DASHBOARDS.values()
        for one in page["position"].values()
        if isinstance(one, dict) and one["type"] == "CHART"
    }
    assert placed == {chart["uuid"] for chart in CHARTS.values()}


def test_red_amber_and_green_are_given_to_words_for_states_only() -> None:
    for page in PAGES:
        assert not {"P100", "plm", "erp"} & set(page.colours), page.slug


def test_the_lock_names_no_index_and_pins_everything() -> None:
    lock = Path(PROJECT_ROOT / "dashboards" / "requirements.lock").read_text("utf-8").splitlines()
    pins = [line for line in lock if line and not line.startswith("#")]
    assert any(line.startswith("apache-superset==") for line in pins)
    assert all(re.match(r"[A-Za-z0-9._-]+==[^\s;]+( ; .+)?$", line) for line in pins)
