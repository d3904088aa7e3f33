"""Sensors: files that arrive, what follows a landing, time and configuration, and failed runs.

Belongs here: reacting. Doesn't belong here: which files are new (ingest), what a build depends on (warehouse.state).
"""

import hashlib
import json
import time

import dagster as dg

from mfg_assets import publish as publication
from mfg_assets.defs import common
from mfg_assets.defs.automation.jobs import WAREHOUSE, exceptions_job, extracts_job, warehouse_job
from mfg_assets.estate.loader import load_estate
from mfg_assets.exceptions import run as exceptions
from mfg_assets.ingest import pending_files
from mfg_assets.settings import get_settings
from mfg_assets.warehouse import state

# A file that is still being written keeps changing; one left alone this long is taken as delivered.
SETTLED_SECONDS = 10
# A run that failed is tried again this often; after that the files wait for a person, or for the next delivery.
ATTEMPTS = 3
RUN_KEY_TAG = "dagster/run_key"


@dg.sensor(
    name="files_arrived",
    job=extracts_job,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Lands files as they arrive. The cursor knows each file by name, size and time, so that a restart "
    f"starts nothing twice; a run that failed is tried again, {ATTEMPTS} times in all.",
)
def files_arrived(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """One run for all extracts with settled files that no batch holds and no run has taken."""
    seen: dict[str, dict[str, str | int]] = json.loads(context.cursor) if context.cursor else {}
    arrived: dict[str, tuple[dg.AssetKey, str, int]] = {}
    for name, (key, files) in _settled().items():
        facts = hashlib.sha256(json.dumps(sorted(files)).encode()).hexdigest()
        before = seen.get(name)
        if before is None or before["facts"] != facts:
            arrived[name] = (key, facts, 1)
        elif int(before["attempt"]) < ATTEMPTS and _failed(context, str(before["run_key"])):
            arrived[name] = (key, facts, int(before["attempt"]) + 1)
    if not arrived:
        return dg.SensorResult(skip_reason="no file has arrived", cursor=context.cursor)
    identity = sorted((name, facts, attempt) for name, (_, facts, attempt) in arrived.items())
    run_key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
    for name, facts, attempt in identity:
        seen[name] = {"facts": facts, "attempt": attempt, "run_key": run_key}
    request = dg.RunRequest(run_key=run_key, asset_selection=[key for key, _, _ in arrived.values()])
    return dg.SensorResult(run_requests=[request], cursor=json.dumps(seen, sort_keys=True))


def _settled() -> dict[str, tuple[dg.AssetKey, list[tuple[str, int, int]]]]:
    """Pending files by `system.extract`, without extracts of which a file may still be written."""
    estate, settings = common.estate(), get_settings()
    settled_before = (time.time() - SETTLED_SECONDS) * 1e9
    return {
        f"{system}.{extract}": (common.extract_key(system, extract), list(files))
        for system in estate.systems
        for extract, files in pending_files(estate, system, settings).items()
        if all(modified <= settled_before for _, _, modified in files)
    }


def _failed(context: dg.SensorEvaluationContext, run_key: str) -> bool:
    """Whether the newest run of that key ended without landing anything."""
    runs = context.instance.get_runs(dg.RunsFilter(tags={RUN_KEY_TAG: run_key}), limit=1)
    return bool(runs) and runs[0].status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


follow_landings = dg.AutomationConditionSensorDefinition(
    "follow_landings",
    target=WAREHOUSE,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Builds and publishes what depends on a new landing, unless a blocking check failed.",
)


@dg.sensor(
    name="time_or_estate_changed",
    job=warehouse_job,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Builds and publishes when something becomes effective or falls due, and when the estate, a contract, "
    "a model or an expectation changed, although no file has come.",
)
def time_or_estate_changed(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """One run per instant at which results change by time alone, and per state of what a build is defined by."""
    settings = get_settings()
    built = state.read(settings)
    if built is None:
        return dg.SensorResult(skip_reason="nothing was published yet: the first landing builds everything")
    # Read anew: the estate of this process is that of its start.
    estate = load_estate(settings.estate_path)
    definition = state.definition(settings, estate)
    is_due = built.valid_until is not None and estate.now() >= built.valid_until
    if built.definition == definition and not is_due:
        return dg.SensorResult(skip_reason=f"nothing changes by time before {built.valid_until or 'new data comes'}")
    run_key = hashlib.sha256(f"{built.run_id}|{built.valid_until}|{definition}".encode()).hexdigest()
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=run_key)])


@dg.sensor(
    name="exceptions_changed",
    job=exceptions_job,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Publishes what people did to exceptions, and what fell due, where no data has changed.",
)
def exceptions_changed(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """One run per state of the ledger that readers don't see yet; where a build is due anyway, it brings it along."""
    settings = get_settings()
    estate = load_estate(settings.estate_path)
    now = estate.now()
    if not state.is_up_to_date(settings, estate, now):
        return dg.SensorResult(skip_reason="the next build publishes the ledger too")
    if not exceptions.needs_publication(settings, estate, now):
        return dg.SensorResult(skip_reason="readers see the ledger as it stands")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=exceptions.state_key(settings, now))])


@dg.run_failure_sensor(
    name="publication_refused",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Notes a publication that a failed run or a blocking check refused; the previous one stays in force.",
)
def publication_refused(context: dg.RunFailureSensorContext) -> None:
    """Only runs that were to publish count; `mfg run` notes its own."""
    run = context.dagster_run
    selected = run.asset_selection or set()
    publishes = run.job_name == warehouse_job.name or any(key.path[0] == "published" for key in selected)
    if publishes and common.PROCESS_TAG not in run.tags:
        settings = get_settings()
        publication.record_refusal(settings, run.run_id, [context.failure_event.message or "failed"])
        estate = load_estate(settings.estate_path)
        exceptions.observe_run(settings, estate, run_id=run.run_id, at=estate.now(), gate_is_open=False)
