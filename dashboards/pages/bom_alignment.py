"""BOM alignment: what PLM, ERP and MES say differently about structures and how things are made."""

from __future__ import annotations

from dashboards.charts import BAD, VIOLET, WARNING, bars, heat, over_time, rows, trend
from dashboards.datasets import BOM_COMPARISON, EXCEPTION_DAY, KPI_DAY, STRUCTURE_FINDING
from dashboards.model import Page, Section
from dashboards.pages.shared import FILTERS, STATES

BOM_ALIGNMENT = Page(
    slug="bom-alignment",
    title="BOM alignment",
    description="What PLM, ERP and MES say differently about bills and routings, with each system's value.",
    filters=FILTERS,
    colours=STATES
    | {
        "missing in PLM": VIOLET,
        "missing in ERP": BAD,
        "missing in MES": "#e07b39",
        "values differ": WARNING,
    },
    sections=[
        Section(
            "",
            [
                [
                    trend(
                        "BOM lines alike in all systems", KPI_DAY, "rate", only="kpi = 'bom_synchronisation_accuracy'"
                    ),
                    trend("Structures as released", KPI_DAY, "rate", only="kpi = 'revision_adoption_rate'"),
                    trend(
                        "Lines that differ", KPI_DAY, "missed", only="kpi = 'bom_synchronisation_accuracy'", form=",d"
                    ),
                    trend(
                        "Open exceptions",
                        EXCEPTION_DAY,
                        "open_exceptions",
                        only="domain in ('bom', 'routing')",
                        form=",d",
                    ),
                ]
            ],
        ),
        Section(
            "Where they differ",
            [
                [
                    over_time(
                        "Lines alike, by plant",
                        KPI_DAY,
                        ["rate"],
                        split="plant_id",
                        shape="line",
                        only="kpi = 'bom_synchronisation_accuracy'",
                        form=",.1%",
                        size=(4, 48),
                    ),
                    bars(
                        "Lines that differ, by plant",
                        BOM_COMPARISON,
                        "lines",
                        "plant_id",
                        split="alignment",
                        only="not is_match",
                        sort="name",
                        size=(4, 48),
                    ),
                    bars(
                        "Families with most lines that differ",
                        BOM_COMPARISON,
                        "lines",
                        "product_family",
                        split="alignment",
                        only="not is_match",
                        size=(4, 48),
                    ),
                ],
                [
                    bars(
                        "Findings by class",
                        STRUCTURE_FINDING,
                        "findings",
                        "finding_class",
                        split="severity",
                        size=(6, 70),
                    ),
                    heat(
                        "Findings by plant and attribute",
                        STRUCTURE_FINDING,
                        "findings",
                        "plant_id",
                        "attribute",
                        size=(6, 70),
                    ),
                ],
            ],
        ),
        Section(
            "Rows",
            [
                [
                    rows(
                        "Findings with each system's value",
                        STRUCTURE_FINDING,
                        [
                            "severity",
                            "kind",
                            "plant_id",
                            "item_number",
                            "part",
                            "finding_class",
                            "attribute",
                            "plm_value",
                            "erp_value",
                            "mes_value",
                            "suggested_action",
                        ],
                        order=[("severity_rank", True), ("finding_class", True)],
                        rules={"severity": [("=", "critical", BAD), ("=", "high", WARNING)]},
                    )
                ],
                [
                    rows(
                        "Lines that differ, side by side",
                        BOM_COMPARISON,
                        [
                            "plant_id",
                            "parent_item_number",
                            "component_item_number",
                            "alignment",
                            "finding_classes",
                            "plm_quantity_per",
                            "erp_quantity_per",
                            "mes_quantity_per",
                            "unit",
                            "plm_effective_from",
                            "erp_effective_from",
                            "mes_effective_from",
                        ],
                        order=[("plant_id", True), ("parent_item_number", True)],
                        only="not is_match",
                        formats={f"{system}_quantity_per": ",.4~f" for system in ("plm", "erp", "mes")},
                    )
                ],
            ],
        ),
    ],
)
