"""When a feed was last heard of though it had nothing new to say: the same snapshot again.

Belongs here: that instant, kept beside an extract's batches. Doesn't belong here: what is late (exceptions).

A batch is its bytes, and bytes that have landed land no second time (rule 32). Without a note of their own, a feed that
delivers an unchanged table every night would look as if it had stopped.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_FILE = "heard.json"


@dataclass(frozen=True)
class Heard:
    """When the newest delivery without news was made, by its own word, and when it was seen; both UTC."""

    extracted_at: datetime
    seen_at: datetime


def hear(place: Path, extracted_at: datetime, seen_at: datetime, newest: datetime | None) -> None:
    """Note a delivery whose bytes landed before.

    Args:
        place: the extract's folder in landing.
        extracted_at: when the delivery was made.
        seen_at: now.
        newest: when the newest batch was made. What is not newer has been heard of already: files stay where they are
            and are met again with every pass.
    """
    known = _read(place / _FILE)
    before = [instant for instant in (newest, known.extracted_at if known else None) if instant is not None]
    if before and extracted_at <= max(before):
        return
    aside = place / f".{_FILE}.{os.getpid()}"
    aside.write_text(json.dumps({"extracted_at": extracted_at.isoformat(), "seen_at": seen_at.isoformat()}))
    aside.replace(place / _FILE)


def heard(landing_dir: Path) -> dict[tuple[str, str], Heard]:
    """System and extract → its newest delivery without news."""
    found = {}
    for path in landing_dir.glob(f"*/*/{_FILE}"):
        note = _read(path)
        if note is not None:
            system, _, extract = path.parent.name.partition(".")
            found[system, extract] = note
    return found


def _read(path: Path) -> Heard | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Heard(*(datetime.fromisoformat(content[name]) for name in ("extracted_at", "seen_at")))
    except (OSError, ValueError, KeyError, TypeError):
        # It can be made anew at any time; a torn one is worth nothing.
        return None
