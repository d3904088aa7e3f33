"""Data quality and interfaces: what came, what was refused, how late it was, and what checks found."""

from __future__ import annotations

from dashboards.charts import BAD, BLUE, GOOD, WARNING, bars, number, over_time, rows, summary, trend
from dashboards.datasets import (
    BATCH,
    DEAD_LETTER,
    EXPECTATION_FAILURE,
    FRESHNESS,
    KPI_PART,
    MASTER_DATA_FINDING,
    PUBLICATION,
)
from dashboards.model import Page, Section
from dashboards.pages.control_tower import LATE
from dashboards.pages.shared import FILTERS, STATES

DATA_QUALITY = Page(
    slug="data-quality-and-interfaces",
    title="Data quality and interfaces",
    description="What the interfaces delivered, what was refused and why, how late it was, and what checks found.",
    filters=FILTERS,
    colours=STATES | {"landed": GOOD, "refused": BAD, "Refused records": BAD, "Records": BLUE},
    sections=[
        Section(
            "",
            [
                [
                    trend(
                        "Batches accepted",
                        KPI_PART,
                        "rate",
                        only="kpi = 'interface_success_rate' and part = 'all'",
                    ),
                    trend(
                        "Records refused",
                        KPI_PART,
                        "rate",
                        only="kpi = 'record_rejection_rate' and part <> 'all'",
                        form=",.3%",
                    ),
                    trend(
                        "Hours from event to record",
                        KPI_PART,
                        "worst",
                        only="kpi = 'message_latency_p95' and part = 'all'",
                        form=",.2f",
                        note="95th percentile",
                    ),
                    number("Dead letters open", DEAD_LETTER, "letters", only="state = 'open'"),
                ]
            ],
        ),
        Section(
            "Interfaces",
            [
                [
                    over_time("Records by day of delivery", BATCH, ["records"], split="source_system", size=(3, 46)),
                    bars(
                        "Latency by system",
                        KPI_PART,
                        "worst",
                        "part",
                        only="kpi = 'message_latency_p95' and part <> 'all' and is_newest",
                        form=",.2f",
                        unit="hours from event to record, 95th percentile",
                        size=(3, 46),
                    ),
                    summary(
                        "Feeds, the oldest first",
                        FRESHNESS,
                        ["feed"],
                        ["newest_extract", "oldest_feed_hours", "late_feeds", "records", "refused_records"],
                        order="oldest_feed_hours",
                        rules={"late_feeds": LATE},
                        size=(6, 46),
                    ),
                ],
            ],
        ),
        Section(
            "Quality",
            [
                [
                    bars(
                        "Why records were refused",
                        DEAD_LETTER,
                        "letters",
                        "reasons",
                        split="source_system",
                        size=(4, 36),
                    ),
                    bars(
                        "Master data against its owner",
                        MASTER_DATA_FINDING,
                        "findings",
                        "attribute",
                        split="severity",
                        size=(4, 36),
                    ),
                    bars(
                        "Rows of expectations that failed",
                        EXPECTATION_FAILURE,
                        "expectations",
                        "suite",
                        split="severity",
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
                        "Dead letters",
                        DEAD_LETTER,
                        [
                            "state",
                            "source_system",
                            "extract_name",
                            "reasons",
                            "details",
                            "source_file",
                            "source_row",
                            "received_at",
                        ],
                        order=[("received_at", False)],
                        rules={"state": [("=", "open", WARNING)]},
                        formats={"source_row": ",d"},
                    )
                ],
                [
                    rows(
                        "Batches",
                        BATCH,
                        [
                            "state",
                            "source_system",
                            "extract_name",
                            "delivery",
                            "rows_received",
                            "rows_rejected",
                            "extracted_at",
                            "reason",
                        ],
                        order=[("extracted_at", False), ("source_system", True)],
                        rules={
                            "state": [("=", "refused", BAD), ("=", "landed", GOOD)],
                            "rows_rejected": [(">", 0, WARNING)],
                        },
                        formats={"rows_received": ",d", "rows_rejected": ",d"},
                        size=(7, 64),
                    ),
                    rows(
                        "Versions that were published",
                        PUBLICATION,
                        ["version", "as_of", "rows_added", "rows_changed", "rows_removed"],
                        order=[("version", False)],
                        formats=dict.fromkeys(("rows_added", "rows_changed", "rows_removed"), ",d"),
                        size=(5, 64),
                    ),
                ],
            ],
        ),
    ],
)
