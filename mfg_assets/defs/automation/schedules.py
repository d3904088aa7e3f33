"""One schedule per system, from the estate, in the time zone of the plant that it serves first.

Belongs here: when. Doesn't belong here: what follows a landing (declarative automation does).
"""

import dagster as dg

from mfg_assets.defs import common
from mfg_assets.defs.automation.jobs import system_jobs
from mfg_assets.ingest import pending_files
from mfg_assets.settings import get_settings


@dg.definitions
def defs() -> dg.Definitions:
    """A schedule for each system whose estate file gives a cron expression."""
    return dg.Definitions(schedules=[s for system in common.estate().systems if (s := _schedule(system)) is not None])


def _schedule(system_id: str) -> dg.ScheduleDefinition | None:
    estate = common.estate()
    cron = estate.schedule(system_id)
    if cron is None:
        return None
    zones = {plant.id: plant.timezone for plant in estate.file.plants}

    @dg.schedule(
        name=f"{system_id}_schedule",
        job=system_jobs[system_id],
        cron_schedule=cron,
        # People plan deliveries by the plant's clock; the system's own zone says how its data is written.
        execution_timezone=zones[estate.systems[system_id].plants[0]],
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Lands {system_id} at the times that its estate file gives.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Runs the extracts that have something new: an extract that found nothing must not look fresh."""
        pending = pending_files(estate, system_id, get_settings())
        if not pending:
            return dg.SkipReason(f"{system_id} has delivered nothing since the last run")
        return dg.RunRequest(
            run_key=context.scheduled_execution_time.isoformat(),
            asset_selection=[common.extract_key(system_id, extract) for extract in pending],
        )

    return schedule
