"""How each kind of chart looks: number formats, axes, sorting, colours. One function per kind.

Belongs here: what is the same on every page. Doesn't belong here: what a page shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.model import Chart, Dataset

# Red, amber and green stand for a state and for nothing else.
GOOD, WARNING, BAD, NEUTRAL = "#2e9e6b", "#e6a023", "#d64545", "#8a94a6"
BLUE, TEAL, VIOLET, SLATE = "#2f6fdd", "#1d9aaa", "#7c5cd6", "#475569"
_PALE = {GOOD: "#bfe5d2", WARNING: "#fbe3b0", BAD: "#f6bcbc"}
SEVERITY = {"critical": "#8f1d1d", "high": BAD, "medium": WARNING, "low": "#9db4d6", "info": "#d3dbe6"}
PERCENT, COUNT, HOURS = ",.1%", ",d", ",.1f"
# Whole numbers on an axis that may end at one: no tick is shown twice.
TICKS = ",.1~f"
_DAY = "%d %b"
_TREND = {"r": 47, "g": 111, "b": 221, "a": 1}

# Operator, value (two for a range), colour.
Rule = tuple[str, float | str | tuple[float, float], str]


def where(sql: str) -> dict[str, Any]:
    """A condition on a chart's rows."""
    return {"clause": "WHERE", "expressionType": "SQL", "sqlExpression": sql}


def _chosen(condition: str | None) -> list[dict[str, Any]]:
    return [where(condition)] if condition else []


def trend(
    name: str,
    dataset: Dataset,
    metric: str,
    *,
    only: str | None = None,
    form: str = PERCENT,
    note: str = "",
    grain: str = "P1D",
    **more: Any,
) -> Chart:
    """A big number with its trend.

    By day it is the newest day's, with what changed since the value before; by week or month it is that of all.
    """
    is_state = grain == "P1D"
    params = {
        "metric": metric,
        "x_axis": dataset.time,
        "time_grain_sqla": grain,
        "aggregation": "LAST_VALUE" if is_state else "raw",
        "compare_lag": 1 if is_state else None,
        "compare_suffix": "against the value before" if is_state else "",
        "show_trend_line": True,
        "start_y_axis_at_zero": False,
        "show_timestamp": False,
        "header_font_size": 0.5 if is_state else 0.4,
        "subheader_font_size": 0.186,
        "subtitle": note,
        "subtitle_font_size": 0.125,
        "y_axis_format": form,
        "time_format": "%b %Y" if grain == "P1M" else _DAY,
        "color_picker": _TREND,
        "rolling_type": "None",
        "adhoc_filters": _chosen(only),
    }
    return Chart(name, dataset, "big_number", params, size=more.pop("size", (3, 22)), time=dataset.time, **more)


def number(
    name: str, dataset: Dataset, metric: str, *, only: str | None = None, form: str = COUNT, note: str = "", **more: Any
) -> Chart:
    """A big number as it stands now."""
    params = {
        "metric": metric,
        "header_font_size": 0.4,
        "subtitle": note,
        "subtitle_font_size": 0.125,
        "y_axis_format": form,
        "time_format": "%d %b %Y",
        "adhoc_filters": _chosen(only),
    }
    return Chart(name, dataset, "big_number_total", params, size=more.pop("size", (3, 22)), time=dataset.time, **more)


