"""Shapes of released changes: what is asked of a plant's system, and what has been sent about it.

Belongs here: plain data. Doesn't belong here: deciding (`plan`), storing (`outbox`), delivering (`deliver`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from mfg_assets.errors import MfgError

Kind = Literal["release", "compensation"]
State = Literal["prepared", "delivered", "acknowledged", "dead_letter", "compensated", "withdrawn"]
# Under `sends` of a target: what people call it → the kinds of objects.
SENDS: Mapping[str, tuple[str, ...]] = {
    "bill": ("bom_header",),
    "routing": ("routing_operation",),
    "item": ("item", "item_plant"),
}


class ReleaseError(MfgError):
    """Releases can't be made or delivered for a reason that somebody has to mend."""


@dataclass(frozen=True)
class Change:
    """One part of an object, as the target holds it and as it should.

    `after` is all that the target should hold of that part, never a difference: whoever applies the newest message has
    the right state, whatever came before it. Null stands for nothing.
    """

    key: str
    before: Any
    after: Any
    cause: str = "correction"
    change_numbers: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    effective_from: str | None = None
    hold_reasons: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the gate lets it go."""
        return not self.hold_reasons


@dataclass(frozen=True)
class ObjectId:
    """An object of one target: messages about it are numbered from 1."""

    target: str
    object_type: str
    object_key: str


@dataclass(frozen=True)
class Asked:
    """What a published version asks of one object of a target."""

    object: ObjectId
    target_system: str
    target_kind: str
    plant_id: str | None
    item_number: str | None
    correlation_id: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Sent:
    """A message as the outbox holds it."""

    idempotency_key: str
    object: ObjectId
    sequence: int
    kind: Kind
    state: State
    attempts: int
    is_settled: bool
    published_version: str
    payload: Mapping[str, Any]

    @property
    def after(self) -> dict[str, Any]:
        """Key → what the message asks for."""
        return {change["key"]: change["after"] for change in self.payload["changes"]}

    @property
    def before(self) -> dict[str, Any]:
        """Key → what the target was seen to hold when the message was made."""
        return {change["key"]: change["before"] for change in self.payload["changes"]}


@dataclass(frozen=True)
class Draft:
    """A message that is to be made. `compensates` names those that it takes back."""

    object: ObjectId
    kind: Kind
    target_system: str
    target_kind: str
    plant_id: str | None
    item_number: str | None
    correlation_id: str
    changes: tuple[Change, ...]
    compensates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What to do with the outbox: messages to make, never-sent ones to withdraw, and ones of which no more is asked."""

    drafts: tuple[Draft, ...] = ()
    withdrawn: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Acknowledgement:
    """A system's answer, as it landed. It proves nothing (rule 35); `version` is the message's sequence."""

    target_system: str
    object_type: str
    object_key: str
    version: str | None
    state: str
    detail: str | None
    event_at: datetime
