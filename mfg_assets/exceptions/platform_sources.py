"""Observations that the platform makes of itself: feeds that were refused or are late, tests that failed, publications.

Belongs here: reading manifests, dbt's results and publication state. Doesn't belong here: findings (`sources`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mfg_assets import publish as publication
from mfg_assets.audit import canonical
from mfg_assets.estate.models import Estate
from mfg_assets.ingest import BatchManifest
from mfg_assets.ingest.heard import Heard
from mfg_assets.ingest.manifest import superseded_ids
from mfg_assets.settings import Settings

FEED, PUBLICATION, CHECK = "feed", "publication", "check"


def refused_batches(estate: Estate, manifests: Sequence[BatchManifest]) -> list[tuple[Any, ...]]:
    """Batches whose content the platform lacks because it refused them.

    Of a snapshot only the newest delivery counts, since a later one says all again. Of deltas and events each refused
    batch counts until the same bytes land.
    """
    superseded = superseded_ids(manifests) | {m.supersedes for m in manifests if m.supersedes}
    landed_bytes = {(m.source_system, m.extract_name, m.content_hash) for m in manifests if m.state == "landed"}
    newest: dict[tuple[str, str], BatchManifest] = {}
    for m in manifests:
        newest[m.source_system, m.extract_name] = m
    found = []
    for m in manifests:
        extract = (m.source_system, m.extract_name)
        if m.state != "refused" or m.batch_id in superseded or (*extract, m.content_hash) in landed_bytes:
            continue
        key: dict[str, Any] = {"source_system": m.source_system, "extract_name": m.extract_name}
        if m.delivery == "snapshot":
            if newest[extract] is not m:
                continue
        else:
            key["content_hash"] = m.content_hash
        files = ", ".join(file.name for file in m.files if file.role == "data")
        found.append(
            _row(
                FEED,
                "refused_batch",
                key,
                severity="high",
                owner=_owner_of(estate, m.source_system),
                action=f"Mend the mapping or ask {m.source_system} for {m.extract_name} again: {m.reason}",
                evidence={"files": files, "reason": m.reason, "batch_id": m.batch_id, "rejected": m.rows_rejected},
                correlation_ids=[m.batch_id],
            )
        )
    return found


def late_feeds(
    estate: Estate, manifests: Sequence[BatchManifest], heard: Mapping[tuple[str, str], Heard], at: datetime
) -> list[tuple[Any, ...]]:
    """Extracts of which nothing was heard for longer than their freshness allows, also those that never delivered.

    Args:
        estate: freshness, and whose clock counts.
        manifests: all batches.
        heard: deliveries that brought what had landed before: they are no batches, and yet the feed is alive.
        at: now.
    """
    found = []
    for system, extract, newest, until in _freshness(estate, manifests, heard):
        if at >= until:
            since = f"since {newest:%Y-%m-%d %H:%M} UTC" if newest is not None else "yet"
            found.append(
                _row(
                    FEED,
                    "late_feed",
                    {"source_system": system, "extract_name": extract},
                    severity="high",
                    owner=_owner_of(estate, system),
                    action=f"Ask {system} why {extract} hasn't been delivered {since}.",
                    evidence={"newest": newest.isoformat() if newest else None, "due_at": until.isoformat()},
                )
            )
    return found


def _freshness(
    estate: Estate, manifests: Sequence[BatchManifest], heard: Mapping[tuple[str, str], Heard]
) -> Iterable[tuple[str, str, datetime | None, datetime]]:
    """Each extract with a freshness: when it was last heard of, and until when the next one has time.

    What never came has time from the first batch of any feed on, since that is when the platform was set up.
    """
    newest: dict[tuple[str, str], datetime] = {}
    for m in manifests:
        if m.state == "landed":
            extract = (m.source_system, m.extract_name)
            newest[extract] = max(_came_at(estate, m), newest.get(extract, _came_at(estate, m)))
    for extract in heard.keys() & newest.keys():
        again = heard[extract].seen_at if estate.file.as_of is None else heard[extract].extracted_at
        newest[extract] = max(newest[extract], again)
    if not newest:
        return
    first = min(_came_at(estate, m) for m in manifests)
    for system, declared in estate.systems.items():
        for name in declared.extracts:
            allowed, came_at = estate.freshness(system, name), newest.get((system, name))
            if allowed is not None:
                yield system, name, came_at, (came_at or first) + allowed


def _came_at(estate: Estate, batch: BatchManifest) -> datetime:
    """When a batch came, by the clock that says what "now" is: an estate with an instant of its own has no other."""
    return batch.landed_at if estate.file.as_of is None else batch.extracted_at


def failed_dbt_tests(results_path: Path) -> list[tuple[Any, ...]]:
    """Data tests that did not hold in dbt's last invocation."""
    if not results_path.is_file():
        return []
    found = []
    for node in json.loads(results_path.read_text(encoding="utf-8"))["results"]:
        kind, _, name = str(node["unique_id"]).partition(".")
        if kind != "test" or node["status"] not in ("fail", "error", "warn"):
            continue
        found.append(
            _row(
                CHECK,
                "failed_check",
                {"table_name": "dbt", "check_name": name.split(".")[1]},
                severity="medium" if node["status"] == "warn" else "critical",
                action="Look at the rows that the test finds, and mend them or the test.",
                evidence={"failed_rows": node.get("failures"), "message": node.get("message")},
            )
        )
    return found


def refused_publication(settings: Settings) -> list[tuple[Any, ...]]:
    """The newest refusal, while readers still see older state because of it."""
    refusal = publication.status(settings).refused_since
    if refusal is None:
        return []
    return [
        _row(
            PUBLICATION,
            "refused_publication",
            {"published": "mfg"},
            severity="critical",
            action="Mend what the checks found, then run again: readers see the version before.",
            evidence={"reasons": list(refusal.reasons), "version_in_force": refusal.version_in_force},
            correlation_ids=[refusal.run_id] if refusal.run_id else [],
        )
    ]


def _owner_of(estate: Estate, system: str) -> str | None:
    declared = estate.systems.get(system)
    return declared.owner if declared is not None else None


def _row(
    domain: str,
    finding_class: str,
    key: dict[str, Any],
    *,
    severity: str,
    action: str,
    evidence: dict[str, Any],
    owner: str | None = None,
    correlation_ids: Sequence[str] = (),
) -> tuple[Any, ...]:
    """A row with `sources.RAW_COLUMNS`."""
    return (
        *(domain, finding_class, canonical(key), None, severity, owner, None, None, None, None),
        *(action, canonical(evidence), list(correlation_ids)),
    )
