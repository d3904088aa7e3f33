"""Dagster's instance under MFG_HOME: SQLite, or PostgreSQL when MFG_DAGSTER_URL is set.

Belongs here: `dagster.yaml`. Doesn't belong here: running.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from mfg_assets.settings import Settings


def config(settings: Settings) -> dict[str, Any]:
    """What stands in `dagster.yaml`. The URL stays in the environment, where secrets belong."""
    content: dict[str, Any] = {
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        # One run at a time may touch the warehouse; the others wait in the queue.
        "concurrency": {"pools": {"granularity": "run", "default_limit": 1}},
        "retention": {"sensor": {"purge_after_days": {"skipped": 2, "success": 30, "failure": 30}}},
    }
    if settings.dagster_url is not None:
        content["storage"] = {"postgres": {"postgres_url": {"env": "MFG_DAGSTER_URL"}}}
    else:
        content["event_log_storage"] = {
            "module": "mfg_assets.defs.event_log",
            "class": "KeptSqliteEventLogStorage",
            "config": {"base_dir": str(settings.dagster_dir / "history" / "runs")},
        }
    return content


def ensure(settings: Settings) -> Path:
    """Write `dagster.yaml` where it differs and point this process at it. Returns DAGSTER_HOME."""
    folder = settings.dagster_dir
    folder.mkdir(parents=True, exist_ok=True)
    text = "# Written by mfg; change MFG_… variables instead.\n" + yaml.safe_dump(config(settings), sort_keys=False)
    path = folder / "dagster.yaml"
    if not path.is_file() or path.read_text() != text:
        path.write_text(text)
    os.environ["DAGSTER_HOME"] = str(folder)
    return folder


def get(settings: Settings) -> dg.DagsterInstance:
    """The instance of this home."""
    ensure(settings)
    return dg.DagsterInstance.get()
