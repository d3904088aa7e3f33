"""One pass from extract to publish in this process, recorded in the Dagster instance.

Belongs here: starting runs and reading back what they did. Doesn't belong here: showing it (cli), the work itself.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg

from mfg_assets import publish as publication
from mfg_assets.defs import common, instance
from mfg_assets.errors import MfgError, Problem
from mfg_assets.estate.models import Estate
from mfg_assets.exceptions import QueueCount
from mfg_assets.exceptions import run as exceptions
from mfg_assets.ingest import list_source_files, pending_files, read_manifests
from mfg_assets.settings import Settings
from mfg_assets.summary import FailedCheck, Progress, RunSummary
from mfg_assets.summary_facts import findings, landings, next_steps, publication_facts
from mfg_assets.warehouse import lock, state

if TYPE_CHECKING:
    from dagster import ExecuteInProcessResult

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class _Outcome:
    """What the runs of one pass left behind."""

    run_ids: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    checks: list[FailedCheck] = field(default_factory=list)
    extract_failures: list[str] = field(default_factory=list)
    warehouse_failures: list[str] = field(default_factory=list)
    exceptions: list[QueueCount] = field(default_factory=list)


def run(
    settings: Settings,
    estate: Estate,
    *,
    systems: Collection[str] | None = None,
    plants: Collection[str] | None = None,
    as_of: datetime | None = None,
    full_refresh: bool = False,
    on_event: Callable[[Progress], None] | None = None,
) -> RunSummary:
    """Land what is new, build and publish what depends on it.

    Args:
        settings: home, limits.
        estate: the validated estate.
        systems: land only these; the warehouse is always built from everything that has landed.
        plants: land only systems that serve one of these.
        as_of: the instant that the whole run takes for now; default the estate's own, else the present.
        full_refresh: build although nothing has changed.
        on_event: told about progress.

    Raises:
        MfgError: an unknown system or plant.
        WarehouseError: another run holds the home.
    """
    chosen = _choose(estate, systems, plants)
    instant = as_of or estate.now()
    with lock.held(settings):
        pending = {s: p for s in chosen if (p := pending_files(estate, s, settings))}
        outcome = _Outcome(extract_failures=_missing(estate, settings, chosen, pending))
        before = publication.status(settings).current
        known = {m.batch_id for m in read_manifests(settings.landing_dir)}
        idle = not pending and not full_refresh and state.is_up_to_date(settings, estate, instant)
        # Where no data has changed, people or time may still have changed what the table `exception` says.
        if not idle or exceptions.needs_publication(settings, estate, instant):
            common.listen(on_event)
            try:
                _execute(
                    settings, estate, pending, instant, full_refresh, "exceptions" if idle else "warehouse", outcome
                )
            finally:
                common.listen(None)
        else:
            outcome.exceptions = exceptions.counts(settings, instant)
        return _summarise(settings, estate, instant, chosen, known, before, outcome)


def _choose(estate: Estate, systems: Collection[str] | None, plants: Collection[str] | None) -> list[str]:
    unknown = [Problem(f"there is no system {s!r}", fix=f"one of: {', '.join(estate.systems)}") for s in systems or ()]
    unknown = [p for p, s in zip(unknown, systems or (), strict=True) if s not in estate.systems]
    unknown += [
        Problem(f"there is no plant {p!r}", fix=f"one of: {', '.join(estate.plant_ids)}")
        for p in plants or ()
        if p not in estate.plant_ids
    ]
    if unknown:
        raise MfgError(*unknown)
    return [
        s
        for s, system in estate.systems.items()
        if (not systems or s in systems) and (not plants or set(plants) & set(system.plants))
    ]


def _missing(
    estate: Estate, settings: Settings, systems: list[str], pending: dict[str, dict[str, list[tuple[str, int, int]]]]
) -> list[str]:
    """Extracts that have nothing to read and never had."""
    landed = {(m.source_system, m.extract_name) for m in read_manifests(settings.landing_dir)}
    return [
        f"{system}.{extract}: {_what_is_missing(estate, system, extract)}"
        for system in systems
        for extract in estate.systems[system].extracts
        if extract not in pending.get(system, {})
        and (system, extract) not in landed
        and not list_source_files(estate, system, extract)
    ]


def _what_is_missing(estate: Estate, system: str, extract: str) -> str:
    if estate.systems[system].source_kind(extract) == "sql":
        return "the database has no row for it yet"
    return f"no file matches {estate.extract(system, extract).from_!r}"


def _execute(
    settings: Settings,
    estate: Estate,
    pending: dict[str, dict[str, list[tuple[str, int, int]]]],
    as_of: datetime,
    full_refresh: bool,
    job: str,
    outcome: _Outcome,
) -> None:
    from mfg_assets.definitions import defs

    definitions = defs()
    # Checks of what nobody has delivered are left out of dbt's build on purpose; Dagster would warn of each.
    logging.getLogger("dagster._core.execution.plan.active").setLevel(logging.ERROR)
    with instance.get(settings) as dagster_instance:
        _close_abandoned(dagster_instance)
        tags = {
            common.AS_OF_TAG: as_of.isoformat(),
            common.FULL_REFRESH_TAG: str(full_refresh).lower(),
            common.PROCESS_TAG: str(os.getpid()),
        }
        keys = [common.extract_key(system, extract) for system, extracts in pending.items() for extract in extracts]
        if keys:
            result = definitions.resolve_job_def("extracts").execute_in_process(
                instance=dagster_instance, asset_selection=keys, tags=tags, run_config=_QUIET, raise_on_error=False
            )
            _note(result, dagster_instance, outcome, outcome.extract_failures)
            # What came may have been known already; then only people and time can have changed anything.
            if not full_refresh and state.is_up_to_date(settings, estate, as_of):
                if not exceptions.needs_publication(settings, estate, as_of):
                    outcome.exceptions = exceptions.counts(settings, as_of)
                    return
                job = "exceptions"
        result = definitions.resolve_job_def(job).execute_in_process(
            instance=dagster_instance, tags=tags, run_config=_QUIET, raise_on_error=False
        )
        _note(result, dagster_instance, outcome, outcome.warehouse_failures)
        outcome.seconds.update(_model_seconds(settings, outcome.seconds.pop("models", 0.0)))
        if not result.success:
            reasons = [f"{c.table}.{c.name}" for c in outcome.checks if c.severity == "blocking"]
            publication.record_refusal(settings, result.run_id, reasons or outcome.warehouse_failures)
            seen = exceptions.observe_run(settings, estate, run_id=result.run_id, at=as_of, gate_is_open=False)
            outcome.exceptions = list(seen.counts)


def _close_abandoned(dagster_instance: dg.DagsterInstance) -> None:
    """Runs of a process that was killed would stay 'started' for ever, and keep their pool's slot."""
    started = dagster_instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    for abandoned in started:
        process = abandoned.tags.get(common.PROCESS_TAG)
        if process and not _alive(int(process)):
            dagster_instance.report_run_failed(abandoned, "The process that ran this was ended from outside.")


