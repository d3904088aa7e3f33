"""One pass over the outbox: take back what was rolled back, take answers in, prepare, send.

Belongs here: the order of these. Doesn't belong here: any of them.

Every step can be repeated, and each asks anew what there is to do: a process that is killed anywhere leaves the rest to
the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mfg_assets import publish as publication
from mfg_assets.audit.facts import keep_head
from mfg_assets.errors import MfgError
from mfg_assets.estate.models import Estate
from mfg_assets.estate.releases import ReleaseTarget
from mfg_assets.ledger import Ledger
from mfg_assets.publish.store import number
from mfg_assets.release import outbox, read
from mfg_assets.release.deliver import deliverer
from mfg_assets.release.inspect import acknowledge
from mfg_assets.release.outbox import Occasion
from mfg_assets.release.send import Clock, Pass, clock, send_due
from mfg_assets.settings import Settings


@dataclass(frozen=True)
class Outcome:
    """What a pass did, in messages; `problems` has a sentence for each target that isn't in order."""

    version: str
    prepared: int = 0
    withdrawn: int = 0
    compensations: int = 0
    acknowledged: int = 0
    settled: int = 0
    passes: dict[str, Pass] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def delivered(self) -> int:
        """Messages delivered, over all targets."""
        return sum(one.delivered for one in self.passes.values())

    @property
    def dead_letters(self) -> int:
        """Messages given up, over all targets."""
        return sum(one.dead_letters for one in self.passes.values())


def release(
    settings: Settings, estate: Estate, ledger: Ledger, *, as_of: datetime, deliver: bool = True, now: Clock = clock
) -> Outcome:
    """Bring the outbox to the version in force, and send what is due.

    Args:
        settings: where published versions are.
        estate: its `releases` are the targets.
        ledger: holds the outbox.
        as_of: the instant for which the state is computed; entries of the audit log bear it.
        deliver: whether to send at all.
        now: the clock of deliveries.

    Raises:
        PublicationError: nothing is published.
        LedgerError: the ledger can't be used.
    """
    targets = estate.file.releases
    version, asked, answers = read.asked(settings, targets)
    occasion = Occasion(now(), as_of)
    compensations, withdrawn = take_back_rollbacks(settings, ledger, occasion)
    acknowledged = acknowledge(ledger, answers, occasion.at)
    prepared = outbox.prepare(ledger, asked, version, occasion, [target.id for target in targets])
    passes, problems = send(settings, ledger, targets, now) if deliver else ({}, ())
    keep_head(settings, ledger)
    return Outcome(
        version,
        prepared=len(prepared.made),
        withdrawn=withdrawn + len(prepared.withdrawn),
        compensations=compensations,
        acknowledged=acknowledged,
        settled=prepared.settled,
        passes=passes,
        problems=problems,
    )


def take_back_rollbacks(settings: Settings, ledger: Ledger, occasion: Occasion) -> tuple[int, int]:
    """Take back what was released for versions that were rolled back since; returns compensations and withdrawals.

    Which versions those are stands in the history of publications, so that a rollback whose process was killed before
    it came here is caught up with.
    """
    compensations = withdrawn = 0
    for version in reversed(publication.status(settings).versions):
        if version.rollback_of is None:
            continue
        keys = outbox.since(ledger, number(version.rollback_of), number(version.version))
        if keys:
            reason = f"rolled back to {version.rollback_of} by {version.published_by}: {version.reason}"
            done = outbox.undo(ledger, keys, version.version, occasion, reason=reason)
            compensations, withdrawn = compensations + len(done.made), withdrawn + len(done.withdrawn)
    return compensations, withdrawn


def send(
    settings: Settings, ledger: Ledger, targets: Sequence[ReleaseTarget], now: Clock = clock
) -> tuple[dict[str, Pass], tuple[str, ...]]:
    """Send what is due to each target; one that can't be reached or isn't set up holds back no other."""
    passes: dict[str, Pass] = {}
    problems: list[str] = []
    for target in targets:
        try:
            handler = deliverer(target, settings)
        except MfgError as error:
            problems.append(str(error))
            continue
        try:
            passes[target.id] = send_due(ledger, target, handler, now)
        finally:
            handler.close()
        found = passes[target.id]
        if found.is_away or found.failed or found.dead_letters:
            problems.append(f"{target.id}: {found.last_error or 'left alone for a while after failures'}")
    return passes, tuple(problems)
