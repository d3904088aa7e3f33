"""Procurement and suppliers: whether suppliers answer and deliver as ordered, and what is wrong with terms."""

from __future__ import annotations

from dashboards.charts import BAD, WARNING, bars, number, over_time, rows, trend
from dashboards.datasets import EXCEPTION_DAY, KPI_DAY, KPI_PART, OPEN_SUPPLY, PROCUREMENT_FINDING, SUPPLIER_DUPLICATE
from dashboards.model import Page, Section
from dashboards.pages.shared import FILTERS, STATES

PROCUREMENT = Page(
    slug="procurement-and-suppliers",
    title="Procurement and suppliers",
    description="Whether suppliers answer and deliver as ordered, what is open, what is wrong with terms.",
    filters=FILTERS,
    colours=STATES,
    sections=[
        Section(
            "",
            [
                [
                    trend("Ship notices that came true", KPI_DAY, "rate", only="kpi = 'asn_success_rate'"),
                    trend(
                        "Hours to the first answer",
                        KPI_PART,
                        "mean_hours",
                        only="kpi = 'supplier_response_time_p50' and part = 'all'",
                        form=",.1f",
                        note="mean of answers in the last 30 days",
                    ),
                    number("Open lines past their day", OPEN_SUPPLY, "open_lines", only="timeliness = 'overdue'"),
                    trend(
                        "Open exceptions",
                        EXCEPTION_DAY,
                        "open_exceptions",
                        only="domain in ('procurement', 'supplier')",
                        form=",d",
                    ),
                ]
            ],
        ),
        Section(
            "Suppliers",
            [
                [
                    over_time(
                        "Hours to answer by plant, 95th percentile",
                        KPI_PART,
                        ["worst"],
                        split="plant_id",
                        shape="line",
                        only="kpi = 'supplier_response_time_p95' and part = 'all'",
                        form=",.1f",
                        size=(4, 40),
                    ),
                    bars(
                        "Slowest suppliers",
                        KPI_PART,
                        "mean_hours",
                        "part",
                        only="kpi = 'supplier_response_time_p50' and part <> 'all' and is_newest",
                        form=",.1f",
                        limit=12,
                        unit="hours to the first answer, mean",
                        size=(4, 40),
                    ),
                    bars(
                        "Suppliers with most findings",
                        PROCUREMENT_FINDING,
                        "findings",
                        "supplier_number",
                        split="severity",
                        only="supplier_number is not null",
                        size=(4, 40),
                    ),
                ],
                [
                    bars(
                        "Findings by class",
                        PROCUREMENT_FINDING,
                        "findings",
                        "finding_class",
                        split="severity",
                        size=(6, 46),
                    ),
                    over_time(
                        "Open lines by the week they are due",
                        OPEN_SUPPLY,
                        ["open_lines"],
                        split="timeliness",
                        grain="P1W",
                        size=(6, 46),
                    ),
                ],
            ],
        ),
        Section(
            "Rows",
            [
                [
                    rows(
                        "Findings, the most severe first",
                        PROCUREMENT_FINDING,
                        [
                            "severity",
                            "plant_id",
                            "object_key",
                            "supplier_number",
                            "item_number",
                            "finding_class",
                            "quantity",
                            "unit",
                            "value_at_stake",
                            "currency",
                            "suggested_action",
                        ],
                        order=[("severity_rank", True), ("finding_class", True)],
                        rules={"severity": [("=", "critical", BAD), ("=", "high", WARNING)]},
                        formats={"quantity": ",.2f", "value_at_stake": ",.2f"},
                    )
                ],
                [
                    rows(
                        "Open orders and requisitions",
                        OPEN_SUPPLY,
                        [
                            "timeliness",
                            "due_at",
                            "plant_id",
                            "object_type",
                            "object_key",
                            "item_number",
                            "quantity",
                            "unit",
                        ],
                        order=[("due_at", True)],
                        rules={"timeliness": [("=", "overdue", BAD), ("=", "due within 7 days", WARNING)]},
                        formats={"quantity": ",.2f"},
                        size=(7, 64),
                    ),
                    rows(
                        "Suppliers that are probably one firm",
                        SUPPLIER_DUPLICATE,
                        ["match_probability", "supplier_a", "name_a", "supplier_b", "name_b", "band"],
                        order=[("match_probability", False)],
                        formats={"match_probability": ".1%"},
                        size=(5, 64),
                    ),
                ],
            ],
        ),
    ],
)
