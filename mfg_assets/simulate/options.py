"""What a simulation can be asked for, and how large its named scales are.

Belongs here: options and their defaults. Doesn't belong here: anything made from them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from mfg_assets.errors import Problem, UsageError

MONDAY = date(2026, 1, 5)
# Deliveries are cut at night in Europe and America, in a break in Vietnam.
CUT_AT = time(4, tzinfo=UTC)
MOST_PLANTS = 4


@dataclass(frozen=True)
class Scale:
    """How much a named scale has: `items`, and `days` of history before the first delivery."""

    items: int
    days: int


SCALES: dict[str, Scale] = {
    "small": Scale(items=160, days=21),
    "demo": Scale(items=2_000, days=90),
    "large": Scale(items=100_000, days=180),
    "huge": Scale(items=1_000_000, days=365),
}


@dataclass(frozen=True)
class Options:
    """Everything that a simulated estate depends on: the same options give the same bytes.

    Attributes:
        seed: Of every choice.
        scale: Name of the scale that `items` and `days` come from.
        plants: How many of the plants exist, from the first on.
        items: How many items.
        days: Days of history before the first delivery.
        defect_rate: Share of the objects that a class of defect can befall and does, 0 for none. Single classes have
            multiples of it.
        start: First day of the world.
        advanced_days: Days since the first delivery.
        previous_days: Days from the first delivery to the one before this; None where this is the first.
    """

    seed: int = 1
    scale: str = "demo"
    plants: int = 4
    items: int = SCALES["demo"].items
    days: int = SCALES["demo"].days
    defect_rate: float = 0.01
    start: date = MONDAY
    advanced_days: int = 0
    previous_days: int | None = None

    def __post_init__(self) -> None:
        """Check ranges. Raises UsageError with everything that is out of them."""
        checks = (
            (self.scale in SCALES, f"there is no scale {self.scale!r}", f"one of: {', '.join(SCALES)}"),
            (0 <= self.seed < 2**31, f"--seed: {self.seed} is out of range", "use a number from 0 to 2147483647"),
            (1 <= self.plants <= MOST_PLANTS, f"--plants: {self.plants} is out of range", f"1 to {MOST_PLANTS}"),
            (50 <= self.items <= 10_000_000, f"--items: {self.items} is out of range", "50 to 10 million"),
            (7 <= self.days <= 3_650, f"--days: {self.days} is out of range", "7 to 3650"),
            (0 <= self.defect_rate <= 0.2, f"--defect-rate: {self.defect_rate} is out of range", "0 to 0.2"),
            (0 <= self.advanced_days <= 3_650, f"{self.advanced_days} days later is too late", "at most 3650 days"),
        )
        problems = [Problem(message, fix=fix) for holds, message, fix in checks if not holds]
        if problems:
            raise UsageError(*problems)

    @classmethod
    def of(cls, scale: str = "demo", **chosen: Any) -> Options:
        """Options of a scale, with what was chosen (and is not None) instead of its own."""
        size = SCALES.get(scale)
        own = {"items": size.items, "days": size.days} if size is not None else {}
        return cls(scale=scale, **{**own, **{name: value for name, value in chosen.items() if value is not None}})

    @property
    def cut(self) -> datetime:
        """Instant of this delivery, UTC."""
        return self._cut_after(self.advanced_days)

    @property
    def first_cut(self) -> datetime:
        """Instant of the first delivery, UTC."""
        return self._cut_after(0)

    @property
    def previous_cut(self) -> datetime | None:
        """Instant of the delivery before this one, UTC; None where this is the first."""
        return None if self.previous_days is None else self._cut_after(self.previous_days)

    def later(self, days: int) -> Options:
        """The next delivery of the same world, so many days after this one."""
        if days < 1:
            raise UsageError(Problem(f"--days: {days} is out of range", fix="advance by one day or more"))
        return replace(self, advanced_days=self.advanced_days + days, previous_days=self.advanced_days)

    def to_json(self) -> dict[str, Any]:
        """As `world.json` keeps them."""
        return {**asdict(self), "start": self.start.isoformat()}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Options:
        """Options from `world.json`."""
        return cls(**{**content, "start": date.fromisoformat(content["start"])})

    def _cut_after(self, advanced: int) -> datetime:
        return datetime.combine(self.start + timedelta(days=self.days + advanced), CUT_AT)
