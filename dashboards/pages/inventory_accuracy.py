"""Inventory accuracy: how far ERP, warehouse and ledger agree about stock, and what the differences come from."""

from __future__ import annotations

from dashboards.charts import BAD, BLUE, VIOLET, WARNING, bars, matrix, over_time, rows, trend
from dashboards.datasets import EXCEPTION_DAY, INVENTORY_COMPARISON, INVENTORY_FINDING, KPI_DAY, MOVEMENT_MATCH
from dashboards.model import Page, Section
from dashboards.pages.shared import FILTERS, STATES

INVENTORY_ACCURACY = Page(
    slug="inventory-accuracy",
    title="Inventory accuracy",
    description="How far ERP, warehouse and ledger agree about stock, what differences come from and are worth.",
    filters=FILTERS,
    colours=STATES | {"in both": BLUE, "ERP only": VIOLET, "warehouse only": WARNING},
    sections=[
        Section(
            "",
            [
                [
                    trend(
                        "Positions within tolerance", KPI_DAY, "rate", only="kpi = 'inventory_record_accuracy_by_count'"
                    ),
                    trend("Differences with a cause", KPI_DAY, "rate", only="kpi = 'inventory_reconciliation_rate'"),
                    trend(
                        "Positions that differ",
                        KPI_DAY,
                        "missed",
                        only="kpi = 'inventory_record_accuracy_by_count'",
                        form=",d",
                    ),
                    trend("Open exceptions", EXCEPTION_DAY, "open_exceptions", only="domain = 'inventory'", form=",d"),
                ]
            ],
        ),
        Section(
            "Accuracy by plant",
            [
                [
                    over_time(
                        "By count",
                        KPI_DAY,
                        ["rate"],
                        split="plant_id",
                        shape="line",
                        only="kpi = 'inventory_record_accuracy_by_count'",
                        form=",.1%",
                        size=(4, 40),
                    ),
                    over_time(
                        "By value, each plant in its currency",
                        KPI_DAY,
                        ["rate"],
                        split="plant_id",
                        shape="line",
                        only="kpi = 'inventory_record_accuracy_by_value'",
                        form=",.1%",
                        size=(4, 40),
                    ),
                    matrix(
                        "Value that differs, by currency",
                        INVENTORY_COMPARISON,
                        "value",
                        "plant_id",
                        "currency",
                        only="not is_match and value_at_stake > 0",
                        form=",.0f",
                        size=(4, 40),
                    ),
                ],
            ],
        ),
        Section(
            "What differences come from",
            [
                [
                    bars(
                        "Findings by class",
                        INVENTORY_FINDING,
                        "findings",
                        "finding_class",
                        split="severity",
                        size=(6, 64),
                    ),
                    matrix(
                        "Findings by plant",
                        INVENTORY_FINDING,
                        "findings",
                        "finding_class",
                        "plant_id",
                        rules=[("≥", 10, "#9cc3f5"), ("≤ x <", (4, 10), "#c9dffa"), ("≤ x <", (1, 4), "#e6f0fd")],
                        size=(6, 64),
                    ),
                ],
                [
                    over_time(
                        "Postings by day of the event", MOVEMENT_MATCH, ["postings"], split="posted", size=(6, 34)
                    ),
                    bars(
                        "How postings were matched",
                        MOVEMENT_MATCH,
                        "postings",
                        "matched_by",
                        split="plant_id",
                        size=(6, 34),
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
                        INVENTORY_FINDING,
                        [
                            "severity",
                            "plant_id",
                            "location",
                            "item_number",
                            "lot_number",
                            "stock_status",
                            "finding_class",
                            "quantity",
                            "unit",
                            "value_at_stake",
                            "currency",
                            "suggested_action",
                        ],
                        order=[("severity_rank", True), ("value_at_stake", False)],
                        rules={"severity": [("=", "critical", BAD), ("=", "high", WARNING)]},
                        formats={"quantity": ",.2f", "value_at_stake": ",.2f"},
                    )
                ],
                [
                    rows(
                        "Positions that differ, side by side",
                        INVENTORY_COMPARISON,
                        [
                            "plant_id",
                            "location",
                            "item_number",
                            "lot_number",
                            "stock_status",
                            "ownership",
                            "erp_quantity",
                            "wms_quantity",
                            "ledger_quantity",
                            "difference",
                            "unit",
                            "value_at_stake",
                            "currency",
                        ],
                        order=[("plant_id", True), ("item_number", True)],
                        only="not is_match",
                        formats=dict.fromkeys(
                            ("erp_quantity", "wms_quantity", "ledger_quantity", "difference", "value_at_stake"), ",.2f"
                        ),
                    )
                ],
            ],
        ),
    ],
)
