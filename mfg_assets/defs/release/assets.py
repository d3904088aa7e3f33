"""The outbox as an asset after publication, where the estate names release targets.

Belongs here: the step's place in the graph, its report, and what wakes it between publications. Doesn't belong here:
making and sending messages (release).

For a receiver that is away, messages wait in the outbox.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from mfg_assets import release as releases
from mfg_assets.defs import common
from mfg_assets.defs.publish.followers import Follower
from mfg_assets.ledger import open_ledger
from mfg_assets.release import outbox
from mfg_assets.settings import get_settings

FOLLOWER = Follower(
    key=dg.AssetKey(["release", "outbox"]),
    kind="sql",
    description="What plants' ERP and MES should adopt, as messages: prepared, delivered, answered.",
    check="receivers_take_messages",
    promises="Every receiver takes what is due to it.",
)


@FOLLOWER.step("release")
def release(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Bring the outbox to the version in force and send what is due."""
    settings = get_settings()
    common.report("publish", "releases", "started")
    with open_ledger(settings) as ledger:
        done = releases.release(settings, common.estate(), ledger, as_of=common.as_of_of(context))
    said = f"{done.prepared:,} prepared, {done.delivered:,} delivered, {done.dead_letters:,} dead letters"
    common.report("publish", "releases", "failed" if done.problems else "done", said)
    yield FOLLOWER.checked(problem="; ".join(done.problems) or None, said=said)
    if done.prepared or done.compensations or done.withdrawn or done.delivered or done.acknowledged:
        yield FOLLOWER.brought(
            {
                "version": done.version,
                "prepared": done.prepared,
                "compensations": done.compensations,
                "withdrawn": done.withdrawn,
                "delivered": done.delivered,
                "acknowledged": done.acknowledged,
                "dead_letters": done.dead_letters,
            }
        )


release_job = dg.define_asset_job(
    "releases", selection=dg.AssetSelection.assets(FOLLOWER.key), description="Send what is due to plants' systems."
)


@dg.sensor(
    name="releases_due",
    job=release_job,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends again what couldn't be delivered, when its time has come and its receiver isn't left alone.",
)
def releases_due(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One run a minute at most, while a message waits for a receiver that isn't left alone."""
    now = datetime.now(UTC)
    with open_ledger(get_settings()) as ledger:
        since = outbox.waiting_since(ledger, [target.id for target in common.estate().file.releases], now)
    return dg.SkipReason("nothing is due") if since is None else dg.RunRequest(run_key=f"{now:%Y-%m-%dT%H:%M}")


@dg.definitions
def defs() -> dg.Definitions:
    """The asset and its sensor, where there is somebody to deliver to."""
    if not common.estate().file.releases:
        return dg.Definitions()
    return dg.Definitions(assets=[release], jobs=[release_job], sensors=[releases_due])
