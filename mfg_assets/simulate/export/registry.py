"""The systems of the simulated manufacturer, in the order in which they deliver.

Belongs here: who writes for each system. Doesn't belong here: anything else about them.
"""

from __future__ import annotations

from collections.abc import Callable

from mfg_assets.simulate.export import (
    aps,
    erp_asia,
    erp_legacy,
    erp_s4,
    mes_a,
    mes_b,
    plm_main,
    procurement,
    qms,
    tms,
    wms_a,
    wms_b,
)
from mfg_assets.simulate.export.staging import Drop

SYSTEMS: dict[str, Callable[[Drop], None]] = {
    system.SYSTEM: system.write
    for system in (plm_main, erp_s4, erp_legacy, erp_asia, mes_a, mes_b, wms_a, wms_b, qms, procurement, aps, tms)
}
