"""Jobs by name.

Belongs here: selections. Doesn't belong here: what starts them (schedules, sensors, runner).

Extracts and the warehouse are two jobs. In one run a system that can't be reached would fail its extract and with it
skip every step downstream; apart, it holds back only itself, and yesterday's rows of that system stand.
"""

from __future__ import annotations

import dagster as dg

from mfg_assets.defs import common

EXTRACTS = dg.AssetSelection.key_prefixes(["extract"])
WAREHOUSE = dg.AssetSelection.all() - EXTRACTS

extracts_job = dg.define_asset_job(
    "extracts", selection=EXTRACTS, description="Land what every system has delivered since the last time."
)
warehouse_job = dg.define_asset_job(
    "warehouse",
    selection=WAREHOUSE | dg.AssetSelection.checks_for_assets(),
    description="Hand over, model, reconcile, check and publish what has landed.",
)
exceptions_job = dg.define_asset_job(
    "exceptions",
    selection=dg.AssetSelection.key_prefixes(["exceptions"])
    | dg.AssetSelection.key_prefixes(["published"])
    | dg.AssetSelection.key_prefixes(["serving"])
    | dg.AssetSelection.key_prefixes(["release"]),
    description="Publish what people did to exceptions, and what time did, where no data has changed.",
)
system_jobs = {
    system: dg.define_asset_job(
        f"extract_{system}",
        selection=dg.AssetSelection.key_prefixes(["extract", system]),
        description=f"Land what {system} has delivered.",
    )
    for system in common.estate().systems
}


@dg.definitions
def defs() -> dg.Definitions:
    """All jobs."""
    return dg.Definitions(jobs=[extracts_job, warehouse_job, exceptions_job, *system_jobs.values()])
