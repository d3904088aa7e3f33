"""Late feeds: by the clock that the estate's "now" is, also those that never delivered anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
import yaml

from mfg_assets.estate.loader import load_estate
from mfg_assets.estate.models import Estate
from mfg_assets.exceptions.platform_sources import late_feeds
from mfg_assets.exceptions.sources import RAW_COLUMNS
from mfg_assets.ingest import BatchManifest
from mfg_assets.ingest.heard import Heard, heard
from mfg_assets.settings import Settings
from tests.ingest_feed import GOOD, Feed

DELIVERED = datetime(2025, 3, 4, 5, tzinfo=UTC)
OTHER = {"entity": "inventory_movement", "from": "*.txt", "delivery": "events", "columns": {}}


@pytest.fixture
def feed(tmp_path: Path, settings: Settings) -> Feed:
    """One extract that has delivered, and a second one with the same mapping that has not; both within 26 hours."""
    found = Feed(tmp_path, settings)
    found.system = {"freshness": "26h"}
    found.deliver(GOOD, age=int(DELIVERED.timestamp()))
    found.batch()
    path = found.estate().path / "systems" / "src.yaml"
    system = yaml.safe_load(path.read_text())
    system["extracts"]["silent"] = {**OTHER, "columns": found.columns}
    path.write_text(yaml.safe_dump(system))
    return found


def _estate(feed: Feed, as_of: datetime | None) -> Estate:
    path = feed.root / "estate"
    (path / "estate.yaml").write_text(
        (path / "estate.yaml").read_text() + (f"as_of: {as_of.isoformat()}\n" if as_of else "")
    )
    return load_estate(path)


def _late(
    estate: Estate,
    manifests: list[BatchManifest],
    at: datetime,
    again: Mapping[tuple[str, str], Heard] = MappingProxyType({}),
) -> list[str]:
    rows = [dict(zip(RAW_COLUMNS, row, strict=True)) for row in late_feeds(estate, manifests, again, at)]
    return [json.loads(row["business_key"])["extract_name"] for row in rows]


def test_rule_3_an_estate_with_its_own_instant_counts_from_the_delivery(feed: Feed) -> None:
    estate = _estate(feed, DELIVERED + timedelta(hours=26))
    on_time = DELIVERED + timedelta(hours=26) - timedelta(seconds=1)
    assert _late(estate, feed.manifests(), on_time) == []
    assert _late(estate, feed.manifests(), estate.now()) == ["feed", "silent"]


def test_with_the_machines_clock_it_counts_from_the_landing(feed: Feed) -> None:
    estate, (batch,) = _estate(feed, None), feed.manifests()
    assert _late(estate, [batch], batch.landed_at + timedelta(hours=25)) == []
    assert _late(estate, [batch], batch.landed_at + timedelta(hours=26)) == ["feed", "silent"]
    newer = replace(batch, batch_id="b", landed_at=batch.landed_at + timedelta(hours=20))
    assert _late(estate, [batch, newer], batch.landed_at + timedelta(hours=26)) == ["silent"]


def test_the_same_snapshot_again_is_a_delivery(feed: Feed) -> None:
    """Nothing lands a second time; and yet a feed that repeats itself every night has not stopped."""
    feed.extract = {"delivery": "snapshot"}
    feed.deliver(GOOD, "a.csv", age=int(DELIVERED.timestamp()))
    feed.land()
    next_day = DELIVERED + timedelta(hours=24)
    feed.deliver(GOOD, "b.csv", age=int(next_day.timestamp()))
    assert feed.land().batches == ()
    again = heard(feed.settings.landing_dir)
    assert again["src", "feed"].extracted_at == next_day
    estate = _estate(feed, DELIVERED)
    assert "feed" in _late(estate, feed.manifests(), next_day + timedelta(hours=3))
    assert "feed" not in _late(estate, feed.manifests(), next_day + timedelta(hours=25), again)
    assert "feed" in _late(estate, feed.manifests(), next_day + timedelta(hours=26), again)
    # Meeting the same files again says nothing new.
    feed.land()
    assert heard(feed.settings.landing_dir) == again


def test_a_refused_snapshot_again_is_none(feed: Feed) -> None:
    feed.extract = {"delivery": "snapshot", "reject_limit": 0}
    for name, day in (("b.csv", 1), ("c.csv", 2)):
        at = DELIVERED + timedelta(days=day)
        feed.deliver([*GOOD, "9,FRAME,five,EA,2025-03-04T08:00:00"], name, age=int(at.timestamp()))
        feed.land()
    assert [m.state for m in feed.manifests()].count("refused") == 1
    assert heard(feed.settings.landing_dir) == {}


def test_a_refused_batch_is_no_delivery(feed: Feed) -> None:
    estate, (batch,) = _estate(feed, None), feed.manifests()
    refused = replace(batch, batch_id="b", state="refused", landed_at=batch.landed_at + timedelta(hours=20))
    assert "feed" in _late(estate, [batch, refused], batch.landed_at + timedelta(hours=26))


def test_before_anything_came_nothing_is_late(feed: Feed) -> None:
    assert _late(_estate(feed, None), [], DELIVERED) == []
