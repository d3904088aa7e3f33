"""The systems of the simulated manufacturer, in the order in which they deliver.

Belongs here: one line for each system. Doesn't belong here: anything about them.
"""

from __future__ import annotations

from collections.abc import Callable

from mfg_assets.simulate.export import erp_s4
from mfg_assets.simulate.export.staging import Drop

SYSTEMS: dict[str, Callable[[Drop], None]] = {
    erp_s4.SYSTEM: erp_s4.write,
}
