"""Production and confirmations: whether orders run as planned, and whether ERP hears what the shop floor did."""

from __future__ import annotations

from dashboards.charts import BAD, BLUE, GOOD, NEUTRAL, WARNING, bars, heat, over_time, rows, trend
from dashboards.datasets import CONSUMPTION, EXCEPTION_DAY, KPI_DAY, PRODUCTION_FINDING, PRODUCTION_ORDER
from dashboards.model import Page, Section
from dashboards.pages.shared import FILTERS, STATES

PRODUCTION = Page(
    slug="production-and-confirmations",
    title="Production and confirmations",
    description="Whether orders run as planned, and whether ERP and ledgers hear what the shop floor confirmed.",
    filters=FILTERS,
    colours=STATES
    | {
        "as_required": GOOD,
        "backflushed": BLUE,
        "substituted": WARNING,
        "substitute_allowed": "#b9d36c",
        "substitute_not_allowed": BAD,
        "over_consumption": BAD,
        "under_consumption": BAD,
        "not_chosen": NEUTRAL,
    },
    sections=[
        Section(
            "",
            [
                [
                    trend("Operations on their day", KPI_DAY, "rate", only="kpi = 'schedule_adherence'"),
                    trend(
                        "Confirmations not posted",
                        KPI_DAY,
                        "total",
                        only="kpi = 'confirmations_pending_posting'",
                        form=",d",
                    ),
                    trend("Open exceptions", EXCEPTION_DAY, "open_exceptions", only="domain = 'production'", form=",d"),
                    trend(
                        "Confirmed yield",
                        PRODUCTION_ORDER,
                        "yield_share",
                        form=",.2%",
                        note="of all confirmed, by week",
                        grain="P1W",
                    ),
                ]
            ],
        ),
        Section(
            "Orders",
            [
                [
                    over_time(
                        "Orders by day of their last confirmation",
                        PRODUCTION_ORDER,
                        ["orders"],
                        split="plant_id",
                        only="last_confirmed_at is not null",
                        size=(3, 40),
                    ),
                    over_time(
                        "Schedule adherence by plant",
                        KPI_DAY,
                        ["rate"],
                        split="plant_id",
                        shape="line",
                        only="kpi = 'schedule_adherence'",
                        form=",.1%",
                        size=(3, 40),
                    ),
                    heat("Status in ERP and MES", PRODUCTION_ORDER, "orders", "erp_status", "mes_status", size=(6, 40)),
                ],
                [
                    bars(
                        "Findings by class",
                        PRODUCTION_FINDING,
                        "findings",
                        "finding_class",
                        split="severity",
                        size=(5, 50),
                    ),
                    bars(
                        "Components taken against the bill",
                        CONSUMPTION,
                        "components",
                        "verdict",
                        split="plant_id",
                        only="verdict not in ('as_required', 'backflushed')",
                        size=(4, 50),
                        description="Where a component was not taken as the bill in force calls for.",
                    ),
                    bars(
                        "Scrap by family", PRODUCTION_ORDER, "scrap_share", "product_family", form=",.1%", size=(3, 50)
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
                        PRODUCTION_FINDING,
                        [
                            "severity",
                            "plant_id",
                            "object_key",
                            "item_number",
                            "finding_class",
                            "quantity",
                            "unit",
                            "owner_role",
                            "suggested_action",
                        ],
                        order=[("severity_rank", True), ("finding_class", True)],
                        rules={"severity": [("=", "critical", BAD), ("=", "high", WARNING)]},
                        formats={"quantity": ",.2f"},
                    )
                ],
                [
                    rows(
                        "Orders that differ between ERP and MES",
                        PRODUCTION_ORDER,
                        [
                            "plant_id",
                            "production_order_number",
                            "item_number",
                            "erp_status",
                            "mes_status",
                            "erp_quantity",
                            "mes_quantity",
                            "confirmed_yield",
                            "confirmed_scrap",
                            "erp_posted_quantity",
                            "unposted_quantity",
                            "last_confirmed_at",
                        ],
                        order=[("last_confirmed_at", False)],
                        only="not is_match",
                        formats=dict.fromkeys(
                            (
                                "erp_quantity",
                                "mes_quantity",
                                "confirmed_yield",
                                "confirmed_scrap",
                                "erp_posted_quantity",
                                "unposted_quantity",
                            ),
                            ",.2~f",
                        ),
                    )
                ],
            ],
        ),
    ],
)
