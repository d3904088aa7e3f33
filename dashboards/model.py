"""What a bundle is made of, and how each part is written in Superset's import format.

Belongs here: datasets, charts, dashboards, their identifiers and their YAML. Doesn't belong here: which ones there are
(`datasets`, `pages`), how a kind of chart looks (`charts`).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

SQL = Path(__file__).parent / "sql"
SCHEMA = "mfg"
VERSION = "1.0.0"
COLUMNS = 12
# Names decide identifiers, so that the same source is always the same bundle, and an import updates what it made.
_NAMESPACE = uuid.UUID("8f5a4a0e-5f0c-5d0a-9a58-6c0b3b1f7f11")
_ACRONYMS = {"plm": "PLM", "erp": "ERP", "mes": "MES", "wms": "WMS", "bom": "BOM", "id": "ID"}
_LABELS = {
    "plant_id": "Plant",
    "owner_role": "Role",
    "product_family": "Family",
    "item_number": "Item",
    "parent_item_number": "Assembly",
    "component_item_number": "Component",
    "change_number": "Change",
    "production_order_number": "Order",
    "object_key": "Object",
    "finding_class": "Finding",
    "exception_class": "Exception",
    "suggested_action": "What to do",
    "extract_name": "Feed",
    "lot_number": "Lot",
    "supplier_number": "Supplier",
    "first_seen_at": "First seen (UTC)",
}


def identifier(kind: str, name: str) -> str:
    """The UUID of a part of the bundle."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))


def label(column: str) -> str:
    """What people call a column."""
    if column in _LABELS:
        return _LABELS[column]
    words = column.removesuffix("_at").split("_")
    words = [_ACRONYMS.get(word, word) for word in words]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


@dataclass(frozen=True)
class Metric:
    """An aggregate that charts use by name."""

    sql: str
    title: str
    format: str = ",d"


@dataclass(frozen=True)
class Dataset:
    """A query on published tables: its SQL is the file of its name. `time` is the column that a time filter cuts."""

    name: str
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    time: str | None = None

    @cached_property
    def sql(self) -> str:
        """The query, without the comment that heads its file."""
        lines = (SQL / f"{self.name}.sql").read_text(encoding="utf-8").splitlines()
        return "\n".join(line for line in lines if not line.startswith("--")).strip()

    @cached_property
    def description(self) -> str:
        """The comment that heads its file."""
        lines = (SQL / f"{self.name}.sql").read_text(encoding="utf-8").splitlines()
        head = []
        for line in lines:
            if not line.startswith("--"):
                break
            head.append(line.removeprefix("--").strip())
        return " ".join(head)

    @cached_property
    def columns(self) -> list[str]:
        """The names of what the query gives."""
        query = sqlglot.parse_one(self.sql, read="postgres")
        if not isinstance(query, exp.Query):
            raise TypeError(f"{self.name}.sql is no query")
        return query.named_selects

    @property
    def uuid(self) -> str:
        """Its identifier."""
        return identifier("dataset", self.name)

    def written(self) -> dict[str, Any]:
        """The dataset's file."""
        return {
            "table_name": self.name,
            "description": self.description,
            "main_dttm_col": self.time,
            "schema": SCHEMA,
            "sql": f"{self.sql}\n",
            "uuid": self.uuid,
            "columns": [
                {
                    "column_name": column,
                    "verbose_name": label(column),
                    "type": kind(column),
                    "is_dttm": kind(column) == "TIMESTAMP",
                    "is_active": True,
                    "groupby": True,
                    "filterable": True,
                }
                for column in self.columns
            ],
            "metrics": [
                {
                    "metric_name": name,
                    "verbose_name": metric.title,
                    "expression": metric.sql,
                    "d3format": metric.format or None,
                }
                for name, metric in self.metrics.items()
            ],
            "version": VERSION,
            "database_uuid": DATABASE["uuid"],
        }


