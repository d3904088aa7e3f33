"""The job `replay`: batches by range, system, plant or day, chosen by its run config.

Belongs here: the job's configuration and report. Doesn't belong here: reading and comparing (ingest).
"""

from collections import Counter
from datetime import date

import dagster as dg
from pydantic import Field

from mfg_assets.defs import common
from mfg_assets.ingest.replay_run import replay_batches
from mfg_assets.ingest.reread import Selection
from mfg_assets.settings import get_settings
from mfg_assets.warehouse import lock


class ReplayConfig(dg.Config):
    """Which batches; everything named must hold, and what is left out holds for all. Days are ISO 8601, in UTC."""

    systems: list[str] = Field(default_factory=list)
    plants: list[str] = Field(default_factory=list)
    extracts: list[str] = Field(default_factory=list)
    batches: list[str] = Field(default_factory=list)
    first_day: str = ""
    last_day: str = ""


@dg.op(name="replay_batches", pool=common.WAREHOUSE_POOL)
def replay_op(context: dg.OpExecutionContext, config: ReplayConfig) -> None:
    """Read the batches again, compare, put back what was lost."""
    settings = get_settings()
    lock.acquire(settings, wait_seconds=common.LOCK_WAIT_SECONDS)
    selection = Selection(
        systems=tuple(config.systems),
        plants=tuple(config.plants),
        extracts=tuple(config.extracts),
        batches=tuple(config.batches),
        first_day=date.fromisoformat(config.first_day) if config.first_day else None,
        last_day=date.fromisoformat(config.last_day) if config.last_day else None,
    )
    actor = f"dagster run {context.run_id}"
    found = replay_batches(common.estate(), settings, selection, actor=actor, at=common.estate().now())
    counts = Counter(one.outcome for one in found)
    context.add_output_metadata({"batches": len(found), **dict(counts)})
    if counts["lost"]:
        lost = [one.batch_id for one in found if one.outcome == "lost"]
        raise dg.Failure(f"landed files that no source can give again: {', '.join(lost)}", allow_retries=False)
    if counts["differs"]:
        different = [one.batch_id for one in found if one.outcome == "differs"]
        raise dg.Failure(f"the same bytes gave other rows: {', '.join(different)}", allow_retries=False)


@dg.job(name="replay", description="Read landed batches again: proof that results are the same, and repair.")
def replay_job() -> None:
    """One step."""
    replay_op()


@dg.definitions
def defs() -> dg.Definitions:
    """The job."""
    return dg.Definitions(jobs=[replay_job])