def _alive(process: int) -> bool:
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _note(
    result: ExecuteInProcessResult, dagster_instance: dg.DagsterInstance, outcome: _Outcome, failures: list[str]
) -> None:
    if any(_was_interrupted(event) for event in result.all_events):
        # Going on would publish a pass that somebody stopped half-way.
        raise KeyboardInterrupt
    outcome.run_ids.append(result.run_id)
    for step in dagster_instance.get_run_step_stats(result.run_id):
        if step.start_time and step.end_time:
            layer = "extract" if step.step_key.startswith("extract__") else step.step_key
            outcome.seconds[layer] = outcome.seconds.get(layer, 0.0) + step.end_time - step.start_time
    for event in result.all_events:
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            evaluation = event.asset_check_evaluation_data
            if not evaluation.passed:
                blocking = evaluation.severity == dg.AssetCheckSeverity.ERROR
                rows = evaluation.metadata.get("failed_rows") or evaluation.metadata.get("dagster_dbt/failed_row_count")
                count = rows.value if rows is not None else None
                outcome.checks.append(
                    FailedCheck(
                        name=evaluation.check_name,
                        table=".".join(evaluation.asset_key.path),
                        severity="blocking" if blocking else "warning",
                        failed_rows=count if isinstance(count, int) else None,
                    )
                )
        elif event.is_step_materialization and event.asset_key == common.EXCEPTION_KEY:
            counts = event.step_materialization_data.materialization.metadata[common.EXCEPTION_COUNTS].value
            outcome.exceptions = [QueueCount(**one) for one in counts]  # type: ignore[union-attr]
        elif event.is_step_failure:
            failures.append(f"{event.step_key}: {_why(event)}")


def _why(event: dg.DagsterEvent) -> str:
    """The sentence behind a failed step, without Dagster's own wrapping."""
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return data.user_failure_data.description
    if data.error is None:
        return event.message or "failed"
    if data.error.cls_name == "DagsterAssetCheckFailedError":
        return "a blocking check did not hold"
    return (data.error.cause or data.error).message.strip()


def _was_interrupted(event: dg.DagsterEvent) -> bool:
    """Whether the event is what Dagster makes of Ctrl-C: a step that failed, or that it tries again."""
    if event.is_step_failure:
        error = event.step_failure_data.error
    elif event.is_step_up_for_retry:
        error = event.step_retry_data.error
    else:
        return False
    while error is not None:
        if error.cls_name == "DagsterExecutionInterruptedError":
            return True
        error = error.cause
    return False


def _model_seconds(settings: Settings, total: float) -> dict[str, float]:
    """Dbt's time by layer; what is left is dbt's own start."""
    path = settings.warehouse_dir / "dbt_target" / "run_results.json"
    if not total or not path.is_file():
        return {}
    seconds: dict[str, float] = {}
    for node in json.loads(path.read_text())["results"]:
        relation = (node.get("relation_name") or "").replace('"', "").split(".")
        layer = relation[-2] if node["unique_id"].startswith("model.") and len(relation) > 1 else "dbt tests and seeds"
        seconds[layer] = seconds.get(layer, 0.0) + node["execution_time"]
    return {**seconds, "dbt's own start": max(0.0, total - sum(seconds.values()))}


def _summarise(
    settings: Settings,
    estate: Estate,
    as_of: datetime,
    systems: list[str],
    known: set[str],
    before: object,
    outcome: _Outcome,
) -> RunSummary:
    status = publication.status(settings)
    changed = status.current is not None and status.current != before
    if outcome.warehouse_failures:
        blocking = any(c.severity == "blocking" for c in outcome.checks)
        run_state = "refused" if blocking else "failed"
    else:
        run_state = "published" if changed else "unchanged"
    landed = landings(settings, estate, systems, known)
    found = findings(settings, estate)
    return RunSummary(
        run_id=" ".join(outcome.run_ids),
        state=run_state,
        as_of=as_of,
        landed=landed,
        findings=found,
        exceptions=outcome.exceptions,
        checks=outcome.checks,
        publication=publication_facts(settings),
        layer_seconds=outcome.seconds,
        failures=[*outcome.extract_failures, *outcome.warehouse_failures],
        next_steps=next_steps(run_state, landed, found, outcome.checks, outcome.extract_failures, outcome.exceptions),
    )
