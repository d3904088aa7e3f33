"""Extract assets, made from the estate: landing what each system delivered.

Belongs here: calling ingest and reporting. Doesn't belong here: reading files, casting (ingest).
"""

from typing import Any

import dagster as dg

from mfg_assets.contracts import contract
from mfg_assets.defs import common
from mfg_assets.errors import SourceError, TransientSourceError
from mfg_assets.ingest import LandingResult, land_extract
from mfg_assets.settings import get_settings

# Connectors reach other people's systems, so only extracts retry; what fails here for good holds back only itself.
RETRIES = dg.RetryPolicy(max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


@dg.definitions
def defs() -> dg.Definitions:
    """An asset per extract of the estate."""
    return dg.Definitions(
        assets=[
            _extract_asset(system, extract)
            for system in common.estate().systems
            for extract in common.estate().systems[system].extracts
        ]
    )


def _extract_asset(system_id: str, extract_name: str) -> dg.AssetsDefinition:
    estate = common.estate()
    system, extract = estate.systems[system_id], estate.extract(system_id, extract_name)
    entity = contract(system.entity_of(extract_name))
    freshness = estate.freshness(system_id, extract_name)
    key = common.extract_key(system_id, extract_name)
    source_format = system.source_kind(extract_name)

    @dg.asset(
        key=key,
        group_name=f"extract_{system_id}",
        kinds={system.kind, source_format},
        owners=common.owner_of_system(system_id),
        description=f"{entity.description}\n\nDelivered by {system.name or system_id} as "
        f"{extract.delivery}. {extract.description}".strip(),
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=freshness) if freshness else None,
        retry_policy=RETRIES,
        tags={"mfg/system": system_id, "mfg/entity": entity.entity, "mfg/delivery": extract.delivery},
        metadata={"dagster/column_schema": common.column_schema(entity), "grain": entity.grain},
        check_specs=[
            dg.AssetCheckSpec("batches_accepted", asset=key, description="No batch was refused whole."),
            dg.AssetCheckSpec("records_accepted", asset=key, description="No record was refused by the contract."),
        ],
    )
    def extract_asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        settings = get_settings()
        common.report("extract", f"{system_id}.{extract_name}", "started")
        try:
            result = land_extract(estate, system_id, extract_name, settings, run_id=context.run_id)
        except SourceError as error:
            common.report("extract", f"{system_id}.{extract_name}", "failed", str(error))
            raise dg.Failure(str(error), allow_retries=isinstance(error, TransientSourceError)) from error
        received = sum(b.rows_received for b in result.batches)
        common.report("extract", f"{system_id}.{extract_name}", "done", f"{received:,} rows received")
        return _report(key, result)

    return extract_asset


def _report(key: dg.AssetKey, result: LandingResult) -> dg.MaterializeResult:
    landed = sum(b.rows_landed for b in result.batches)
    rejected = sum(b.rows_rejected for b in result.batches)
    refused = [b for b in result.batches if b.state == "refused"]
    reasons: dict[str, int] = {}
    for batch in result.batches:
        for reason, count in batch.reject_counts.items():
            reasons[reason] = reasons.get(reason, 0) + count
    metadata: dict[str, Any] = {
        "dagster/row_count": landed,
        "rows_received": sum(b.rows_received for b in result.batches),
        "rows_rejected": rejected,
        "rows_filtered": sum(b.rows_filtered for b in result.batches),
        "batches_new": len(result.batches),
        "batches_already_landed": result.already_landed,
        "batches": dg.MetadataValue.json([b.batch_id for b in result.batches]),
    }
    return dg.MaterializeResult(
        asset_key=key,
        metadata=metadata,
        check_results=[
            dg.AssetCheckResult(
                asset_key=key,
                check_name="batches_accepted",
                passed=not refused,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"refused": dg.MetadataValue.json({b.batch_id: b.reason for b in refused})},
            ),
            dg.AssetCheckResult(
                asset_key=key,
                check_name="records_accepted",
                passed=rejected == 0,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"rejected": rejected, "reasons": dg.MetadataValue.json(reasons)},
            ),
        ],
    )
