"""dbt models as assets.

Belongs here: the translation of dbt nodes to assets, and running dbt once per run. Doesn't belong here: SQL.
"""

import contextlib
import importlib
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject, dbt_assets

from mfg_assets.contracts import contract
from mfg_assets.contracts.derive import dbt_source_tests
from mfg_assets.defs import common
from mfg_assets.defs.warehouse.table_metadata import describe_tables
from mfg_assets.settings import get_settings
from mfg_assets.warehouse import dbt as dbt_project
from mfg_assets.warehouse import handover, lock

# `all_deps_blocking_checks_passed` also waits for checks that never ran, which in a new home is all of them, so that
# each layer would need a run of its own. Blocking on failures gives one run; within it Dagster and dbt gate anyway.
# Checks of landed rows run inside the dbt step, so waiting for them would wait for ever once one has failed.
_A_DEP_FAILED_A_BLOCKING_CHECK = dg.AutomationCondition.any_deps_match(
    dg.AutomationCondition.any_checks_match(dg.AutomationCondition.check_failed(), blocking_only=True)
).ignore(dg.AssetSelection.groups("landing"))
DOWNSTREAM = dg.AutomationCondition.eager() & ~_A_DEP_FAILED_A_BLOCKING_CHECK


class Translator(DagsterDbtTranslator):
    """Keys stay dbt-dagster's own, so that sources join the landing assets; only grouping and automation are ours."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The layer, and in reconciliation and marts the domain too."""
        folders = dbt_resource_props["fqn"][1:-1]
        return "_".join(folders[:2]) if folders else "seeds"

    def get_automation_condition(self, dbt_resource_props: Mapping[str, Any]) -> dg.AutomationCondition | None:
        """Follow the data unless a blocking check upstream failed."""
        return DOWNSTREAM


def _project() -> DbtProject:
    settings = get_settings()
    dbt_project.ensure_parsed(settings)
    return DbtProject(project_dir=settings.dbt_project_dir, profiles_dir=settings.dbt_project_dir)


PROJECT = _project()
TRANSLATOR = Translator(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))


@dbt_assets(
    manifest=PROJECT.manifest_path,
    project=PROJECT,
    dagster_dbt_translator=TRANSLATOR,
    name="models",
    pool=common.WAREHOUSE_POOL,
)
def models(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """One dbt invocation for all selected models and their data tests; unit tests belong to the test suite."""
    settings = get_settings()
    lock.acquire(settings, wait_seconds=common.LOCK_WAIT_SECONDS)
    # Kept from run to run: with its own last parse beside it, dbt parses only what changed.
    target = settings.warehouse_dir / "dbt_target"
    (target / "run_results.json").unlink(missing_ok=True)
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if context.run.tags.get(common.FULL_REFRESH_TAG) == "true":
        arguments.append("--full-refresh")
    if idle := _idle_checks(handover.undelivered(settings)):
        arguments += ["--exclude", " ".join(idle)]
    common.report("warehouse", "dbt", "started")
    # The checks need seconds to import this; dbt works in a process of its own meanwhile.
    threading.Thread(target=importlib.import_module, args=("mfg_assets.quality.engine",), daemon=True).start()
    invocation = dbt.cli(arguments, context=context, target_path=target, raise_on_error=False)
    settings.logs_dir.mkdir(parents=True, exist_ok=True)
    events = []
    log_path = settings.logs_dir / f"dbt-{context.run_id}.log"
    # dagster-dbt prints each line of dbt's log; it belongs into a file, not between the lines that a person reads.
    with log_path.open("w", buffering=1) as log, contextlib.redirect_stdout(log):
        for event in invocation.stream():
            events.append(event)
            _report_progress(event)
    # Whatever failed, what was built and what was checked belongs into the event log: automation reads it there.
    yield from describe_tables(events, settings, target / "manifest.json")
    if not invocation.is_successful():
        raise dg.Failure(_what_failed(target / "run_results.json", log_path), allow_retries=False)
    common.report("warehouse", "dbt", "done", f"{len(events)} models and tests")


def _idle_checks(undelivered: set[str]) -> list[str]:
    """Names of the tests of these entities' landed and canonical rows: three nodes each, that would only cost."""
    of_landed = {name for entity in undelivered for name in dbt_source_tests(contract(entity))}
    of_canonical = {f"key_holds_{entity}" for entity in undelivered}
    # dbt warns of a name that it doesn't know, and lists of codes have no canonical model
    return sorted((of_landed | of_canonical) & {spec.name for spec in models.check_specs})


def _what_failed(results: Path, log: Path) -> str:
    """One sentence naming the failed nodes."""
    if not results.is_file():
        return f"dbt didn't start; its own words are in {log}"
    failed = [
        f"{node['unique_id'].split('.')[2]} ({' '.join((node.get('message') or node['status']).split())[:200]})"
        for node in json.loads(results.read_text())["results"]
        if node["status"] in ("error", "fail", "runtime error")
    ]
    return f"dbt: {len(failed)} failed: {'; '.join(failed[:5])}. All of dbt's words are in {log}"


def _report_progress(event: Any) -> None:
    if isinstance(event, dg.AssetCheckResult) and not event.passed:
        common.report("warehouse", event.check_name or "check", "failed", event.severity.value)
    elif isinstance(event, dg.Output):
        common.report("warehouse", event.output_name, "done")
