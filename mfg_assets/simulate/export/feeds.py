"""What a system delivers at a cut: the versions of its rows that are due, and the native columns made of them.

Belongs here: which versions of `held` a snapshot, delta or events feed has. Doesn't belong here: dialects, files.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mfg_assets.warehouse.sql import identifier, literal

Delivery = Literal["snapshot", "delta", "events"]


@dataclass(frozen=True)
class Window:
    """A delivery's instants, both UTC: made at `cut`, after the one at `previous` (None for the first)."""

    cut: datetime
    previous: datetime | None = None

    @property
    def stamp(self) -> str:
        """The cut as file names have it."""
        return self.cut.strftime("%Y%m%dT%H%M%SZ")


@dataclass(frozen=True)
class Feed:
    """One entity as a system delivers it: native column → SQL over held rows, `recorded_at` and `is_deleted`."""

    entity: str
    delivery: Delivery
    columns: dict[str, str]


def native_rows(feed: Feed, system: str, window: Window, *, joins: str = "", where: str = "true") -> str:
    """The native records of a delivery, in the order in which the system wrote them.

    Args:
        feed: what is delivered.
        system: who delivers.
        window: when.
        joins: SQL of joins to the held rows (alias `held_row`) that `where` needs.
        where: which held rows belong to this feed.
    """
    columns = ", ".join(f"{sql} as {identifier(name)}" for name, sql in feed.columns.items())
    # What a defect holds twice has the same id and instant; its content decides, or threads would.
    order = f"{'' if feed.delivery == 'snapshot' else 'recorded_at, '}row_id, hash(held_row)"
    due = due_rows(feed.entity, feed.delivery, system, window)
    return f"select {columns} from ({due}) as held_row {joins} where {where} order by {order}"


def due_rows(entity: str, delivery: Delivery, system: str, window: Window) -> str:
    """The held rows of a delivery with `recorded_at`, when the system wrote them, and `is_deleted`.

    A snapshot has what the system holds at the cut, a delta each version written since the previous delivery and each
    row deleted since (its last version, marked), events what was written since.
    """
    table = f"held.{identifier(entity)}"
    own = f"source_system = {literal(system)}"
    cut = _instant(window.cut)
    if delivery == "snapshot":
        return (
            f"select *, visible_from as recorded_at, false as is_deleted from {table} "
            f"where {own} and visible_from <= {cut} and (visible_to is null or {cut} < visible_to)"
        )
    since = f"> {_instant(window.previous)}" if window.previous else "is not null"
    written = (
        f"select *, visible_from as recorded_at, false as is_deleted from {table} "
        f"where {own} and visible_from {since} and visible_from <= {cut}"
    )
    if delivery == "events":
        return written
    return (
        f"{written} union all select *, visible_to as recorded_at, true as is_deleted from {table} as ended "
        f"where {own} and visible_to {since} and visible_to <= {cut} "
        f"and not exists (select 1 from {table} as successor "
        f"where successor.source_system = ended.source_system and successor.row_id = ended.row_id "
        f"and successor.visible_from = ended.visible_to)"
    )


def _instant(moment: datetime) -> str:
    return f"timestamptz {literal(moment.isoformat())}"
