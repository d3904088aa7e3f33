"""The seven dashboards, in the order in which a list shows them.

Belongs here: what each page shows. Doesn't belong here: how a kind of chart looks (charts), queries (sql).
"""

from dashboards.model import Page
from dashboards.pages.bom_alignment import BOM_ALIGNMENT
from dashboards.pages.control_tower import CONTROL_TOWER
from dashboards.pages.data_quality import DATA_QUALITY
from dashboards.pages.engineering_change import ENGINEERING_CHANGE
from dashboards.pages.inventory_accuracy import INVENTORY_ACCURACY
from dashboards.pages.procurement import PROCUREMENT
from dashboards.pages.production import PRODUCTION

PAGES: list[Page] = [
    CONTROL_TOWER,
    ENGINEERING_CHANGE,
    BOM_ALIGNMENT,
    INVENTORY_ACCURACY,
    PRODUCTION,
    PROCUREMENT,
    DATA_QUALITY,
]
