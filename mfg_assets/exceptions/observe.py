"""One run's observations against the ledger: what is new, what is gone, what returned, what is late.

Belongs here: the steps of one observation, in one transaction. Doesn't belong here: what each step does
(`observed`, `transitions`), where observations come from (`sources`), acts by people (`acts`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from mfg_assets import audit
from mfg_assets.audit.log import head
from mfg_assets.exceptions import history
from mfg_assets.exceptions.history import PLATFORM
from mfg_assets.exceptions.model import ObservationResult, QueueCount
from mfg_assets.exceptions.observed import load, set_due, temporary
from mfg_assets.exceptions.queues import queue
from mfg_assets.exceptions.transitions import (
    changes_by_kind,
    escalate,
    find_changes,
    insert_new,
    update_all,
    write_events,
)
from mfg_assets.ledger import Ledger


def observe(
    ledger: Ledger,
    rows: Iterable[Sequence[Sequence[Any]]],
    *,
    evaluated: Collection[str],
    inputs: str,
    at: datetime,
    run_id: str,
) -> ObservationResult:
    """Take in all that one run saw, in one transaction.

    Args:
        ledger: the open ledger.
        rows: batches of rows with OBSERVED_COLUMNS; one row per class and business key.
        evaluated: domains that this run really judged anew. Only theirs are resolved when they aren't observed.
        inputs: names all that the run read. The same inputs again are no new sighting: a rebuild moves no
            `last_seen_at` and reopens nothing that a person has resolved.
        at: the run's one instant (rule 3).
        run_id: for the audit log.

    Returns:
        What changed, and what is to do, by domain and severity.
    """
    with ledger.write() as connection:
        temporary.create_all(connection)
        load(connection, rows, is_postgres=ledger.is_postgres)
        set_due(connection, at)
        # Domains that only gave rows are not judged as a whole; what they saw still counts as seen.
        find_changes(connection, tuple(evaluated), inputs, at)
        insert_new(connection, inputs, at)
        sequence = head(connection)[0] + 1
        write_events(connection, at, sequence)
        counts = changes_by_kind(connection)
        update_all(connection, tuple(evaluated), inputs, at)
        escalated = escalate(connection, at, sequence)
        changed, digest = history.digest(connection, sequence)
        if changed:
            audit.append(
                connection,
                kind="observation",
                subject=run_id,
                actor=PLATFORM,
                at=at,
                details={"inputs": inputs, "events": changed, "events_hash": digest},
            )
        for key, one in queue(connection, at).items():
            known = counts.get(key, QueueCount(*key))
            counts[key] = replace(known, still_open=one.still_open, overdue=one.overdue)
        temporary.drop_all(connection)
    found = tuple(counts[key] for key in sorted(counts))
    return ObservationResult(
        opened=sum(c.opened for c in found),
        reopened=sum(c.reopened for c in found),
        resolved=sum(c.resolved for c in found),
        escalated=escalated,
        changed=changed,
        counts=found,
    )
