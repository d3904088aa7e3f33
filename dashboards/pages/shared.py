"""What several pages share: the filters, and the colours of states that they all show."""

from __future__ import annotations

from dashboards.charts import BAD, GOOD, NEUTRAL, SEVERITY, WARNING
from dashboards.datasets import PLANT_FAMILY
from dashboards.model import Filter

FILTERS = [
    Filter("Plant", "plant_id", PLANT_FAMILY),
    Filter("Family", "product_family", PLANT_FAMILY),
    Filter("Time"),
]

STATES = {
    **SEVERITY,
    "overdue": BAD,
    "due within a day": WARNING,
    "due within 7 days": WARNING,
    "in time": GOOD,
    "later": NEUTRAL,
    "closed": NEUTRAL,
    "aligned": GOOD,
    "within tolerance": GOOD,
    "differs": BAD,
}
