"""Matching suppliers as an asset: after the hand-over and before dbt, which reads its pairs.

Belongs here: the step's place in the graph and its report. Doesn't belong here: matching (suppliers).
"""

import dagster as dg

from mfg_assets.defs import common
from mfg_assets.settings import get_settings
from mfg_assets.suppliers import match_suppliers
from mfg_assets.warehouse import lock


@dg.asset(
    key=common.SUPPLIER_PAIR_KEY,
    # Not landing/supplier, which it reads: the blocking checks of landed rows run inside dbt, so that this step would
    # wait for dbt, dbt for it, and Dagster would start dbt three times. Both keys come from the same hand-over.
    deps=[dg.AssetKey(["platform", "batch_manifest"]), dg.AssetKey(["estate", "attribute_owner"])],
    group_name="matching",
    kinds={"python", "duckdb"},
    description="Pairs of supplier numbers that are probably one firm (Splink), certain ones and those for review.",
    automation_condition=dg.AutomationCondition.eager(),
    pool=common.WAREHOUSE_POOL,
)
def supplier_pair(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Match the suppliers that have landed; the same records as last time are not matched again."""
    settings = get_settings()
    lock.acquire(settings, wait_seconds=common.LOCK_WAIT_SECONDS)
    common.report("matching", "suppliers", "started")
    result = match_suppliers(settings)
    review = result.pairs - result.certain
    said = f"{result.records:,} suppliers, {result.certain:,} pairs are one firm, {review:,} to review"
    common.report("matching", "suppliers", "done", said if result.is_new else f"{said}, as before")
    return dg.MaterializeResult(
        asset_key=common.SUPPLIER_PAIR_KEY,
        metadata={
            "dagster/row_count": result.pairs,
            "suppliers": result.records,
            "certain_pairs": result.certain,
            "clusters": result.clusters,
            "weights": result.weights,
        },
    )
