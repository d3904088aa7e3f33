"""Observations for tests of the ledger, as a source would give them.

Belongs here: rows. Doesn't belong here: expectations (the tests have them).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from mfg_assets.exceptions import OBSERVED_COLUMNS, ObservationResult, observe
from mfg_assets.ledger import Ledger

START = datetime(2026, 1, 5, 6, tzinfo=UTC)


def day(number: float) -> datetime:
    """A number of days after the start."""
    return START + timedelta(days=number)


def identity(item: str, *, domain: str = "bom", finding_class: str = "quantity") -> str:
    """The id of the exception about an item."""
    return hashlib.sha256(f"{domain}|{finding_class}|{item}".encode()).hexdigest()[:20]


def sighting(item: str, **values: Any) -> tuple[Any, ...]:
    """One observed row about an item; every column can be set."""
    domain, finding_class = values.get("domain", "bom"), values.get("finding_class", "quantity")
    row: dict[str, Any] = {
        "exception_id": identity(item, domain=domain, finding_class=finding_class),
        "domain": domain,
        "finding_class": finding_class,
        "business_key": json.dumps({"item_number": item}),
        "plant_id": "P1",
        "severity": "high",
        "owner_role": "engineering",
        "escalate_to": None,
        "service_seconds": 86_400,
        "finding_count": 1,
        "value_at_stake": None,
        "currency": None,
        "suggested_action": "Mend it.",
        "evidence": "{}",
        "correlation_ids": "[]",
    }
    row |= values
    return tuple(row[name] for name in OBSERVED_COLUMNS)


def see(
    ledger: Ledger,
    rows: Iterable[tuple[Any, ...]],
    *,
    at: datetime = START,
    inputs: str | None = None,
    evaluated: Collection[str] = ("bom",),
) -> ObservationResult:
    """One run's observation; other inputs each time unless they are named."""
    return observe(
        ledger, [list(rows)], evaluated=evaluated, inputs=inputs or at.isoformat(), at=at, run_id=f"run-{at:%d%H}"
    )
