"""One factory turns every suite in `expectations/` into asset checks.

Belongs here: specs and results. Doesn't belong here: running expectations (quality).
"""

from collections.abc import Iterator

import dagster as dg

from mfg_assets.defs import common
from mfg_assets.quality import CheckResult, Suite
from mfg_assets.quality.suites import RowCount
from mfg_assets.settings import get_settings
from mfg_assets.warehouse import handover, lock


@dg.definitions
def defs() -> dg.Definitions:
    """All suites in one step: they share one connection and one import of Great Expectations."""
    return dg.Definitions(asset_checks=[_checks(common.suites())])


def _asset_key(table: str) -> dg.AssetKey:
    return dg.AssetKey(table.split("."))


def _checks(suites: list[Suite]) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(
            expectation.name,
            asset=_asset_key(suite.table),
            description=expectation.description,
            blocking=expectation.severity == "blocking",
        )
        for suite in suites
        for expectation in suite.expectations
    ]

    blocking = {spec.key for spec in specs if spec.blocking}

    @dg.multi_asset_check(name="expectations", specs=specs, can_subset=True, pool=common.WAREHOUSE_POOL)
    def expectations(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        """Run the suites of the tables that this run built."""
        from mfg_assets.quality import run_suites

        settings = get_settings()
        lock.acquire(settings, wait_seconds=common.LOCK_WAIT_SECONDS)
        selected = context.selected_asset_check_keys
        tables = {key.asset_key for key in selected}
        idle = {f"canonical.{entity}" for entity in handover.undelivered(settings)}
        wanted = [suite for suite in suites if _asset_key(suite.table) in tables and not _is_idle(suite, idle)]
        common.report("checks", "expectations", "started")
        results = run_suites(wanted, settings.warehouse_path, settings)
        failed = [r for r in results if not r.success]
        for result in results:
            if dg.AssetCheckKey(_asset_key(result.table), result.name) in selected:
                yield _result(result)
        # What gates a publication has to say something, or Dagster warns that it doesn't gate.
        idle_keys = {_asset_key(suite.table) for suite in suites if _is_idle(suite, idle)}
        for key in selected & blocking:
            if key.asset_key in idle_keys:
                yield _nothing_to_check(key)
        for result in failed:
            common.report("checks", f"{result.table}.{result.name}", "failed", f"{result.failed_rows:,} rows")
        common.report("checks", "expectations", "done", f"{len(results)} expectations, {len(failed)} not met")

    return expectations


def _is_idle(suite: Suite, idle: set[str]) -> bool:
    """Whether the table holds an entity that nobody delivers, and the suite doesn't ask just that.

    A result costs Dagster tens of milliseconds, whatever it says.
    """
    return suite.table in idle and not any(isinstance(e, RowCount) for e in suite.expectations)


def _nothing_to_check(key: dg.AssetCheckKey) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key.asset_key, check_name=key.name, passed=True, metadata={"failed_rows": 0, "rows": 0}
    )


def _result(result: CheckResult) -> dg.AssetCheckResult:
    blocking = result.severity == "blocking"
    return dg.AssetCheckResult(
        asset_key=_asset_key(result.table),
        check_name=result.name,
        passed=result.success,
        severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
        metadata={
            "failed_rows": result.failed_rows,
            "rows": result.rows,
            "sample": dg.MetadataValue.json(result.sample),
            **({"error": result.error} if result.error else {}),
        },
    )
