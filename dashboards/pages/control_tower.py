"""Control tower: how far every plant is in step, what is open and with whom, and how fresh the feeds are."""

from __future__ import annotations

from dashboards.charts import (
    BAD,
    GOOD,
    WARNING,
    Rule,
    bars,
    matrix,
    number,
    over_time,
    rows,
    summary,
    thresholds,
    trend,
)
from dashboards.datasets import EXCEPTION, EXCEPTION_DAY, FRESHNESS, KPI_DAY, PUBLICATION, SYNC_STATUS
from dashboards.model import Page, Section
from dashboards.pages.shared import FILTERS, STATES

# What is late says the estate: an open exception stands for each late feed.
LATE: list[Rule] = [(">", 0, BAD), ("=", 0, GOOD)]

CONTROL_TOWER = Page(
    slug="control-tower",
    title="Control tower",
    description="Whether plants and systems agree, what is open and with whom, and how fresh the feeds are.",
    filters=FILTERS,
    colours=STATES,
    sections=[
        Section(
            "",
            [
                [
                    trend(
                        "BOM lines alike in all systems",
                        KPI_DAY,
                        "rate",
                        only="kpi = 'bom_synchronisation_accuracy'",
                        size=(3, 21),
                    ),
                    trend(
                        "Stock accuracy",
                        KPI_DAY,
                        "rate",
                        only="kpi = 'inventory_record_accuracy_by_count'",
                        size=(2, 21),
                    ),
                    trend("Operations on their day", KPI_DAY, "rate", only="kpi = 'schedule_adherence'", size=(3, 21)),
                    trend("Open exceptions", EXCEPTION_DAY, "open_exceptions", form=",d", size=(2, 21)),
                    number("State as of (UTC)", PUBLICATION, "state_as_of", form="", size=(2, 21)),
                ]
            ],
        ),
        Section(
            "Sync status: what plants share with other systems, and what is open",
            [
                [
                    matrix(
                        "Aligned, by plant and domain",
                        SYNC_STATUS,
                        "aligned_share",
                        "plant_id",
                        "domain",
                        rules=thresholds(0.95, 0.99),
                        form=",.1%",
                        size=(7, 42),
                        description="Share of compared objects that agree. Green from 99 %, amber from 95 %.",
                    ),
                    bars(
                        "Open exceptions by domain",
                        EXCEPTION,
                        "open_exceptions",
                        "domain",
                        split="severity",
                        only="is_open",
                        size=(5, 42),
                    ),
                ],
            ],
        ),
        Section(
            "Exceptions by role and age",
            [
                [
                    bars(
                        "Whose turn it is",
                        EXCEPTION,
                        "open_exceptions",
                        "owner_role",
                        split="timeliness",
                        only="is_open",
                        size=(5, 40),
                        description="Open exceptions by role; red is past the service level.",
                    ),
                    bars(
                        "How old they are",
                        EXCEPTION,
                        "open_exceptions",
                        "age",
                        split="severity",
                        only="is_open",
                        sort="name",
                        size=(4, 40),
                    ),
                    over_time(
                        "Open at the end of the day",
                        EXCEPTION_DAY,
                        ["open_exceptions"],
                        split="severity",
                        size=(3, 40),
                    ),
                ],
            ],
        ),
        Section(
            "Freshness, and where to begin",
            [
                [
                    summary(
                        "Newest delivery of each system",
                        FRESHNESS,
                        ["source_system"],
                        ["newest_extract", "oldest_feed_hours", "feeds", "late_feeds", "refused_records"],
                        order="late_feeds",
                        rules={"late_feeds": LATE},
                        size=(5, 56),
                        description="Hours from the newest delivery of the oldest feed to the present of the data.",
                    ),
                    rows(
                        "Overdue exceptions, the most severe first",
                        EXCEPTION,
                        [
                            "severity",
                            "plant_id",
                            "domain",
                            "exception_class",
                            "item_number",
                            "owner_role",
                            "open_hours",
                            "suggested_action",
                        ],
                        order=[("severity_rank", True), ("open_hours", False)],
                        only="is_overdue",
                        rules={"severity": [("=", "critical", BAD), ("=", "high", WARNING)]},
                        formats={"open_hours": ",.0f"},
                        size=(7, 56),
                    ),
                ]
            ],
        ),
    ],
)
