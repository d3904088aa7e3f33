"""A release's way round without extracts and models: outbox, folder, systems that take over and answer, taking back.

What a system holds is seen as an extract would show it; the whole way is tests/integration/test_release_loop.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mfg_assets.estate.releases import ReleaseTarget
from mfg_assets.ledger import Ledger
from mfg_assets.release import outbox
from mfg_assets.release.inspect import MessageFilter, acknowledge, find
from mfg_assets.release.model import Acknowledgement, Asked, Change, ObjectId
from mfg_assets.release.outbox import Occasion
from mfg_assets.release.run import send
from mfg_assets.settings import Settings
from mfg_assets.simulate import adopt, held

START = datetime(2026, 1, 12, 5, tzinfo=UTC)
SYSTEMS = ("erp", "mes")
OBJECT = "P3|100"
TARGETS = tuple(
    ReleaseTarget.model_validate(
        {"id": system, "system": system, "deliver": {"type": "folder", "path": f"releases/{system}"}}
    )
    for system in SYSTEMS
)
# The ERP's bill is for ten pieces, the shop floor's for one; of B there are four in each.
HELD = """
    insert into held.bom_header by name select '100' as parent_item_number, 'P3' as plant_id, 'production' as usage,
        '1' as alternative, base as base_quantity, system as source_system, 'h' as row_id, $since as visible_from
        from (values ('erp', 10), ('mes', 1)) as s (system, base);
    insert into held.bom_line by name select '100' as parent_item_number, 'P3' as plant_id, 'production' as usage,
        '1' as alternative, '10' as position, 'B' as line_id, 'B' as component_item_number, 4 * base as quantity,
        'EA' as unit, false as is_fixed_quantity, system as source_system, 'B' as row_id, $since as visible_from
        from (values ('erp', 10), ('mes', 1)) as s (system, base)
"""


class Loop:
    """One bill in two systems, of which engineering wants another quantity."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(home=folder)
        self.estate = folder / "estate"
        self.ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
        self.now, self.number, self.con = START, 0, duckdb.connect()
        self.deliver()

    def deliver(self, *, is_released: bool = False) -> None:
        """A day later: each delivery makes its world anew, with all that was ever taken over."""
        taken = adopt.read(self.estate, self.settings.home_path / "releases" if is_released else None, self.now)
        adopt.write(self.estate, taken)
        self.now += timedelta(days=1)
        self.con.execute("set TimeZone = 'UTC'")
        held.create(self.con)
        since = f"timestamptz '{(START - timedelta(days=99)).isoformat()}'"
        self.con.execute(HELD.replace("$since", since))
        adopt.apply(self.con, taken)

    def holds(self, system: str) -> list[tuple[Any, ...]]:
        """Exactly what the system holds of the bill now."""
        return self.con.execute(
            "select * exclude (row_id, visible_from, visible_to) from held.bom_line "
            "where source_system = ? and visible_from <= ? and coalesce(visible_to > ?, true) order by all",
            [system, self.now, self.now],
        ).fetchall()

    def seen(self, system: str) -> list[dict[str, Any]] | None:
        """The same in the platform's words: for one piece."""
        rows = self.con.execute(
            "select line.quantity / header.base_quantity "
            "from held.bom_line as line inner join held.bom_header as header "
            "using (source_system, parent_item_number) where line.source_system = ? and line.visible_from <= ? "
            "and coalesce(line.visible_to > ?, true)",
            [system, self.now, self.now],
        ).fetchall()
        return [_line(quantity) for (quantity,) in rows] or None

    def publish(self, wanted: float) -> str:
        """A version that asks both systems for what they aren't seen to hold, the shop floor after the ERP."""
        self.number += 1
        after = [_line(wanted)]
        asked = []
        for system in SYSTEMS:
            before = self.seen(system)
            if before != after:
                waits = ("waits_for_erp",) if system == "mes" and self.seen("erp") != after else ()
                change = Change("B", before, after, hold_reasons=waits)
                asked.append(
                    Asked(ObjectId(system, "bom_header", OBJECT), system, system, "P3", "100", "c0ffee", (change,))
                )
        answers = [
            Acknowledgement(*row)
            for row in self.con.execute(
                "select target_system, object_type, object_key, version, acknowledgement_state, detail, event_at "
                "from held.sync_acknowledgement"
            ).fetchall()
        ]
        acknowledge(self.ledger, answers, self.now)
        outbox.prepare(self.ledger, asked, self.version, self._occasion, SYSTEMS)
        self.send()
        return self.version

    def take_back_to(self, version: str) -> None:
        """An older version comes back, as a version of its own."""
        self.number += 1
        keys = outbox.since(self.ledger, int(version.partition("-")[0]), self.number)
        outbox.undo(self.ledger, keys, self.version, self._occasion, reason="too early")
        self.send()

    def send(self) -> None:
        """What is due leaves."""
        _, problems = send(self.settings, self.ledger, TARGETS, lambda: self.now)
        assert problems == ()

    @property
    def version(self) -> str:
        """The newest version's name."""
        return f"{self.number:06d}-00000000"

    @property
    def _occasion(self) -> Occasion:
        return Occasion(self.now, self.now)

    def messages(self, system: str) -> list[tuple[str, str, bool]]:
        """Kind, state, and whether it is settled, the oldest first."""
        found = find(self.ledger, MessageFilter(target=system))
        return [(m["kind"], m["state"], m["is_settled"]) for m in sorted(found, key=lambda m: m["sequence"])]

    def files(self, system: str) -> int:
        """How many messages lie in a system's folder."""
        return len(list((self.settings.home_path / "releases" / system).glob("*.json")))


