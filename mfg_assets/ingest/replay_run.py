"""A replay of batches with its entry in the audit log, for the command line and for Dagster.

Belongs here: the two steps together. Doesn't belong here: each of them (`reread`, `audit`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime

from mfg_assets import audit
from mfg_assets.estate.models import Estate
from mfg_assets.ingest.reread import Reread, Selection, reread
from mfg_assets.ledger import open_ledger
from mfg_assets.settings import Settings


def replay_batches(
    estate: Estate, settings: Settings, selection: Selection, *, actor: str, at: datetime
) -> list[Reread]:
    """Read batches again and enter what came of it.

    Raises:
        MfgError: an unknown system, plant or batch.
        LedgerError: the audit log can't be written; what was restored stays.
    """
    found = reread(estate, settings, selection)
    if found:
        with open_ledger(settings) as ledger:
            audit.record(
                ledger,
                kind="replay",
                subject=found[0].batch_id if len(found) == 1 else f"{len(found)} batches",
                actor=actor,
                at=at,
                details={
                    "selection": {name: value for name, value in asdict(selection).items() if value},
                    "outcomes": dict(Counter(one.outcome for one in found)),
                    "batches": [one.batch_id for one in found],
                },
            )
    return found
