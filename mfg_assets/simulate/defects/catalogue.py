"""Everything that can go wrong in what the simulated systems hold, in the order in which it is planted.

Belongs here: putting the domains together. Doesn't belong here: any entry.

Where an object can have several defects, those with the fewest candidates come first.
"""

from __future__ import annotations

from mfg_assets.simulate.defects.bom import BOM
from mfg_assets.simulate.defects.buying import BUYING
from mfg_assets.simulate.defects.change import CHANGE
from mfg_assets.simulate.defects.deliveries import DELIVERIES
from mfg_assets.simulate.defects.effectivity import EFFECTIVITY
from mfg_assets.simulate.defects.equivalents import EQUIVALENTS
from mfg_assets.simulate.defects.fulfilment import FULFILMENT
from mfg_assets.simulate.defects.inventory import INVENTORY
from mfg_assets.simulate.defects.late import LATE
from mfg_assets.simulate.defects.master_data import MASTER_DATA
from mfg_assets.simulate.defects.model import Defect
from mfg_assets.simulate.defects.orders import ORDERS
from mfg_assets.simulate.defects.posted import POSTED
from mfg_assets.simulate.defects.procurement import PROCUREMENT
from mfg_assets.simulate.defects.production import PRODUCTION
from mfg_assets.simulate.defects.receipts import RECEIPTS
from mfg_assets.simulate.defects.routing import ROUTING
from mfg_assets.simulate.defects.schedule import SCHEDULE
from mfg_assets.simulate.defects.shipping import CALLED_OFF, SHIPPING
from mfg_assets.simulate.defects.shopfloor import SHOP_FLOOR
from mfg_assets.simulate.defects.sources import SOURCES
from mfg_assets.simulate.defects.supersede import SUPERSEDE

CATALOGUE: tuple[Defect, ...] = (
    *EFFECTIVITY,
    *SUPERSEDE,
    *CHANGE,
    *BOM,
    *PRODUCTION,
    *PROCUREMENT,
    *DELIVERIES,
    *ROUTING,
    *MASTER_DATA,
    *INVENTORY,
    *LATE,
    *SHIPPING,
    *FULFILMENT,
    *SCHEDULE,
    *BUYING,
    *SOURCES,
    *RECEIPTS,
    *ORDERS,
    CALLED_OFF,
    *SHOP_FLOOR,
    *POSTED,
    *EQUIVALENTS,
)
