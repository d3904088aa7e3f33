"""A feed to land: one system with one extract, and the folder that it delivers to.

Belongs here: building the estate, delivering files, reading back what landed. Doesn't belong here: expectations.

The extract is `inventory_movement` unless a test says otherwise: it has texts, a decimal, an instant, a date, a unit
and a plant, and each record is told from others by its event_id.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import yaml

from mfg_assets.contracts import contract
from mfg_assets.estate.loader import load_estate
from mfg_assets.estate.models import Estate
from mfg_assets.ingest import BatchManifest, LandingResult, land_extract, list_dead_letters, read_manifests
from mfg_assets.ingest.landed import landed_sql
from mfg_assets.settings import Settings

MOVEMENT = {
    "event_id": "id",
    "movement_type": "'M'",
    "item_number": "item",
    "quantity": "quantity",
    "unit": "unit",
    "event_at": "moment",
}
HEADER = "id,item,quantity,unit,moment"
GOOD = ["1,FRAME,2.5,EA,2025-03-01T08:00:00", "2,WHEEL,4,EA,2025-03-02T09:30:00", "3,SPOKE,36,EA,2025-03-03T10:00:00"]
ESTATE = "name: t\nplants:\n  - {id: P1, name: P, timezone: Europe/Berlin, currency: EUR}\n"
UNITS = "system,native,code\n*,EA,EA\n*,KG,KGM\n"


@dataclass
class Feed:
    """A system `src` with the extract `feed`; `options` are the connector's, `extract` and `system` hold more keys.

    A key with None is left out.
    """

    root: Path
    settings: Settings
    options: dict[str, Any] = field(default_factory=dict)
    extract: dict[str, Any] = field(default_factory=dict)
    system: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=lambda: dict(MOVEMENT))
    codes: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        folder = self.root / "data"
        folder.mkdir(exist_ok=True)
        return folder

    def estate(self) -> Estate:
        extract = {
            "entity": "inventory_movement",
            "from": "*.csv",
            "delivery": "events",
            "reject_limit": 1,
            "columns": self.columns,
        }
        system = {
            "system": "src",
            "kind": "wms",
            "plants": ["P1"],
            "timezone": "Europe/Berlin",
            "connector": {"type": "files", "path": "../data", **self.options},
            "extracts": {"feed": {k: v for k, v in (extract | self.extract).items() if v is not None}},
            **self.system,
        }
        texts = {
            "estate.yaml": ESTATE,
            "ownership.yaml": "rules: []\n",
            "systems/src.yaml": yaml.safe_dump({k: v for k, v in system.items() if v is not None}, sort_keys=False),
            "codes/units.csv": UNITS,
            **{f"codes/{name}.csv": text for name, text in self.codes.items()},
        }
        for name, text in texts.items():
            path = self.root / "estate" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return load_estate(self.root / "estate")

    def deliver(self, content: str | bytes | list[str], name: str = "a.csv", age: int | None = None) -> Path:
        """Write a file; a list is lines below the usual header. `age` is its modification time in seconds."""
        if isinstance(content, list):
            content = "\n".join([HEADER, *content]) + "\n"
        path = self.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if age is not None:
            os.utime(path, (age, age))
        return path

    def land(self) -> LandingResult:
        return land_extract(self.estate(), "src", "feed", self.settings)

    def batch(self) -> BatchManifest:
        (batch,) = self.land().batches
        check_counts(batch)
        return batch

    def rows(self, columns: str = "event_id, item_number, quantity") -> list[tuple[Any, ...]]:
        """All landed rows, in the order of files and records."""
        return landed_rows(self.settings, columns, "source_file, source_row, batch_id")

    def letters(self) -> list[dict[str, Any]]:
        return list_dead_letters(self.settings)

    def reasons(self) -> dict[int, list[str]]:
        return {letter["source_row"]: letter["reasons"] for letter in self.letters()}

    def manifests(self) -> list[BatchManifest]:
        return read_manifests(self.settings.landing_dir)


def landed_rows(settings: Settings, columns: str = "*", order: str = "all") -> list[tuple[Any, ...]]:
    """All rows that landed, of whichever one entity it was."""
    manifests = [m for m in read_manifests(settings.landing_dir) if m.rows_landed]
    if not manifests:
        return []
    (entity,) = {m.entity for m in manifests}
    sql = landed_sql(settings.landing_dir, contract(entity), manifests)
    return duckdb.sql(f"select {columns} from ({sql}) order by {order}").fetchall()


def check_counts(batch: BatchManifest) -> None:
    """What holds for every batch."""
    assert batch.rows_received == batch.rows_read - batch.rows_filtered
    assert batch.rows_received == batch.rows_landed + batch.rows_rejected
    assert (batch.state == "refused") == (batch.reason is not None)
    assert batch.rows_landed == 0 or batch.state == "landed"


def refusal(feed: Feed) -> str:
    """The batch is refused whole, with its reason; nothing has landed, and delivering it again changes nothing."""
    batch = feed.batch()
    assert (batch.state, batch.rows_landed) == ("refused", 0)
    assert batch.reason is not None
    assert "Traceback" not in batch.reason
    assert "Error:" not in batch.reason
    assert feed.rows() == []
    again = feed.land()
    assert (again.batches, again.already_landed) == ((), 1)
    return batch.reason
