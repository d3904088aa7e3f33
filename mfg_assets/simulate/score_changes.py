"""How well engineering changes at plants are known: published statuses and quantities against those that hold.

Belongs here: comparing `engineering_change_plant_status` with `truth.change_status`, `engineering_change_impact` with
`truth.change_impact`. Doesn't belong here: blocking
reasons, which are findings (`score`), what holds (`expected`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from mfg_assets.simulate import truth
from mfg_assets.warehouse.sql import path_literal

STATUS_TABLE = "engineering_change_plant_status"
IMPACT_TABLE = "engineering_change_impact"


@dataclass(frozen=True)
class Status:
    """A change at a plant: the statuses that are right, and the published one, None where there is none.

    `accepted` is empty where no such change is at the plant.
    """

    change_number: str
    plant_id: str
    accepted: tuple[str, ...]
    reported: str | None

    @property
    def is_right(self) -> bool:
        """Whether what is published is true."""
        return self.reported in self.accepted


@dataclass(frozen=True)
class Statuses:
    """All changes at all plants, by what is true of them first."""

    rows: tuple[Status, ...]

    @property
    def right(self) -> int:
        """How many are published as they are."""
        return sum(row.is_right for row in self.rows)

    @property
    def accuracy(self) -> float | None:
        """Share that is right; None where there is no change."""
        return self.right / len(self.rows) if self.rows else None

    @property
    def by_status(self) -> tuple[tuple[str, int, int], ...]:
        """Status, how many have it, and of how many of them it is known; those that nobody has come last."""
        names = sorted({_name(row) for row in self.rows})
        kept = {name: [row for row in self.rows if _name(row) == name] for name in names}
        return tuple((name, len(rows), sum(row.is_right for row in rows)) for name, rows in kept.items())


@dataclass(frozen=True)
class Impact:
    """How much there is of an item that a change touches, by kind of object, and how much is published."""

    change_number: str
    plant_id: str
    object_type: str
    item_number: str
    quantity: Decimal
    reported: Decimal

    @property
    def is_right(self) -> bool:
        """Whether the published quantity is the true one, to the last digit that extracts have."""
        return self.quantity == self.reported


def compare_impact(con: duckdb.DuckDBPyConnection, ground_truth: Path, published: Path) -> tuple[Impact, ...] | None:
    """Compare quantities, summed over an item's objects of one kind; None where one side isn't there.

    Of the changes at plants that the truth knows, what is published beyond it is as wrong as what is missing. What is
    doubtful (null in the truth) is left out.
    """
    expected, reported = ground_truth / truth.CHANGE_IMPACT, published / f"{IMPACT_TABLE}.parquet"
    if not expected.is_file() or not reported.is_file():
        return None
    rows = con.execute(
        f"""
        with expected as (
            select * from read_parquet({path_literal(expected)})
        ),

        reported as (
            select change_number, plant_id, object_type, item_number, sum(quantity) as quantity
            from read_parquet({path_literal(reported)})
            semi join expected using (change_number, plant_id)
            group by all
        )

        select
            change_number, plant_id, object_type, item_number,
            coalesce(expected.quantity, 0) as quantity,
            cast(coalesce(reported.quantity, 0) as decimal(28, 6)) as reported
        from expected
        full join reported using (change_number, plant_id, object_type, item_number)
        where expected.quantity is not null or expected.change_number is null
        order by all
        """
    ).fetchall()
    return tuple(Impact(*row) for row in rows)


def compare(con: duckdb.DuckDBPyConnection, ground_truth: Path, published: Path) -> Statuses | None:
    """Compare; None where the table isn't published, or the estate is of before statuses were written down.

    Args:
        con: any connection.
        ground_truth: the folder of the truth.
        published: the folder of the version in force.
    """
    expected, reported = ground_truth / truth.CHANGE_STATUS, published / f"{STATUS_TABLE}.parquet"
    if not expected.is_file() or not reported.is_file():
        return None
    rows = con.execute(
        f"""
        with expected as (
            select * from read_parquet({path_literal(expected)})
        ),

        reported as (
            select change_number, plant_id, min(status) as status
            from read_parquet({path_literal(reported)})
            group by all
        )

        select
            coalesce(expected.change_number, reported.change_number) as change_number,
            coalesce(expected.plant_id, reported.plant_id) as plant_id,
            list_prepend(expected.status, list_filter(expected.accepted, lambda one: one <> expected.status))
                as accepted,
            reported.status
        from expected
        full join reported
            on expected.change_number = reported.change_number
            and expected.plant_id = reported.plant_id
        order by 1, 2
        """
    ).fetchall()
    return Statuses(tuple(Status(change, plant, _known(accepted), status) for change, plant, accepted, status in rows))


def _known(accepted: list[str | None] | None) -> tuple[str, ...]:
    return tuple(status for status in accepted or () if status is not None)


def _name(row: Status) -> str:
    return row.accepted[0] if row.accepted else "(no such change)"
