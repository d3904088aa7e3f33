"""Engineering changes at plants, as the published state knows them: lists, a timeline per plant, and what-ifs.

Belongs here: reading published tables about changes. Doesn't belong here: judging (dbt), printing (cli).
"""

from mfg_assets.change.read import (
    ChangeAtPlant,
    Event,
    Touched,
    at_plants,
    numbers_like,
    orders_on_old,
    run_outs,
    touched,
)
from mfg_assets.change.what_if import Check, Replacement, replace

__all__ = [
    "ChangeAtPlant",
    "Check",
    "Event",
    "Replacement",
    "Touched",
    "at_plants",
    "numbers_like",
    "orders_on_old",
    "replace",
    "run_outs",
    "touched",
]