_NUMBERS = {
    *("numerator", "denominator", "value", "batches", "refused_batches", "rows_received"),
    *("rows_rejected", "rows_landed", "rows_added", "rows_removed", "rows_changed", "hours_behind", "confirmations"),
    *("confirmed_yield", "confirmed_scrap", "difference", "match_probability", "failed_rows", "row_number"),
    *("source_row", "value_at_stake", "severity_rank"),
}


def kind(column: str) -> str:
    """A column's type, by its name; a test compares with what PostgreSQL says."""
    if column == "day" or column.endswith(("_at", "_from", "as_of")):
        return "TIMESTAMP"
    if column.startswith("is_"):
        return "BOOLEAN"
    if column in _NUMBERS or column.endswith(
        ("quantity", "_quantity_per", "_hours", "_quantity_at_stake", "_at_stake")
    ):
        return "NUMERIC"
    return "TEXT"


DATABASE: dict[str, Any] = {
    "database_name": "mfg_assets",
    # Whoever imports the bundle says where the schema `mfg` is; `make dashboards` does so by itself.
    "sqlalchemy_uri": "postgresql+psycopg2://mfg_dashboards@localhost:5432/postgres",
    "expose_in_sqllab": True,
    "allow_ctas": False,
    "allow_cvas": False,
    "allow_dml": False,
    "allow_run_async": False,
    "extra": {
        "allows_virtual_table_explore": True,
        "engine_params": {"connect_args": {"application_name": "superset"}},
    },
    "uuid": identifier("database", "mfg_assets"),
    "version": VERSION,
}


@dataclass(frozen=True)
class Chart:
    """One chart. `size` is width in columns of 12 and height in units of 8 pixels."""

    name: str
    dataset: Dataset
    viz_type: str
    params: Mapping[str, Any]
    description: str = ""
    size: tuple[int, int] = (6, 40)
    time: str | None = None

    def key(self, page: str) -> str:
        """What tells it from charts of the same name on other pages."""
        return f"{page}/{self.name}"

    def written(self, page: str) -> dict[str, Any]:
        """The chart's file."""
        filters = [*self.params.get("adhoc_filters", [])]
        if self.time:
            filters.append(
                {
                    "clause": "WHERE",
                    "expressionType": "SIMPLE",
                    "subject": self.time,
                    "operator": "TEMPORAL_RANGE",
                    "comparator": "No filter",
                }
            )
        params = {**self.params, "viz_type": self.viz_type, "adhoc_filters": filters, "extra_form_data": {}}
        return {
            "slice_name": self.name,
            "description": self.description or None,
            "viz_type": self.viz_type,
            "params": params,
            "query_context": None,
            "cache_timeout": None,
            "uuid": identifier("chart", self.key(page)),
            "version": VERSION,
            "dataset_uuid": self.dataset.uuid,
        }


@dataclass(frozen=True)
class Section:
    """A heading and the rows of charts under it."""

    title: str
    rows: Sequence[Sequence[Chart]]


@dataclass(frozen=True)
class Filter:
    """A filter over all charts of a page whose dataset has the column; without a column it is the time range."""

    name: str
    column: str | None = None
    dataset: Dataset | None = None

    def reaches(self, chart: Chart) -> bool:
        """Whether the chart can follow it."""
        return chart.time is not None if self.column is None else self.column in chart.dataset.columns


