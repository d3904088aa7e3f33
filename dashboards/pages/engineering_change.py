"""Engineering change: where every plant is with every change, what holds it up, what it touches."""

from __future__ import annotations

from dashboards.charts import BAD, BLUE, GOOD, NEUTRAL, TEAL, WARNING, bars, over_time, rows, trend
from dashboards.datasets import CHANGE_FINDING, CHANGE_IMPACT, CHANGE_PLANT, CHANGE_READINESS, EXCEPTION_DAY, KPI_DAY
from dashboards.model import Page, Section
from dashboards.pages.shared import FILTERS, STATES

ENGINEERING_CHANGE = Page(
    slug="engineering-change",
    title="Engineering change",
    description="Where every plant is with every change by what its systems hold, and what holds it up.",
    filters=FILTERS,
    colours=STATES
    | {
        "synchronised": GOOD,
        "in_progress": BLUE,
        "pending": NEUTRAL,
        "blocked": WARNING,
        "overdue": BAD,
        "deviated": "#8f1d1d",
        "met": GOOD,
        "not met": BAD,
        "Release to ERP": BLUE,
        "ERP to MES": TEAL,
        "needs action": BAD,
        "on its way": NEUTRAL,
    },
    sections=[
        Section(
            "",
            [
                [
                    trend("Structures as released", KPI_DAY, "rate", only="kpi = 'revision_adoption_rate'"),
                    trend("Revisions that differ", KPI_DAY, "rate", only="kpi = 'revision_mismatch_rate'"),
                    trend("Open exceptions", EXCEPTION_DAY, "open_exceptions", only="domain = 'change'", form=",d"),
                    trend(
                        "Hours from release to both systems",
                        CHANGE_PLANT,
                        "median_propagation",
                        form=",.1f",
                        note="median of changes that ERP and MES hold",
                        grain="P1M",
                    ),
                ]
            ],
        ),
        Section(
            "Status by plant",
            [
                [
                    bars(
                        "Changes by plant and status",
                        CHANGE_PLANT,
                        "changes",
                        "plant_id",
                        split="status",
                        sort="name",
                        size=(6, 36),
                    ),
                    bars(
                        "What holds changes up",
                        CHANGE_FINDING,
                        "findings",
                        "finding_class",
                        split="severity",
                        size=(6, 36),
                    ),
                ],
                [
                    bars(
                        "Hours from release to ERP and on to MES",
                        CHANGE_PLANT,
                        ["to_erp", "to_mes"],
                        "plant_id",
                        form=",.1f",
                        sort="name",
                        unit="hours, median",
                        size=(4, 36),
                    ),
                    over_time(
                        "Changes by month of release",
                        CHANGE_PLANT,
                        ["changes"],
                        split="progress",
                        grain="P1M",
                        size=(4, 36),
                    ),
                    bars(
                        "Readiness checks",
                        CHANGE_READINESS,
                        "checks",
                        "check_name",
                        split="outcome",
                        size=(4, 36),
                    ),
                ],
            ],
        ),
        Section(
            "Rows",
            [
                [
                    rows(
                        "Changes at plants",
                        CHANGE_PLANT,
                        [
                            "change_number",
                            "plant_id",
                            "status",
                            "title",
                            "blocking_reasons",
                            "parent_item_number",
                            "from_revision",
                            "to_revision",
                            "released_at",
                            "effective_from",
                            "erp_observed_at",
                            "mes_observed_at",
                            "propagation_hours",
                        ],
                        order=[("released_at", False)],
                        rules={
                            "status": [
                                ("=", "blocked", WARNING),
                                ("=", "overdue", BAD),
                                ("=", "deviated", BAD),
                                ("=", "synchronised", GOOD),
                            ]
                        },
                        formats={"propagation_hours": ",.1f"},
                    )
                ],
                [
                    rows(
                        "What changes touch now",
                        CHANGE_IMPACT,
                        [
                            "change_number",
                            "plant_id",
                            "object_type",
                            "object_key",
                            "item_number",
                            "quantity",
                            "unit",
                            "value",
                            "currency",
                            "suggested_action",
                        ],
                        order=[("change_number", False), ("plant_id", True)],
                        formats={"quantity": ",.2f", "value": ",.2f"},
                    )
                ],
            ],
        ),
    ],
)
