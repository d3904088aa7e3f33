"""The hand-over as assets: landed rows by entity, the estate's tables, the platform's own.

Belongs here: one step that puts them into the warehouse. Doesn't belong here: how (warehouse.handover).
"""

from collections.abc import Iterator

import dagster as dg

from mfg_assets.contracts import contracts
from mfg_assets.defs import common
from mfg_assets.defs.warehouse.table_metadata import sample
from mfg_assets.settings import get_settings
from mfg_assets.warehouse import handover, lock, state
from mfg_assets.warehouse.session import connect
from mfg_assets.warehouse.sql import identifier

PLATFORM_TABLES = {
    "run": "The one as-of instant of the run (rule 3).",
    "batch_manifest": "Every batch that landed or was refused.",
    "dead_letter": "Every record that a contract refused, with its payload and reasons.",
    "feed_heard": "Deliveries that brought nothing new, so that no batch landed.",
    "current_batch": "Which batches count, in which order they were delivered, and where their rows are.",
    "kpi_history": "KPIs of the days before, from what is published.",
}
# KPIs are views over the ledger's copy. The step after dbt fills it; here it is made sure of.
LEDGER_KEY = dg.AssetKey(["ledger", "exception"])


def _specs() -> list[dg.AssetSpec]:
    estate = common.estate()
    extracts = {
        common.extract_key(system, name): estate.systems[system].entity_of(name)
        for system in estate.systems
        for name in estate.systems[system].extracts
    }
    condition = dg.AutomationCondition.eager()
    landing = [
        dg.AssetSpec(
            common.landing_key(entity),
            deps=[key for key, landed_as in extracts.items() if landed_as == entity],
            group_name="landing",
            kinds={"parquet", "duckdb"},
            description=f"{contract.description}\n\nGrain: {contract.grain}",
            metadata={"dagster/column_schema": common.column_schema(contract)},
            automation_condition=condition,
            skippable=True,
        )
        for entity, contract in contracts().items()
    ]
    from_estate = [
        dg.AssetSpec(
            dg.AssetKey(["estate", table.name]),
            group_name="estate",
            kinds={"yaml", "duckdb"},
            description=f"The estate's {table.name.replace('_', ' ')} as a table.",
            automation_condition=condition,
            skippable=True,
        )
        for table in handover.estate_tables(estate)
    ]
    platform = [
        dg.AssetSpec(
            dg.AssetKey(["platform", name]),
            deps=list(extracts),
            group_name="platform",
            kinds={"duckdb"},
            description=description,
            automation_condition=condition,
            skippable=True,
        )
        for name, description in PLATFORM_TABLES.items()
    ]
    ledger = dg.AssetSpec(
        LEDGER_KEY,
        group_name="platform",
        kinds={"duckdb"},
        description="Room for the copy of the exception ledger, which is made when this run has been observed.",
        automation_condition=condition,
        skippable=True,
    )
    return [*landing, *from_estate, *platform, ledger]


@dg.multi_asset(name="hand_over", specs=_specs(), can_subset=True, pool=common.WAREHOUSE_POOL)
def hand_over(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """Put what has landed in front of dbt; gives nothing, so that nothing downstream runs, when nothing has changed."""
    settings, estate = get_settings(), common.estate()
    lock.acquire(settings, wait_seconds=common.LOCK_WAIT_SECONDS)
    as_of = common.as_of_of(context)
    full_refresh = context.run.tags.get(common.FULL_REFRESH_TAG) == "true"
    if full_refresh:
        state.forget(settings)
    elif state.is_up_to_date(settings, estate, as_of):
        context.log.info("Nothing that a build reads has changed since the last publication: nothing to do.")
        common.report("warehouse", "hand-over", "done", "nothing has changed since the last publication")
        return
    common.report("warehouse", "hand-over", "started")
    counts = handover.prepare(settings, estate, as_of)
    common.report("warehouse", "hand-over", "done", f"{sum(counts.landing.values()):,} landed rows")
    if LEDGER_KEY in context.selected_asset_keys:
        yield dg.MaterializeResult(asset_key=LEDGER_KEY)
    with connect(settings, settings.warehouse_path, read_only=True) as connection:
        for schema, tables in (("landing", counts.landing), ("estate", counts.estate), ("platform", counts.platform)):
            for name, rows in tables.items():
                key = dg.AssetKey([schema, name])
                if key in context.selected_asset_keys:
                    shown = sample(connection, f"{identifier(schema)}.{identifier(name)}")
                    yield dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": rows, "sample": shown})