def bars(
    name: str,
    dataset: Dataset,
    metric: str | Sequence[str],
    by: str,
    *,
    split: str | None = None,
    only: str | None = None,
    form: str = TICKS,
    sort: str = "value",
    limit: int = 15,
    unit: str = "",
    **more: Any,
) -> Chart:
    """Horizontal bars of a category, longest on top (or by name), stacked by `split`."""
    metrics = [metric] if isinstance(metric, str) else list(metric)
    several = bool(split) or len(metrics) > 1
    params = {
        "x_axis": by,
        "metrics": metrics,
        "groupby": [split] if split else [],
        "orientation": "horizontal",
        "stack": "Stack" if several else None,
        # On a lying axis the first is at the bottom. With several series sums and names are sorted by, else a column.
        "x_axis_sort": (("sum", "name") if several else (metrics[0], by))[sort != "value"],
        "x_axis_sort_asc": sort == "value",
        "sort_series_type": "sum",
        "row_limit": 10_000,
        "series_limit": 0,
        "order_desc": True,
        "only_total": True,
        "show_value": True,
        "show_legend": several,
        "legendType": "scroll",
        "legendOrientation": "top",
        "rich_tooltip": True,
        "y_axis_format": form,
        "y_axis_title": unit,
        "y_axis_title_margin": 30 if unit else 0,
        "y_axis_title_position": "Left",
        "truncateYAxis": False,
        "minorTicks": False,
        "truncate_metric": True,
        "show_empty_columns": True,
        "color_scheme": "supersetColors",
        "adhoc_filters": _chosen(only),
    }
    if not several:
        params["row_limit"] = limit
    return Chart(name, dataset, "echarts_timeseries_bar", params, time=dataset.time, **more)


def over_time(
    name: str,
    dataset: Dataset,
    metrics: Sequence[str],
    *,
    split: str | None = None,
    shape: str = "bar",
    grain: str = "P1D",
    only: str | None = None,
    form: str = TICKS,
    **more: Any,
) -> Chart:
    """Days from left to right: bars (stacked), a line or an area for each of `split`."""
    kinds = {"bar": "echarts_timeseries_bar", "line": "echarts_timeseries_line", "area": "echarts_area"}
    params = {
        "x_axis": dataset.time,
        "time_grain_sqla": grain,
        "metrics": list(metrics),
        "groupby": [split] if split else [],
        "stack": "Stack" if shape != "line" and (split or len(metrics) > 1) else None,
        "orientation": "vertical",
        "x_axis_sort_asc": True,
        "x_axis_time_format": "%b %Y" if grain == "P1M" else _DAY,
        "tooltipTimeFormat": "%Y-%m-%d",
        "row_limit": 10_000,
        "show_legend": bool(split) or len(metrics) > 1,
        "legendType": "scroll",
        "legendOrientation": "top",
        "rich_tooltip": True,
        "y_axis_format": form,
        "truncateYAxis": shape == "line",
        "truncate_metric": True,
        "markerEnabled": shape == "line",
        "markerSize": 6,
        "opacity": 0.6,
        "show_empty_columns": True,
        "color_scheme": "supersetColors",
        "adhoc_filters": _chosen(only),
    }
    return Chart(name, dataset, kinds[shape], params, time=dataset.time, **more)


def matrix(
    name: str,
    dataset: Dataset,
    metric: str,
    rows: str,
    columns: str,
    *,
    rules: Sequence[Rule] = (),
    only: str | None = None,
    form: str = COUNT,
    **more: Any,
) -> Chart:
    """A table of rows × columns whose cells are coloured by rules: operator, value, colour."""
    params = {
        # Columns of the dataset and not expressions with nicer names: those are not drilled into.
        "groupbyRows": [rows],
        "groupbyColumns": [columns],
        "metrics": [metric],
        "metricsLayout": "COLUMNS",
        "aggregateFunction": "Sum",
        "rowTotals": False,
        "colTotals": False,
        "valueFormat": form,
        "rowOrder": "key_a_to_z",
        "colOrder": "key_a_to_z",
        "row_limit": 10_000,
        "order_desc": True,
        "conditional_formatting": [_formatting(metric, rule) for rule in rules],
        "adhoc_filters": _chosen(only),
    }
    return Chart(name, dataset, "pivot_table_v2", params, time=dataset.time, **more)


