"""The report's charts as Vega-Lite.

Belongs here: marks, axes and colours. Doesn't belong here: numbers (facts), the page (page).
"""

from __future__ import annotations

from typing import Any

import altair as alt

from mfg_assets.report.facts import Rows

SEVERITIES = ["critical", "high", "medium", "low", "info"]
COLOURS = ["#7f1d1d", "#dc2626", "#f59e0b", "#64748b", "#cbd5e1"]
PLANTS = ["#0f766e", "#1d4ed8", "#b45309", "#7c3aed", "#be185d", "#4d7c0f", "#334155", "#0e7490"]
_FONT = "system-ui, sans-serif"
# Heights follow the number of rows.
_FIT = alt.AutoSizeParams(type="fit-x", contains="padding")


def matrix(rows: Rows) -> dict[str, Any]:
    """Open exceptions by plant and domain; darker where more of them are urgent."""
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("domain:N", title=None, axis=alt.Axis(orient="top", labelAngle=0)),
        y=alt.Y("plant:N", title=None),
        tooltip=[
            alt.Tooltip("plant:N"),
            alt.Tooltip("domain:N"),
            alt.Tooltip("exceptions:Q", title="open"),
            alt.Tooltip("urgent:Q", title="critical or high"),
        ],
    )
    cells = base.mark_rect(cornerRadius=4, stroke="#ffffff", strokeWidth=3).encode(
        color=alt.Color("urgent:Q", scale=alt.Scale(scheme="oranges", domainMin=0), legend=None)
    )
    most = max((row["urgent"] for row in rows), default=0)
    numbers = base.mark_text(fontSize=14, fontWeight=600).encode(
        text="exceptions:Q",
        color=alt.condition(alt.datum.urgent > most * 0.6, alt.value("#ffffff"), alt.value("#1f2937")),
    )
    return _finish((cells + numbers).properties(width="container", height=alt.Step(38), autosize=_FIT))


def by_severity(rows: Rows, field: str) -> dict[str, Any]:
    """Bars of open exceptions, coloured by severity; `field` divides them."""
    axis = alt.Axis(labelExpr="substring(datum.label, 2)") if field == "age" else alt.Axis()
    bars = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar(cornerRadius=2)
        .encode(
            x=alt.X("sum(exceptions):Q", title=None, axis=alt.Axis(tickMinStep=1, tickCount=6, labelOverlap=True)),
            y=alt.Y(f"{field}:N", title=None, sort="-x" if field != "age" else "ascending", axis=axis),
            color=alt.Color(
                "severity:N",
                scale=alt.Scale(domain=SEVERITIES, range=COLOURS),
                legend=alt.Legend(orient="bottom", title=None),
            ),
            order=alt.Order("rank:Q"),
            tooltip=[alt.Tooltip(f"{field}:N"), alt.Tooltip("severity:N"), alt.Tooltip("exceptions:Q")],
        )
        .transform_calculate(rank=f"indexof({SEVERITIES!r}, datum.severity)")
        .properties(width="container", height=alt.Step(26), autosize=_FIT)
    )
    return _finish(bars)


def trend(rows: Rows, title: str) -> dict[str, Any]:
    """One KPI over its days, a line a plant; points, so that a single day shows too."""
    is_ratio = any(row["unit"] == "ratio" for row in rows)
    values = alt.Axis(format="%") if is_ratio else alt.Axis(format="d", tickMinStep=1)
    lines = (
        alt.Chart(alt.InlineData(values=[row | {"day": row["day"].isoformat()} for row in rows]), title=title)
        .mark_line(point=alt.OverlayMarkDef(size=30), strokeWidth=2)
        .encode(
            x=alt.X("day:T", title=None, axis=alt.Axis(format="%d %b", tickMinStep=86_400_000)),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=values),
            color=alt.Color("plant:N", scale=alt.Scale(range=PLANTS), legend=alt.Legend(orient="bottom", title=None)),
            tooltip=[
                alt.Tooltip("plant:N"),
                alt.Tooltip("day:T", format="%Y-%m-%d"),
                alt.Tooltip("value:Q", format=".1%" if is_ratio else ",.1f"),
            ],
        )
        .properties(width="container", height=150)
    )
    return _finish(lines)


def _finish(chart: Any) -> dict[str, Any]:
    return (
        chart.configure(font=_FONT, background="transparent")
        .configure_view(stroke=None)
        .configure_axis(domain=False, ticks=False, gridColor="#e5e7eb", labelColor="#374151", labelFontSize=12)
        .configure_title(anchor="start", fontSize=13, fontWeight=600, color="#374151")
        .to_dict()
    )