@dataclass(frozen=True)
class Page:
    """One dashboard."""

    slug: str
    title: str
    description: str
    sections: Sequence[Section]
    filters: Sequence[Filter]
    # Label → colour, only for labels that mean something.
    colours: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def charts(self) -> list[Chart]:
        """All charts, as they come."""
        return [chart for section in self.sections for row in section.rows for chart in row]

    def written(self) -> dict[str, Any]:
        """The dashboard's file."""
        numbers = {chart.name: number for number, chart in enumerate(self.charts, start=1)}
        if len(numbers) < len(self.charts):
            raise ValueError(f"{self.title} has two charts of one name")
        return {
            "dashboard_title": self.title,
            "description": self.description,
            "css": CSS,
            "slug": self.slug,
            "published": True,
            "uuid": identifier("dashboard", self.slug),
            "position": self._position(numbers),
            "metadata": {
                "native_filter_configuration": [self._filter(one, numbers) for one in self.filters],
                "filter_bar_orientation": "HORIZONTAL",
                "cross_filters_enabled": True,
                "color_scheme": "supersetColors",
                "label_colors": dict(self.colours),
                "shared_label_colors": [],
                "map_label_colors": {},
                "refresh_frequency": 0,
                "timed_refresh_immune_slices": [],
                "expanded_slices": {},
                "default_filters": "{}",
                "chart_configuration": {},
                "global_chart_configuration": {
                    "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
                    "chartsInScope": sorted(numbers.values()),
                },
            },
            "version": VERSION,
        }

    def _position(self, numbers: Mapping[str, int]) -> dict[str, Any]:
        top = ["ROOT_ID", "GRID_ID"]
        placed: dict[str, Any] = {
            "DASHBOARD_VERSION_KEY": "v2",
            "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
            "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": self.title}},
        }
        grid: list[str] = []
        for which, section in enumerate(self.sections, start=1):
            if section.title:
                name = f"HEADER-{which}"
                meta = {"text": section.title, "headerSize": "MEDIUM_HEADER", "background": "BACKGROUND_TRANSPARENT"}
                placed[name] = {"id": name, "type": "HEADER", "children": [], "parents": top, "meta": meta}
                grid.append(name)
            for place, row in enumerate(section.rows, start=1):
                if sum(chart.size[0] for chart in row) != COLUMNS:
                    raise ValueError(f"row {place} of {self.title}, {section.title} does not fill the width")
                name = f"ROW-{which}-{place}"
                children = [f"CHART-{numbers[chart.name]}" for chart in row]
                meta = {"background": "BACKGROUND_TRANSPARENT"}
                placed[name] = {"id": name, "type": "ROW", "children": children, "parents": top, "meta": meta}
                grid.append(name)
                for chart, child in zip(row, children, strict=True):
                    width, height = chart.size
                    meta = {
                        "chartId": numbers[chart.name],
                        "uuid": identifier("chart", chart.key(self.slug)),
                        "sliceName": chart.name,
                        "width": width,
                        "height": height,
                    }
                    placed[child] = {
                        "id": child,
                        "type": "CHART",
                        "children": [],
                        "parents": [*top, name],
                        "meta": meta,
                    }
        placed["GRID_ID"] = {"id": "GRID_ID", "type": "GRID", "children": grid, "parents": ["ROOT_ID"]}
        return placed

    def _filter(self, one: Filter, numbers: Mapping[str, int]) -> dict[str, Any]:
        beyond = sorted(numbers[chart.name] for chart in self.charts if not one.reaches(chart))
        shared = {
            "id": f"NATIVE_FILTER-{one.name.lower()}",
            "name": one.name,
            "type": "NATIVE_FILTER",
            "description": "",
            "scope": {"rootPath": ["ROOT_ID"], "excluded": beyond},
            "cascadeParentIds": [],
            "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        }
        if one.dataset is None:
            return shared | {
                "filterType": "filter_time",
                "targets": [{}],
                "controlValues": {"enableEmptyFilter": False},
            }
        return shared | {
            "filterType": "filter_select",
            "targets": [{"datasetUuid": one.dataset.uuid, "column": {"name": one.column}}],
            "controlValues": {
                "multiSelect": True,
                "enableEmptyFilter": False,
                "searchAllOptions": False,
                "inverseSelection": False,
                "defaultToFirstItem": False,
                "sortAscending": True,
            },
        }


# Superset leaves a finger's width around everything; a page of numbers reads better when rows are nearer.
CSS = """\
.dashboard-component-header h1, .dashboard-component-header { font-weight: 600; }
.header-style-option.medium-header { font-size: 17px; color: #334155; }
"""
