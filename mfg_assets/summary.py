"""What one run did, in the words of the people who read it.

Belongs here: plain data that the runner fills in and the command line shows.
Doesn't belong here: gathering it (`summary_facts`, `defs.runner`), layout and colour (`cli.summary_view`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

from mfg_assets.exceptions.model import QueueCount

RunState = Literal["published", "unchanged", "refused", "failed"]


@dataclass(frozen=True)
class Progress:
    """Something began or ended during a run.

    Attributes:
        layer: extract, warehouse, checks or publish.
        name: what it is within the layer, `erp.item` or a model's name.
        state: started, done or failed.
        detail: a few words worth showing, or nothing.
    """

    layer: str
    name: str
    state: str
    detail: str = ""


@dataclass(frozen=True)
class SystemLanding:
    """One extract's share of a run. Rows and batches count what is new in this run.

    `rows_received` is always `rows_landed` + `rows_rejected`; `refusal_reasons` holds one sentence per refused batch.
    """

    system: str
    extract: str
    entity: str
    rows_received: int = 0
    rows_landed: int = 0
    rows_rejected: int = 0
    batches_new: int = 0
    batches_refused: int = 0
    refusal_reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FindingCount:
    """Findings of one class now open; `value` is the sum at stake in `currency`, None where nothing could be valued."""

    domain: str
    finding_class: str
    severity: str
    count: int
    value: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True)
class FailedCheck:
    """A check that did not hold; `failed_rows` is None where the check doesn't count rows."""

    name: str
    table: str
    severity: Literal["blocking", "warning"]
    failed_rows: int | None = None


@dataclass(frozen=True)
class PublicationFacts:
    """The version in force after the run and how it differs from the one before."""

    version: str
    content_hash: str
    tables_changed: list[str]
    rows_added: int
    rows_removed: int
    rows_changed: int
    path: Path


@dataclass(frozen=True)
class RunSummary:
    """All that a run has to say.

    Attributes:
        run_id: ids of the Dagster runs, blank separated; empty when nothing had to be run.
        state: what became of the publication.
        as_of: the one instant that the run took for now.
        landed: per extract, in the order of the estate.
        findings: by domain and class.
        exceptions: by domain and severity: what the run opened, resolved and reopened, what is open and overdue.
        checks: only those that did not hold.
        publication: the version in force, None when nothing was ever published.
        layer_seconds: time per layer, in the order in which the layers ran.
        failures: what went wrong, one sentence each.
        next_steps: what a person would do now, most urgent first.
    """

    run_id: str
    state: RunState
    as_of: datetime
    landed: list[SystemLanding] = field(default_factory=list)
    findings: list[FindingCount] = field(default_factory=list)
    exceptions: list[QueueCount] = field(default_factory=list)
    checks: list[FailedCheck] = field(default_factory=list)
    publication: PublicationFacts | None = None
    layer_seconds: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    next_steps: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing stopped: no failure, no refused batch, no refused publication."""
        return (
            self.state in ("published", "unchanged")
            and not self.failures
            and not any(landing.batches_refused for landing in self.landed)
        )
