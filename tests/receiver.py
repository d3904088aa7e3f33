"""A receiver of release messages as a plant's system would be built, and an outbox to feed it from.

Belongs here: the reference consumer that docs/releases.md describes, and shorthands for asking. Doesn't belong here:
assertions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mfg_assets.release.message import encode, validator
from mfg_assets.release.model import Asked, Change, ObjectId, Sent
from mfg_assets.release.outbox import Occasion

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Receiver:
    """Applies a change when its message's number is greater than that of the last one applied to the same part.

    Nothing else is kept: neither messages nor keys. It may be given anything, in any order, any number of times.
    """

    def __init__(self) -> None:
        self.held: dict[tuple[str, str, str], Any] = {}
        self.applied: dict[tuple[str, str, str, str], int] = {}

    def take(self, message: Mapping[str, Any]) -> None:
        """Apply all of a message's changes that are newer than what is held."""
        validator().validate(message)
        for change in message["changes"]:
            part = (message["object_type"], message["object_key"], change["key"])
            mark = (message["target"], *part)
            if message["sequence"] <= self.applied.get(mark, 0):
                continue
            self.applied[mark] = message["sequence"]
            if change["after"] is None:
                self.held.pop(part, None)
            else:
                self.held[part] = change["after"]


def wants(
    values: Mapping[str, tuple[Any, Any]],
    *,
    key: str = "100",
    target: str = "erp",
    held: Mapping[str, str] | None = None,
) -> Asked:
    """What is asked of an item: attribute → (before, after); `held` gives reasons by attribute."""
    changes = tuple(
        Change(name, before, after, attributes=(name,), hold_reasons=(held[name],) if held and name in held else ())
        for name, (before, after) in values.items()
    )
    return Asked(ObjectId(target, "item", key), target, "erp", None, key, "c0ffee", changes)


def at(minutes: float = 0) -> Occasion:
    """Some minutes after the start, by the platform."""
    instant = START + timedelta(minutes=minutes)
    return Occasion(instant, instant)


def as_received(sent: Sent) -> Mapping[str, Any]:
    """A message after its journey: through bytes and back."""
    import json

    return json.loads(encode(sent.payload))
