"""Explosions of every real assembly against a plain calculation over the delivered file, which shares no code."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from mfg_assets.bom import Question, explode, read_structure, rounded
from mfg_assets.settings import Settings
from mfg_assets.warehouse.session import connect
from tests.bills import line, publish_bills

ZONE = ZoneInfo("America/Los_Angeles")

# parent, component, quantity, start, last day
Row = tuple[int, int, Decimal, datetime, datetime | None]


def delivered(folder: Path) -> list[Row]:
    file = (folder / "parquet" / "Production.BillOfMaterials.parquet").as_posix()
    rows = duckdb.sql(
        "select ProductAssemblyID, ComponentID, PerAssemblyQty, StartDate, EndDate, BillOfMaterialsID "
        f"from '{file}' where ProductAssemblyID is not null order by BillOfMaterialsID"
    ).fetchall()
    return [row[:5] for row in rows]


def period(row: Row) -> tuple[datetime, datetime | None]:
    """The file's ends are inclusive days; `+ 1 day` on the wall clock, before the zone."""
    end = None if row[4] is None else (row[4] + timedelta(days=1)).replace(tzinfo=ZONE)
    return row[3].replace(tzinfo=ZONE), end


@pytest.mark.slow
def test_every_assembly_on_the_last_day_of_an_ended_line_the_day_after_and_now(
    adventureworks: Path, settings: Settings
) -> None:
    rows = delivered(adventureworks)
    lines = [
        line(
            str(r[0]), "", str(r[1]), str(r[2]), line_id=str(n), effective_from=period(r)[0], effective_to=period(r)[1]
        )
        for n, r in enumerate(rows)
    ]
    folder = publish_bills(settings, lines=lines)
    ended = sorted({r[4] for r in rows if r[4] is not None})
    last_day = ended[len(ended) // 2].replace(tzinfo=ZONE)
    assemblies = sorted({r[0] for r in rows})
    assert len(assemblies) == 238
    changed = 0
    with connect(settings, folder / "marts.duckdb", read_only=True) as connection:
        results: list[dict[str, Decimal]] = []
        for instant in (
            last_day + timedelta(hours=23),
            last_day + timedelta(days=1),
            datetime(2026, 11, 21, tzinfo=ZONE),
        ):
            below: dict[int, list[Row]] = defaultdict(list)
            for row in rows:
                start, end = period(row)
                if start <= instant and (end is None or instant < end):
                    below[row[0]].append(row)
            for assembly in assemblies:
                question = Question(str(assembly), "P1", instant)
                found = explode(read_structure(connection, question, is_down=True), str(assembly)).totals()
                results.append({t.item: t.quantity for t in found})
                assert results[-1] == plainly(below, assembly), (assembly, instant)
            if len(results) == 2 * len(assemblies):
                changed = sum(
                    a != b for a, b in zip(results[: len(assemblies)], results[len(assemblies) :], strict=True)
                )
    assert changed > 0, "the days must differ, or the comparison shows nothing about ends"


def plainly(below: dict[int, list[Row]], assembly: int) -> dict[str, Decimal]:
    sums: dict[str, Fraction] = defaultdict(Fraction)

    def follow(item: int, needed: Fraction) -> None:
        for row in below.get(item, ()):
            amount = needed * Fraction(row[2])
            sums[str(row[1])] += amount
            follow(row[1], amount)

    follow(assembly, Fraction(1))
    return {item: quantity for item, q in sums.items() if (quantity := rounded(q)) is not None}
