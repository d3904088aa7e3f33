"""The datasets of all pages: the query is `sql/NAME.sql`, the metrics stand here.

Belongs here: what is counted and summed. Doesn't belong here: how it is shown.
"""

from __future__ import annotations

from dashboards.charts import HOURS, PERCENT
from dashboards.model import Dataset, Metric

_FINDINGS = Metric("count(*)", "Findings")
# Of one currency at a time: a chart that shows it divides by currency.
_MONEY = Metric("sum(value_at_stake)", "Value at stake", ",.0f")

PLANT_FAMILY = Dataset("plant_family", {"items": Metric("count(*)", "Plant and family")})

KPI_DAY = Dataset(
    "kpi_day",
    {
        "rate": Metric("sum(numerator) / nullif(sum(denominator), 0)", "Rate", ""),
        "total": Metric("sum(numerator)", "Total"),
        "missed": Metric("sum(denominator - numerator)", "Not met"),
    },
    time="day",
)
KPI_PART = Dataset(
    "kpi_part",
    {
        "rate": Metric("sum(numerator) / nullif(sum(denominator), 0)", "Rate", ""),
        "mean_hours": Metric("sum(numerator) / nullif(sum(denominator), 0)", "Mean hours", HOURS),
        "worst": Metric("max(value)", "Highest", ",.2f"),
    },
    time="day",
)
SYNC_STATUS = Dataset(
    "sync_status",
    {
        "aligned_share": Metric(
            "count(*) filter (where is_aligned)::numeric / nullif(count(*), 0)", "Aligned", PERCENT
        ),
        "not_aligned": Metric("count(*) filter (where not is_aligned)", "Not aligned"),
        "compared_objects": Metric("count(*)", "Compared"),
    },
)
EXCEPTION = Dataset(
    "exception_row",
    {
        "open_exceptions": Metric("count(*) filter (where is_open)", "Open"),
        "overdue_exceptions": Metric("count(*) filter (where is_overdue)", "Overdue"),
        "overdue_share": Metric(
            "count(*) filter (where is_overdue)::numeric / nullif(count(*) filter (where is_open), 0)",
            "Overdue share",
            PERCENT,
        ),
        "oldest_hours": Metric("max(open_hours) filter (where is_open)", "Oldest (h)", HOURS),
        "median_hours": Metric(
            "percentile_cont(0.5) within group (order by open_hours) filter (where is_open)", "Median age (h)", HOURS
        ),
        "resolved_exceptions": Metric("count(*) filter (where state = 'resolved')", "Resolved"),
    },
    time="first_seen_at",
)
EXCEPTION_DAY = Dataset("exception_day", {"open_exceptions": Metric("count(*)", "Open")}, time="day")
FRESHNESS = Dataset(
    "feed_freshness",
    {
        "oldest_feed_hours": Metric("max(hours_behind)", "Oldest feed (h)", HOURS),
        "late_feeds": Metric("count(*) filter (where is_late)", "Late"),
        "feeds": Metric("count(*)", "Feeds"),
        "newest_extract": Metric("max(extracted_at)", "Newest delivery (UTC)", ""),
        "records": Metric("sum(rows_received)", "Records"),
        "refused_records": Metric("sum(rows_rejected)", "Refused"),
    },
    time="extracted_at",
)

CHANGE_PLANT = Dataset(
    "change_plant",
    {
        "changes": Metric("count(*)", "Changes at plants"),
        "synchronised_share": Metric(
            "count(*) filter (where status = 'synchronised')::numeric / nullif(count(*), 0)", "Synchronised", PERCENT
        ),
        "needing_action": Metric("count(*) filter (where progress = 'needs action')", "Need action"),
        "median_propagation": Metric(
            "percentile_cont(0.5) within group (order by propagation_hours)", "Release to both systems (h)", HOURS
        ),
        "slowest_propagation": Metric(
            "percentile_cont(0.95) within group (order by propagation_hours)", "95th percentile (h)", HOURS
        ),
        "to_ready": Metric(
            "percentile_cont(0.5) within group (order by release_to_ready_hours)", "Release to ready", HOURS
        ),
        "to_erp": Metric("percentile_cont(0.5) within group (order by release_to_erp_hours)", "Release to ERP", HOURS),
        "to_mes": Metric("percentile_cont(0.5) within group (order by erp_to_mes_hours)", "ERP to MES", HOURS),
    },
    time="released_at",
)
CHANGE_FINDING = Dataset("change_finding", {"findings": _FINDINGS})
CHANGE_READINESS = Dataset(
    "change_readiness",
    {
        "checks": Metric("count(*)", "Checks"),
        "unmet": Metric("count(*) filter (where outcome = 'not met')", "Not met"),
    },
)
CHANGE_IMPACT = Dataset(
    "change_impact",
    {"objects": Metric("count(*)", "Objects")},
)

