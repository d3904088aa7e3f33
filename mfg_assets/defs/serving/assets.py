"""PostgreSQL as an asset after publication, where MFG_SERVING_URL is set.

Belongs here: the step's place in the graph and its report. Doesn't belong here: writing (serving).
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from mfg_assets import serving
from mfg_assets.defs import common
from mfg_assets.defs.publish.followers import Follower
from mfg_assets.settings import get_settings

FOLLOWER = Follower(
    key=dg.AssetKey(["serving", "postgres"]),
    kind="postgres",
    description="The schema `mfg` in PostgreSQL, with the tables of the version in force.",
    check="holds_the_version_in_force",
    promises="PostgreSQL holds the version in force.",
)


@FOLLOWER.step("serve")
def serve(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Write what changed since the version that PostgreSQL holds."""
    settings = get_settings()
    url = serving.serving_url(settings)
    if url is None:
        yield FOLLOWER.checked(said="no MFG_SERVING_URL")
        return
    common.report("publish", "postgres", "started")
    try:
        result = serving.sync(settings, url, now=datetime.now(UTC))
    except serving.ServingError as error:
        common.report("publish", "postgres", "failed", str(error))
        context.log.warning("PostgreSQL keeps the version that it has: %s", error)
        yield FOLLOWER.checked(problem=str(error))
        return
    common.report("publish", "postgres", "done", f"version {result.version}, {result.rows_written:,} rows written")
    yield FOLLOWER.checked()
    if result.tables_changed:
        yield FOLLOWER.brought(
            {
                "version": result.version,
                "tables_changed": len(result.tables_changed),
                "rows_written": result.rows_written,
                "rows_removed": result.rows_removed,
            }
        )


@dg.definitions
def defs() -> dg.Definitions:
    """The asset, where there is a database to serve in."""
    return dg.Definitions(assets=[serve] if get_settings().serving_url is not None else [])
