"""PostgreSQL as an asset after publication, where MFG_SERVING_URL is set.

Belongs here: the step's place in the graph and its report. Doesn't belong here: writing (serving).

A server that can't be reached is a failed check and no failed run: the version is published, and files are served.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from mfg_assets import serving
from mfg_assets.defs import common
from mfg_assets.defs.publish.assets import REPORT_KEY
from mfg_assets.defs.warehouse.models import DOWNSTREAM
from mfg_assets.settings import get_settings

KEY = dg.AssetKey(["serving", "postgres"])
CHECK = "holds_the_version_in_force"


@dg.multi_asset(
    name="serve",
    specs=[
        dg.AssetSpec(
            KEY,
            # The page is made for every version: tables that didn't change would let this step be skipped.
            deps=[REPORT_KEY],
            group_name="serving",
            kinds={"postgres"},
            description="The schema `mfg` in PostgreSQL, with the tables of the version in force.",
            automation_condition=DOWNSTREAM,
            skippable=True,
        )
    ],
    check_specs=[dg.AssetCheckSpec(CHECK, asset=KEY, description="PostgreSQL holds the version in force.")],
    pool=common.WAREHOUSE_POOL,
)
def serve(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Write what changed since the version that PostgreSQL holds."""
    settings = get_settings()
    url = serving.serving_url(settings)
    if url is None:
        yield dg.AssetCheckResult(passed=True, check_name=CHECK, asset_key=KEY, description="no MFG_SERVING_URL")
        return
    common.report("publish", "postgres", "started")
    try:
        result = serving.sync(settings, url, now=datetime.now(UTC))
    except serving.ServingError as error:
        common.report("publish", "postgres", "failed", str(error))
        context.log.warning("PostgreSQL keeps the version that it has: %s", error)
        yield dg.AssetCheckResult(
            passed=False,
            check_name=CHECK,
            asset_key=KEY,
            severity=dg.AssetCheckSeverity.WARN,
            description=str(error),
        )
        return
    common.report("publish", "postgres", "done", f"version {result.version}, {result.rows_written:,} rows written")
    yield dg.AssetCheckResult(passed=True, check_name=CHECK, asset_key=KEY)
    if result.tables_changed:
        yield dg.MaterializeResult(
            asset_key=KEY,
            metadata={
                "version": result.version,
                "tables_changed": len(result.tables_changed),
                "rows_written": result.rows_written,
                "rows_removed": result.rows_removed,
            },
        )


@dg.definitions
def defs() -> dg.Definitions:
    """The asset, where there is a database to serve in."""
    return dg.Definitions(assets=[serve] if get_settings().serving_url is not None else [])
