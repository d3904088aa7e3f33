"""Sending what is due: batches, waiting after failures, leaving a receiver alone that is away, giving up.

Belongs here: when and how often. Doesn't belong here: how a message travels (`deliver`), what is written down
(`outbox`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mfg_assets.estate.releases import ReleaseTarget
from mfg_assets.ledger import Ledger
from mfg_assets.release import outbox
from mfg_assets.release.deliver import Deliverer, RefusedError, UnreachableError
from mfg_assets.release.model import Sent
from mfg_assets.release.outbox import Result

# After a crash this many are sent again; each transaction of the ledger waits for the disk.
BATCH = 50
LONGEST_WAIT = timedelta(days=1)
Clock = Callable[[], datetime]


def clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Pass:
    """What came of one pass over a target's due messages. `is_away` says that its receiver is left alone for now."""

    delivered: int = 0
    failed: int = 0
    dead_letters: int = 0
    is_away: bool = False
    last_error: str | None = None


def send_due(ledger: Ledger, target: ReleaseTarget, deliverer: Deliverer, now: Clock = clock) -> Pass:
    """Try every message of a target that is due, once; those of one object in the order of their numbers."""
    failures, open_until = outbox.breaker(ledger, target.id)
    if open_until is not None and open_until > now():
        return Pass(is_away=True)
    started = now()
    delivered = failed = dead = 0
    last_error: str | None = None
    while batch := outbox.due(ledger, target.id, started, BATCH):
        begun = outbox.begin(ledger, [one.idempotency_key for one in batch])
        results: list[Result] = []
        open_until = None
        for sent in batch:
            if sent.idempotency_key not in begun:
                continue
            if open_until is not None:
                results.append(Result(sent, "untried", now()))
                continue
            result = _attempt(sent, target, deliverer, now)
            results.append(result)
            failures = 0 if result.outcome == "delivered" or result.is_answered else failures + 1
            if failures >= target.breaker_failures:
                open_until = now() + target.breaker_pause
            last_error = result.detail or last_error
        outbox.note(ledger, target.id, results, failures, open_until)
        delivered += sum(one.outcome == "delivered" for one in results)
        failed += sum(one.outcome == "failed" for one in results)
        dead += sum(one.outcome == "dead_letter" for one in results)
        if open_until is not None:
            return Pass(delivered, failed, dead, is_away=True, last_error=last_error)
    return Pass(delivered, failed, dead, last_error=last_error)


def _attempt(sent: Sent, target: ReleaseTarget, deliverer: Deliverer, now: Clock) -> Result:
    try:
        deliverer.deliver(sent)
    except RefusedError as refusal:
        return Result(sent, "dead_letter", now(), str(refusal), is_answered=True)
    except UnreachableError as failure:
        attempts = sent.attempts + 1
        if attempts >= target.max_attempts:
            return Result(sent, "dead_letter", now(), f"given up after {attempts:,} attempts: {failure}")
        return Result(sent, "failed", now(), str(failure), retry_at=now() + wait(target.retry_after, attempts))
    return Result(sent, "delivered", now())


def wait(first: timedelta, attempts: int) -> timedelta:
    """How long to wait after so many failed attempts: twice as long each time, at most a day."""
    return min(first * 2 ** min(attempts - 1, 20), LONGEST_WAIT)
