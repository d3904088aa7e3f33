"""The estate's YAML as classes: what exists, never how it is read.

Belongs here: pydantic models with unknown keys refused, and lookups over them.
Doesn't belong here: YAML parsing and line numbers (`loader`), cross-file checks (`check`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from mfg_assets.estate.base import (
    Duration,
    Identifier,
    Instant,
    Model,
    PlantId,
    Severity,
    TimeZone,
)
from mfg_assets.estate.releases import ReleaseTarget
from mfg_assets.estate.systems import Extract, SystemFile


class Plant(Model):
    """A site that builds or stores; the unit by which everything is reconciled."""

    id: PlantId = Field(description="As the rest of the estate and all results call it.")
    name: str = Field(description="As people call it.")
    timezone: TimeZone = Field(description="IANA zone; the plant's days begin at its own midnight.")
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = Field(description="ISO 4217, such as EUR.")
    calendar: str | None = Field(default=None, description="Name of the working calendar.")
    period_close: Duration | None = Field(
        default=None,
        description="How long a month stays open for postings after its end, by the plant's clock; unknown by default.",
    )


class Role(Model):
    """Somebody who owns findings."""

    id: Identifier = Field(description="As the rest of the estate calls it.")
    name: str = Field(description="As people call it.")
    email: str | None = Field(default=None, description="Where notices about its findings go.")


class Tolerance(Model):
    """Differences up to this size are equal (rule 38): |a − b| ≤ absolute, or ≤ relative × the larger magnitude."""

    absolute: float = Field(default=0, ge=0, description="In the attribute's own unit.")
    relative: float = Field(default=0, ge=0, le=1, description="A fraction, 0.01 = 1 %.")


class Defaults(Model):
    """Values for whatever a system or extract does not say itself."""

    reject_limit: float = Field(
        default=0.05, ge=0, le=1, description="Share of rejects above which a batch is refused whole."
    )
    schedule: str | None = Field(default=None, description="Cron expression, by the clock of the system's first plant.")
    freshness: Duration | None = Field(default=None, description="Longest acceptable age of the newest batch.")
    latency: Duration | None = Field(
        default=None, description="How long a system may take to hear what another one did; none when left out."
    )


class ExceptionRule(Model):
    """How urgent some exceptions are and whose they are. A later rule wins, for each thing that it names."""

    finding: str = Field(
        default="*", min_length=1, description="Finding class, domain.class or domain.*; all findings by default."
    )
    plants: list[PlantId] = Field(default_factory=list, description="Only at these plants; all when empty.")
    value_above: float | None = Field(
        default=None, ge=0, description="Only where more than this is at stake, in the finding's own currency."
    )
    severity: Severity | None = Field(default=None, description="Instead of the finding's own severity.")
    service_level: Duration | None = Field(default=None, description="Time to resolve, instead of the severity's.")
    owner: Identifier | None = Field(default=None, description="Role that owns such exceptions.")
    escalate_to: Identifier | None = Field(default=None, description="Role that hears of it when it is overdue.")


class EstateFile(Model):
    """`estate.yaml`."""

    name: str = Field(description="The manufacturer.")
    description: str = Field(default="", description="For readers.")
    as_of: Instant | None = Field(
        default=None,
        description="The fixed instant from which a simulated or archived estate is looked at; without it the present.",
    )
    plants: list[Plant] = Field(min_length=1, description="Sites that build or store.")
    roles: list[Role] = Field(default_factory=list, description="Who owns findings and feeds.")
    defaults: Defaults = Field(
        default_factory=Defaults, description="For whatever a system or extract does not say itself."
    )
    tolerances: dict[str, Tolerance] = Field(default_factory=dict, description="entity.attribute → tolerance.")
    service_levels: dict[Severity, Duration] = Field(
        default_factory=dict, description="Severity → time to resolve an exception."
    )
    finding_owners: dict[str, Identifier] = Field(
        default_factory=dict,
        description="Finding class, or domain.class, or domain.* → role that owns such findings.",
    )
    exception_rules: list[ExceptionRule] = Field(
        default_factory=list, description="By class, plant and value: how urgent exceptions are and whose."
    )
    releases: list[ReleaseTarget] = Field(
        default_factory=list, description="Where changes for plants' ERP and MES are delivered; nowhere by default."
    )


class OwnershipRule(Model):
    """Which systems are believed for an attribute, in order. The most specific rule wins."""

    attribute: str = Field(description="entity.attribute, or entity.* for all of an entity.")
    owners: list[str] = Field(min_length=1, description="System ids or kinds, best first.")
    conflict: Literal["report", "tolerate", "block"] = Field(
        default="report",
        description="A differing value of another system: a finding, nothing, or a blocking finding.",
    )
    plants: list[PlantId] = Field(default_factory=list, description="Only at these plants; all when empty.")
    item_types: list[str] = Field(default_factory=list, description="Only for these item types; all when empty.")
    steward: Identifier | None = Field(default=None, description="Role that mends a differing value.")

    @field_validator("attribute")
    @classmethod
    def _two_parts(cls, value: str) -> str:
        entity, _, attribute = value.partition(".")
        if not entity or not attribute:
            raise ValueError(f"{value!r} is not entity.attribute or entity.*")
        return value


class OwnershipFile(Model):
    """`ownership.yaml`."""

    rules: list[OwnershipRule] = Field(default_factory=list, description="The most specific one wins.")


class CodeMap(Model):
    """`codes/<name>.csv` with columns system, native, code. System `*` serves all that don't have their own entry."""

    name: str
    rows: tuple[tuple[str, str, str], ...]


class Estate(Model):
    """Everything one manufacturer runs, validated."""

    path: Path
    file: EstateFile
    ownership: OwnershipFile
    systems: dict[str, SystemFile]
    code_maps: dict[str, CodeMap]

    @property
    def plant_ids(self) -> tuple[str, ...]:
        """Ids of all plants, in the order of the file."""
        return tuple(p.id for p in self.file.plants)

    def now(self) -> datetime:
        """The instant to take for now where nobody asked for another: the estate's own, else the present; UTC."""
        return self.file.as_of or datetime.now(UTC)

    def extract(self, system: str, extract_name: str) -> Extract:
        """One extract. Raises KeyError when the system or extract is unknown."""
        return self.systems[system].extracts[extract_name]

    def reject_limit(self, system: str, extract_name: str) -> float:
        """Share of rejects above which a batch of this extract is refused whole."""
        own = self.extract(system, extract_name).reject_limit
        of_system = self.systems[system].reject_limit
        return next(v for v in (own, of_system, self.file.defaults.reject_limit) if v is not None)

    def schedule(self, system: str) -> str | None:
        """Cron expression of a system."""
        return self.systems[system].schedule or self.file.defaults.schedule

    def freshness(self, system: str, extract_name: str) -> timedelta | None:
        """Longest acceptable age of an extract's newest batch."""
        own = self.extract(system, extract_name).freshness
        return own or self.systems[system].freshness or self.file.defaults.freshness

    def latency(self, system: str) -> timedelta:
        """How long a system may take to hear what happened elsewhere; none where the estate says nothing."""
        return self.systems[system].latency or self.file.defaults.latency or timedelta()