BOM_COMPARISON = Dataset(
    "bom_comparison",
    {
        "lines": Metric("count(*)", "Lines"),
        "aligned_share": Metric("count(*) filter (where is_match)::numeric / nullif(count(*), 0)", "Aligned", PERCENT),
        "differing": Metric("count(*) filter (where not is_match)", "Lines that differ"),
    },
)
STRUCTURE_FINDING = Dataset("structure_finding", {"findings": _FINDINGS})

INVENTORY_COMPARISON = Dataset(
    "inventory_comparison",
    {
        "positions": Metric("count(*)", "Positions"),
        "differing": Metric("count(*) filter (where not is_match)", "Positions that differ"),
        "value": _MONEY,
    },
)
INVENTORY_FINDING = Dataset("inventory_finding", {"findings": _FINDINGS})
MOVEMENT_MATCH = Dataset(
    "movement_match",
    {
        "postings": Metric("count(*)", "Postings"),
        "single": Metric("count(*) filter (where posted <> 'in both')", "In one system only"),
        "median_delay": Metric(
            "percentile_cont(0.5) within group (order by erp_after_wms_hours)", "ERP after warehouse (h)", ",.2f"
        ),
    },
    time="event_at",
)

PRODUCTION_ORDER = Dataset(
    "production_order",
    {
        "orders": Metric("count(*)", "Orders"),
        "aligned_share": Metric("count(*) filter (where is_match)::numeric / nullif(count(*), 0)", "Aligned", PERCENT),
        "yield_share": Metric(
            "sum(confirmed_yield) / nullif(sum(confirmed_yield + confirmed_scrap), 0)", "Yield", ",.2%"
        ),
        "scrap_share": Metric(
            "sum(confirmed_scrap) / nullif(sum(confirmed_yield + confirmed_scrap), 0)", "Scrap", ",.2%"
        ),
        "orders_confirmed": Metric("count(last_confirmed_at)", "Orders with confirmations"),
        "downtime": Metric("sum(downtime_hours)", "Downtime (h)", HOURS),
    },
    time="last_confirmed_at",
)
PRODUCTION_FINDING = Dataset("production_finding", {"findings": _FINDINGS})
CONSUMPTION = Dataset("consumption", {"components": Metric("count(*)", "Components")}, time="judged_at")

PROCUREMENT_FINDING = Dataset("procurement_finding", {"findings": _FINDINGS})
OPEN_SUPPLY = Dataset("open_supply", {"open_lines": Metric("count(*)", "Open")}, time="due_at")
SUPPLIER_DUPLICATE = Dataset("supplier_duplicate", {"pairs": Metric("count(*)", "Pairs")})

BATCH = Dataset(
    "batch",
    {
        "batches": Metric("count(*)", "Batches"),
        "records": Metric("sum(rows_received)", "Records"),
        "refused_records": Metric("sum(rows_rejected)", "Refused records"),
        "accepted_share": Metric(
            "count(*) filter (where state <> 'refused')::numeric / nullif(count(*), 0)", "Accepted", PERCENT
        ),
    },
    time="extracted_at",
)
DEAD_LETTER = Dataset("dead_letter", {"letters": Metric("count(*)", "Dead letters")}, time="received_at")
EXPECTATION_FAILURE = Dataset("expectation_failure", {"expectations": Metric("count(*)", "Rows")})
MASTER_DATA_FINDING = Dataset("master_data_finding", {"findings": _FINDINGS})
PUBLICATION = Dataset(
    "publication",
    {
        "changed_rows": Metric("sum(rows_added + rows_removed + rows_changed)", "Rows changed"),
        "state_as_of": Metric("max(as_of)", "State as of (UTC)", ""),
    },
    time="published_at",
)

ALL = [value for value in dict(globals()).values() if isinstance(value, Dataset)]
