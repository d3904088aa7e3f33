"""The exception ledger as an asset: between what was found and checked, and what is published.

Belongs here: the step's place in the graph and its report. Doesn't belong here: observing and acting (exceptions).
"""

from dataclasses import asdict

import dagster as dg

from mfg_assets.defs import common
from mfg_assets.defs.warehouse.models import DOWNSTREAM, PROJECT
from mfg_assets.exceptions import run as exceptions_run
from mfg_assets.exceptions.published import EXCEPTION
from mfg_assets.exceptions.registry import finding_tables
from mfg_assets.settings import get_settings
from mfg_assets.warehouse import lock


def _deps() -> list[dg.AssetKey]:
    """What is observed: findings, checks of every table that has a suite, batches and refused records."""
    relations = [table.relation for table in finding_tables(PROJECT.manifest_path)]
    relations += [suite.table for suite in common.suites()]
    keys = [dg.AssetKey(relation.split(".")) for relation in relations]
    return list(dict.fromkeys([*keys, *(dg.AssetKey(["platform", n]) for n in ("batch_manifest", "dead_letter"))]))


@dg.asset(
    key=common.EXCEPTION_KEY,
    deps=_deps(),
    group_name="exceptions",
    kinds={"sql", "duckdb"},
    description=EXCEPTION.description,
    metadata={
        "key": ", ".join(EXCEPTION.key),
        "dagster/column_schema": dg.TableSchema(
            columns=[dg.TableColumn(name, description=text) for name, text in EXCEPTION.columns.items()]
        ),
    },
    automation_condition=DOWNSTREAM,
    pool=common.WAREHOUSE_POOL,
)
def exception(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Take in what this run saw: this step is reached only when all blocking checks held."""
    settings = get_settings()
    lock.acquire(settings, wait_seconds=common.LOCK_WAIT_SECONDS)
    common.report("exceptions", "ledger", "started")
    result = exceptions_run.observe_run(
        settings, common.estate(), run_id=context.run_id, at=common.as_of_of(context), gate_is_open=True
    )
    common.report(
        "exceptions",
        "ledger",
        "done",
        f"{result.opened:,} opened, {result.resolved:,} resolved, {result.reopened:,} reopened",
    )
    return dg.MaterializeResult(
        asset_key=common.EXCEPTION_KEY,
        metadata={
            "opened": result.opened,
            "reopened": result.reopened,
            "resolved": result.resolved,
            "escalated": result.escalated,
            "still_open": sum(one.still_open for one in result.counts),
            "overdue": sum(one.overdue for one in result.counts),
            common.EXCEPTION_COUNTS: dg.MetadataValue.json([asdict(one) for one in result.counts]),
        },
    )
