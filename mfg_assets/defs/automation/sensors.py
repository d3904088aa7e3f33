"""Sensors: files that arrive, what follows a landing, and failed runs.

Belongs here: reacting. Doesn't belong here: which files are new (ingest).
"""

import hashlib
import json
import time

import dagster as dg

from mfg_assets import publish as publication
from mfg_assets.defs import common
from mfg_assets.defs.automation.jobs import WAREHOUSE, extracts_job
from mfg_assets.ingest import pending_files
from mfg_assets.settings import get_settings

# A file that is still being written keeps changing; one left alone this long is taken as delivered.
SETTLED_SECONDS = 10


@dg.sensor(
    name="files_arrived",
    job=extracts_job,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Lands files as they arrive. The cursor knows each file by name, size and time, so that a restart "
    "starts nothing twice.",
)
def files_arrived(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """One run for all extracts with settled files that the cursor doesn't know and no batch holds."""
    seen: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
    estate, settings = common.estate(), get_settings()
    settled_before = (time.time() - SETTLED_SECONDS) * 1e9
    arrived: dict[dg.AssetKey, str] = {}
    for system in estate.systems:
        for extract, files in pending_files(estate, system, settings).items():
            if any(modified > settled_before for _, _, modified in files):
                continue
            state = hashlib.sha256(json.dumps(sorted(files)).encode()).hexdigest()
            if seen.get(f"{system}.{extract}") != state:
                seen[f"{system}.{extract}"] = state
                arrived[common.extract_key(system, extract)] = state
    if not arrived:
        return dg.SensorResult(skip_reason="no file has arrived")
    run_key = hashlib.sha256("".join(sorted(arrived.values())).encode()).hexdigest()
    request = dg.RunRequest(run_key=run_key, asset_selection=list(arrived))
    return dg.SensorResult(run_requests=[request], cursor=json.dumps(seen, sort_keys=True))


follow_landings = dg.AutomationConditionSensorDefinition(
    "follow_landings",
    target=WAREHOUSE,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Builds and publishes what depends on a new landing, unless a blocking check failed.",
)


@dg.run_failure_sensor(
    name="publication_refused",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Notes a publication that a failed run or a blocking check refused; the previous one stays in force.",
)
def publication_refused(context: dg.RunFailureSensorContext) -> None:
    """Only runs that were to publish count."""
    selection = context.dagster_run.asset_selection
    if context.dagster_run.job_name == extracts_job.name or (
        selection and not any(key.path[0] == "published" for key in selection)
    ):
        return
    publication.record_refusal(get_settings(), context.dagster_run.run_id, [context.failure_event.message or "failed"])