def heat(
    name: str,
    dataset: Dataset,
    metric: str,
    across: str,
    down: str,
    *,
    only: str | None = None,
    form: str = COUNT,
    **more: Any,
) -> Chart:
    """How much of a metric lies where two categories meet; darker is more."""
    params = {
        "x_axis": across,
        "groupby": down,
        "metric": metric,
        "sort_x_axis": "alpha_asc",
        "sort_y_axis": "alpha_desc",
        "normalize_across": "heatmap",
        "legend_type": "continuous",
        "linear_color_scheme": "schemeBlues",
        "show_legend": False,
        "show_values": True,
        "show_percentage": False,
        "border_width": 2,
        "border_color": {"r": 255, "g": 255, "b": 255, "a": 1},
        "xscale_interval": 1,
        "yscale_interval": 1,
        "left_margin": 120,
        "bottom_margin": 50,
        "value_bounds": [0, None],
        "y_axis_format": form,
        "x_axis_time_format": _DAY,
        "row_limit": 10_000,
        "adhoc_filters": _chosen(only),
    }
    return Chart(name, dataset, "heatmap_v2", params, time=dataset.time, **more)


def rows(
    name: str,
    dataset: Dataset,
    columns: Sequence[str],
    *,
    order: Sequence[tuple[str, bool]] = (),
    only: str | None = None,
    rules: Mapping[str, Sequence[Rule]] | None = None,
    formats: Mapping[str, str] | None = None,
    **more: Any,
) -> Chart:
    """The rows themselves, searchable and exportable. `order` is columns with whether they ascend."""
    params = {
        "query_mode": "raw",
        "all_columns": list(columns),
        "order_by_cols": [json.dumps([column, ascends]) for column, ascends in order],
        "row_limit": 1_000,
        "server_pagination": False,
        "page_length": 10,
        "include_search": True,
        "show_cell_bars": False,
        "color_pn": False,
        "allow_rearrange_columns": True,
        "table_timestamp_format": "%Y-%m-%d %H:%M",
        "conditional_formatting": [
            _formatting(column, rule) for column, all_ in (rules or {}).items() for rule in all_
        ],
        "column_config": {column: {"d3NumberFormat": form} for column, form in (formats or {}).items()},
        "adhoc_filters": _chosen(only),
    }
    return Chart(name, dataset, "table", params, size=more.pop("size", (12, 64)), time=dataset.time, **more)


def summary(
    name: str,
    dataset: Dataset,
    by: Sequence[str],
    metrics: Sequence[str],
    *,
    order: str,
    only: str | None = None,
    rules: Mapping[str, Sequence[Rule]] | None = None,
    **more: Any,
) -> Chart:
    """A small table of sums, the largest of `order` first."""
    params = {
        "query_mode": "aggregate",
        "groupby": list(by),
        "metrics": list(metrics),
        "timeseries_limit_metric": order,
        "order_desc": True,
        "row_limit": 1_000,
        "page_length": 0,
        "show_cell_bars": False,
        "color_pn": False,
        "table_timestamp_format": "%Y-%m-%d %H:%M",
        "conditional_formatting": [
            _formatting(column, rule) for column, all_ in (rules or {}).items() for rule in all_
        ],
        "adhoc_filters": _chosen(only),
    }
    return Chart(name, dataset, "table", params, time=dataset.time, **more)


def thresholds(bearable: float, fine: float) -> list[Rule]:
    """Green from `fine` on, amber from `metric` on, else red: for shares, where more is better."""
    return [("≥", fine, GOOD), ("≤ x <", (bearable, fine), WARNING), ("<", bearable, BAD)]


def _formatting(column: str, rule: Rule) -> dict[str, Any]:
    operator, value, colour = rule
    made: dict[str, Any] = {
        "column": column,
        "operator": operator,
        "colorScheme": _PALE.get(colour, colour),
        "useGradient": False,
    }
    if isinstance(value, tuple):
        return made | {"targetValueLeft": value[0], "targetValueRight": value[1]}
    return made | {"targetValue": value}