def _line(quantity: float) -> dict[str, Any]:
    names = (
        *("alternate_group", "alternate_priority", "reference_designators", "component_revision"),
        *("effective_from", "effective_to", "is_phantom"),
    )
    return {
        "component_item_number": "B", "alternative": "1", "position": "10", "quantity_per": f"{float(quantity):g}",
        "unit": "EA", "is_fixed_quantity": False, "scrap_fraction": "0", "scrap_method": "multiply",
        **dict.fromkeys(names),
    }  # fmt: skip


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    one = Loop(tmp_path)
    yield one
    one.ledger.close()
    one.con.close()


def test_the_shop_floor_hears_when_the_erp_is_seen_to_hold_it_and_answers(loop: Loop) -> None:
    loop.publish(6)
    assert (loop.files("erp"), loop.files("mes")) == (1, 0)
    # time alone tells the shop floor nothing, nor does the message's having been delivered
    loop.deliver()
    loop.publish(6)
    assert (loop.messages("erp"), loop.files("mes")) == ([("release", "delivered", False)], 0)
    loop.deliver(is_released=True)
    assert (loop.seen("erp"), loop.seen("mes")) == ([_line(6)], [_line(4)])
    loop.publish(6)
    assert loop.messages("erp") == [("release", "delivered", True)]
    assert (loop.files("erp"), loop.files("mes")) == (1, 1)
    loop.deliver(is_released=True)
    assert loop.seen("mes") == [_line(6)]
    loop.publish(6)
    assert loop.messages("mes") == [("release", "acknowledged", True)]
    loop.deliver(is_released=True)
    loop.publish(6)
    assert (loop.files("erp"), loop.files("mes")) == (1, 1), "then there is nothing left to be said"


def test_what_is_taken_back_is_held_exactly_as_before(loop: Loop) -> None:
    before = {system: loop.holds(system) for system in SYSTEMS}
    first = loop.publish(4)
    for _ in range(3):
        loop.publish(6)
        loop.deliver(is_released=True)
    assert [loop.seen(system) for system in SYSTEMS] == [[_line(6)], [_line(6)]]
    loop.take_back_to(first)
    loop.deliver(is_released=True)
    assert {system: loop.holds(system) for system in SYSTEMS} == before
    for system in SYSTEMS:
        assert loop.messages(system) == [("release", "compensated", True), ("compensation", "delivered", False)]
